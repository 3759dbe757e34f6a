// Writes texts/LANGUAGE/names.json: the names of countries and languages in Unicode CLDR,
// for each language that has a folder in texts. Run by `go generate ./i18n`.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const version = "48.2.0"; // as in geo/region, where the licence is

const dir = mkdtempSync(join(tmpdir(), "cldr-"));
try {
  execFileSync("npm", ["install", "--prefix", dir, "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", `cldr-localenames-full@${version}`]);
  for (const tag of readdirSync("texts")) {
    const named = (what, code) => {
      const file = join(dir, "node_modules", "cldr-localenames-full", "main", tag, `${what}.json`);
      const names = JSON.parse(readFileSync(file, "utf8")).main[tag].localeDisplayNames[what];
      return Object.fromEntries(Object.entries(names).filter(([key]) => code.test(key)));
    };
    const names = { countries: named("territories", /^[A-Z]{2}$/), languages: named("languages", /^[a-z]{2,3}$/) };
    writeFileSync(join("texts", tag, "names.json"), JSON.stringify(names, null, "\t") + "\n");
  }
} finally {
  rmSync(dir, { recursive: true });
}
