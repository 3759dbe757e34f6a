// Makes what the Go packages embed from their dist folders: the tracker scripts, the
// dashboard's script and style sheet, and the names of countries and languages.
// Run by `make build`.
import { mkdirSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const shared = { bundle: true, minify: true, target: "es2020", logLevel: "warning", legalComments: "inline" };

await build({
  ...shared,
  entryPoints: ["collector/script/fotspor.ts", "collector/script/matomo.ts"],
  outdir: "collector/script/dist",
  format: "iife",
});

await build({
  ...shared,
  target: "es2022",
  entryPoints: ["dashboard/web/dashboard.ts", "dashboard/web/dashboard.css"],
  outdir: "dashboard/web/dist",
  format: "iife",
});

// Names as Node's own copy of Unicode CLDR has them, of the codes that hits may hold.
const letters = [..."abcdefghijklmnopqrstuvwxyz"];
const pairs = letters.flatMap((a) => letters.map((b) => a + b));
const sami = ["sma", "smj", "smn", "sms"];
const named = (tag, type, codes) => {
  const names = new Intl.DisplayNames([tag], { type, fallback: "none" });
  return Object.fromEntries(codes.map((code) => [code, names.of(code)]).filter(([, name]) => name));
};
const names = Object.fromEntries(
  ["en", "nb"].map((tag) => [
    tag,
    {
      countries: named(tag, "region", pairs.map((code) => code.toUpperCase())),
      languages: named(tag, "language", [...pairs, ...sami]),
    },
  ]),
);
mkdirSync("dashboard/language/dist", { recursive: true });
writeFileSync("dashboard/language/dist/names.json", JSON.stringify(names));
