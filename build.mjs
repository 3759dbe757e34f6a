// Makes what the Go packages embed from their dist folders: the tracker scripts, and the
// dashboard's script and style sheet.
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
const script = async (source, name, COUNT_OBJECTIONS) => {
  const { outputFiles } = await build({
    ...shared,
    entryPoints: [`collector/script/${source}.ts`],
    tsconfigRaw: {}, // whose strictness is for the compiler, and no directive in the script
    define: { COUNT_OBJECTIONS },
    format: source === "matomo" ? "iife" : "esm",
    write: false,
  });
  let { code } = await minify(outputFiles[0].text, { ...squeeze, module: source === "optout" });
  if (source === "fotspor") {
    // A block keeps names from the page in less than a function does, but for these.
    code = `{${code.replace(/^var /, "let ").replace(/;$/, "")}}`;
    if (/\b(var|function)\b/.test(code)) throw new Error("fotspor.js: a var or a function would be the page's, too");
  }
  mkdirSync("collector/script/dist", { recursive: true });
  writeFileSync(`collector/script/dist/${name}.js`, code);
};
for (const source of ["fotspor", "matomo", "optout"]) {
  await script(source, source, "false");
  await script(source, `${source}.objections`, "true");
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
