// Bundles the router of Astro's view transitions, which Astro's own build puts into a page,
// with what its component <ClientRouter /> does at a click and with a form.
import { build } from "esbuild";

const handlers = `
  import { navigate } from "./node_modules/astro/dist/transitions/router.js";
  document.addEventListener("click", (event) => {
    const link = event.composedPath()[0].closest("a");
    if (!link) return;
    event.preventDefault();
    navigate(link.href, { history: "auto", sourceElement: link });
  });
  document.addEventListener("submit", (event) => {
    event.preventDefault();
    navigate(event.target.action, { formData: new FormData(event.target), sourceElement: event.target });
  });`;
const settings = {
  name: "settings",
  setup(build) {
    build.onResolve({ filter: /^virtual:astro:/ }, ({ path }) => ({ path, namespace: "settings" }));
    build.onLoad({ filter: /./, namespace: "settings" }, () => ({ contents: "export const internalFetchHeaders = {}" }));
  },
};
await build({
  stdin: { contents: handlers, resolveDir: new URL("../../..", import.meta.url).pathname },
  bundle: true,
  format: "esm",
  outfile: process.argv[2],
  define: { "import.meta.env.SSR": "false", "import.meta.env.DEV": "false" },
  plugins: [settings],
});
