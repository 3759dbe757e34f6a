// Writes cldr.txt and cldr.LICENSE: the subdivisions of ISO 3166-2 with their English
// names in Unicode CLDR, without those of the countries that names.txt has complete.
// Run by `go generate ./geo/region`.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const version = "48.2.0";
const own = ["NO", "SE", "DK", "FI", "IR", "MA"]; // CLDR names the codes that Iran and Morocco had until 2020 and 2015

const dir = mkdtempSync(join(tmpdir(), "cldr-"));
try {
  const packages = ["cldr-core", "cldr-subdivisions-full"].map((name) => `${name}@${version}`);
  execFileSync("npm", ["install", "--prefix", dir, "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", ...packages]);
  const at = (...path) => join(dir, "node_modules", ...path);
  const read = (...path) => JSON.parse(readFileSync(at(...path), "utf8"));

  const contained = read("cldr-core", "supplemental", "subdivisionContainment.json").supplemental.subdivisionContainment;
  const replaced = read("cldr-core", "supplemental", "aliases.json").supplemental.metadata.alias.subdivisionAlias;
  const names = read("cldr-subdivisions-full", "subdivisions", "en", "en.json").subdivisions.localeDisplayNames.subdivisions;

  const first = new Set(), below = new Set();
  for (const [outer, { _contains }] of Object.entries(contained)) {
    for (const code of _contains) (outer.length === 2 ? first : below).add(code);
  }
  const iso = (code) => `${code.slice(0, 2)}-${code.slice(2)}`.toUpperCase();
  const level = (code) => (first.has(code) ? "1" : below.has(code) ? "2" : "0");
  const kept = (code) => !own.includes(code.slice(0, 2).toUpperCase());
  const named = Object.keys(names).filter(kept).map((code) => [iso(code), level(code), names[code].replace(/ ?[²³†]$/, "")]);
  const moved = Object.keys(replaced)
    .filter((code) => kept(code) && !names[code])
    .map((code) => [iso(code), replaced[code]._replacement])
    .filter(([, successor]) => successor.length > 2 && !successor.includes(" ")) // no country, and one alone
    .map(([code, successor]) => [code, iso(successor)]);
  const lines = [...named, ...moved].map((line) => line.join("\t")).sort();
  writeFileSync("cldr.txt", `# Code, level (1 below the country, 2 below a subdivision, 0 withdrawn) and English name,
# or a withdrawn code and the one in its place, from Unicode CLDR ${version}. See cldr.LICENSE.
${lines.join("\n")}
`);
  copyFileSync(at("cldr-subdivisions-full", "LICENSE"), "cldr.LICENSE");
} finally {
  rmSync(dir, { recursive: true });
}
