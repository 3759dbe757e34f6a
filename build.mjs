// Bundles the tracker script and the dashboard's script and style sheet into the
// dist folders that the Go packages embed. Run by `make build`.
import { build } from "esbuild";

const shared = { bundle: true, minify: true, target: "es2018", logLevel: "warning", legalComments: "inline" };

await build({
  ...shared,
  entryPoints: ["collector/script/fotspor.ts"],
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
