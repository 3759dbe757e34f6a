// Makes what the Go packages embed from their dist folders: the tracker scripts, and the
// dashboard's script, style sheet and map of the world.
// Run by `make build`.
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
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

// The map of the world: a line for each country, its number of ISO 3166-1 (of Kosovo, which
// has none, 983) and its path in a box of 1000 to 457, in the Equal Earth projection.
// What has no number, the Antarctic and islets are left out. The borders are those of
// Natural Earth, in the public domain, as the package world-atlas (ISC) has them.
const atlas = createRequire(import.meta.url)("world-atlas/countries-110m.json");
const { scale, translate } = atlas.transform;
const project = ([longitude, latitude]) => {
  const [a1, a2, a3, a4] = [1.340264, -0.081106, 0.000893, 0.003796];
  const t = Math.asin((Math.sqrt(3) / 2) * Math.sin((latitude * Math.PI) / 180));
  const t2 = t * t, t6 = t2 ** 3;
  const x = (((2 * Math.sqrt(3)) / 3) * (longitude / 180) * Math.PI * Math.cos(t)) / (9 * a4 * t2 * t6 + 7 * a3 * t6 + 3 * a2 * t2 + a1);
  const y = t * (a4 * t2 * t6 + a3 * t6 + a2 * t2 + a1);
  return [500 + (x / 2.7066) * 500, 240 - (y / 2.7066) * 500];
};
const away = (...places) => {
  const [[x, y], [ax, ay], [bx, by]] = places.map(project);
  const [dx, dy] = [bx - ax, by - ay];
  const t = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(x - ax - t * dx, y - ay - t * dy);
};
/** Leaves out points that are nearer than a unit to the line of the others. Neighbours share arcs, so no gap opens. */
const simple = (points) => {
  if (points.length < 3) return points;
  let most = 0, at = 0;
  for (let i = 1; i < points.length - 1; i++) {
    const d = away(points[i], points[0], points.at(-1));
    if (d > most) [most, at] = [d, i];
  }
  if (most < 0.9) return [points[0], points.at(-1)];
  return [...simple(points.slice(0, at + 1)).slice(0, -1), ...simple(points.slice(at))];
};
const arcs = atlas.arcs.map((arc) => {
  let [x, y] = [0, 0];
  return simple(arc.map(([dx, dy]) => [(x += dx) * scale[0] + translate[0], (y += dy) * scale[1] + translate[1]]));
});
const ring = (indexes) => {
  const places = indexes.flatMap((i) => (i < 0 ? arcs[~i].toReversed() : arcs[i]).slice(0, -1));
  let turn = 0; // what crosses the 180th meridian is drawn east of it
  const unrolled = places.map(([longitude, latitude], i) => {
    const step = i ? longitude - places[i - 1][0] : 0;
    turn -= Math.abs(step) > 180 ? Math.sign(step) * 360 : 0;
    return [longitude + turn, latitude];
  });
  const west = Math.min(...unrolled.map(([longitude]) => longitude)) < -180 ? 360 : 0;
  const points = unrolled.map(([longitude, latitude]) => project([longitude + west, latitude]).map(Math.round))
    .filter(([x, y], i, all) => !i || x !== all[i - 1][0] || y !== all[i - 1][1]);
  const area = points.reduce((sum, [x, y], i) => sum + x * points[(i + 1) % points.length][1] - points[(i + 1) % points.length][0] * y, 0) / 2;
  if (Math.abs(area) < 3) return "";
  let [px, py] = points[0];
  const steps = points.slice(1).map(([x, y]) => {
    const step = `${x - px}${y < py ? "" : " "}${y - py}`;
    [px, py] = [x, y];
    return step;
  });
  return `M${points[0].join(" ")}l${steps.join(" ").replaceAll(" -", "-")}z`;
};
const world = atlas.objects.countries.geometries.flatMap(({ id, type, arcs, properties }) => {
  const number = properties.name === "Kosovo" ? "983" : id;
  const path = (type === "Polygon" ? [arcs] : arcs).flat().map(ring).join("");
  return number && number !== "010" && path ? [`${number} ${path}\n`] : [];
});
writeFileSync("dashboard/web/dist/world.txt", world.join(""));
