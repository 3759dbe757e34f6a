// Makes what the Go packages embed from their dist folders: the tracker scripts, the
// dashboard's script and style sheet, and the names of countries and languages.
// Run by `make build`.
import { mkdirSync, writeFileSync } from "node:fs";
import { build } from "esbuild";
import { minify } from "terser";

const shared = { bundle: true, minify: true, target: "es2020", logLevel: "warning", legalComments: "inline" };

// The scripts of other people's pages, as small as they get. Both minifiers leave
// something to the other.
const squeeze = {
  compress: { passes: 4, ecma: 2020, unsafe: true, unsafe_arrows: true },
  mangle: { toplevel: true },
  ecma: 2020,
  format: { comments: /^!/ },
};
const script = async (source, name, define = {}) => {
  const { outputFiles } = await build({
    ...shared,
    entryPoints: [`collector/script/${source}.ts`],
    tsconfigRaw: {}, // whose strictness is for the compiler, and no directive in the script
    define,
    format: "iife",
    write: false,
  });
  const { code } = await minify(outputFiles[0].text, squeeze);
  mkdirSync("collector/script/dist", { recursive: true });
  writeFileSync(`collector/script/dist/${name}.js`, code);
};
for (const source of ["fotspor", "matomo"]) {
  await script(source, source, { COUNT_OBJECTIONS: "false" });
  await script(source, `${source}.objections`, { COUNT_OBJECTIONS: "true" });
}

await build({
  ...shared,
  entryPoints: ["collector/optout/page.ts", "collector/optout/frame.ts"],
  outdir: "collector/optout/dist",
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
