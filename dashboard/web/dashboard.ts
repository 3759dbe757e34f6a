/*! Fotspor, Apache-2.0. With uPlot, https://github.com/leeoniya/uPlot, Copyright (c) Leon Sorokin, MIT licence. */
// What a browser adds to the dashboard's pages, which work without it: the chart,
// rows that open, panels that shut, and a button that copies.
import uPlot from "uplot";

interface Values {
  a: number;
  b: number;
}

interface Point {
  label: string;
  title: string;
  beforeTitle: string;
  now: Values | null;
  before: Values | null;
}

const number = new Intl.NumberFormat(document.documentElement.lang);
const dark = matchMedia("(prefers-color-scheme: dark)");

function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Picks the points that get a label, so that labels never touch. */
function labelled(count: number, width: number): number[] {
  const every = Math.max(1, Math.ceil(count / Math.max(2, Math.floor(width / 72))));
  const picked: number[] = [];
  for (let i = 0; i < count; i += every) picked.push(i);
  return picked;
}

function line(label: string, stroke: string, dashed: boolean, fill?: string): uPlot.Series {
  return {
    label,
    stroke,
    fill,
    width: dashed ? 1.25 : 2,
    dash: dashed ? [3, 4] : undefined,
    points: { show: false },
  };
}

/** A box that follows the cursor and says the numbers of the point under it. */
function tooltip(points: Point[], names: [string, string]): uPlot.Plugin {
  const box = document.createElement("div");
  box.className = "tip";
  const row = (kind: string, text: string, value?: number) => {
    const p = document.createElement("p");
    p.className = kind;
    p.textContent = value === undefined ? text : `${text} ${number.format(value)}`;
    box.append(p);
  };
  const group = (title: string, values: Values | null, was: string) => {
    if (!values) return;
    row("title" + was, title);
    row("a" + was, names[0], values.a);
    row("b" + was, names[1], values.b);
  };
  return {
    hooks: {
      init: (u) => u.over.append(box),
      setCursor: (u) => {
        const i = u.cursor.idx;
        const point = i == null || (u.cursor.left ?? -1) < 0 ? undefined : points[i];
        box.hidden = !point;
        if (!point) return;
        box.replaceChildren();
        group(point.title, point.now, "");
        group(point.beforeTitle, point.before, " was");
        const x = u.valToPos(i!, "x");
        const flip = x > u.over.clientWidth / 2;
        box.style.left = flip ? "auto" : `${x + 12}px`;
        box.style.right = flip ? `${u.over.clientWidth - x + 12}px` : "auto";
      },
    },
  };
}

function draw(target: HTMLElement, points: Point[], names: [string, string]): uPlot {
  const column = (of: "now" | "before", measure: keyof Values) => points.map((p) => p[of]?.[measure] ?? null);
  const data: uPlot.AlignedData = [
    points.map((_, i) => i),
    column("before", "b"),
    column("before", "a"),
    column("now", "b"),
    column("now", "a"),
  ];
  const axis = { stroke: color("--muted"), font: `12px ${getComputedStyle(document.body).fontFamily}` };
  return new uPlot(
    {
      width: target.clientWidth,
      height: target.clientHeight,
      padding: [10, 24, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false, points: { size: 7 } },
      scales: {
        x: { time: false, range: (_u, min, max) => (min === max ? [min - 1, max + 1] : [min, max]) },
        y: { range: (_u, _min, max) => [0, Math.max(4, (max ?? 0) * 1.08)] },
      },
      axes: [
        {
          ...axis,
          size: 30,
          gap: 8,
          grid: { show: false },
          ticks: { show: false },
          splits: (u) => labelled(points.length, u.over.clientWidth || target.clientWidth),
          values: (_u, splits) => splits.map((i) => points[i]?.label ?? ""),
        },
        {
          ...axis,
          grid: { stroke: color("--rule"), width: 1 },
          ticks: { show: false },
          incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7],
          space: 36,
          values: (_u, splits) => splits.map((v) => number.format(v)),
          size: (_u, values) => 16 + 7 * Math.max(1, ...(values ?? []).map((v) => v.length)),
        },
      ],
      series: [
        {},
        line(names[1], color("--b-was"), true),
        line(names[0], color("--a-was"), true),
        line(names[1], color("--b"), false),
        line(names[0], color("--a"), false, color("--a-fill")),
      ],
      plugins: [tooltip(points, names)],
    },
    data,
    target,
  );
}

function startChart(): void {
  const target = document.getElementById("chart");
  const source = document.getElementById("chart-data");
  if (!target || !source) return;
  const points: Point[] = JSON.parse(source.textContent || "null") ?? [];
  const name = (kind: string) => document.querySelector(`.legend .${kind}`)?.textContent ?? "";
  const names: [string, string] = [name("a"), name("b")];
  target.classList.add("drawn");
  let plot = draw(target, points, names);
  new ResizeObserver(() => plot.setSize({ width: target.clientWidth, height: target.clientHeight })).observe(target);
  dark.addEventListener("change", () => {
    plot.destroy();
    plot = draw(target, points, names);
  });
}

function startOpeners(): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-opens]")) {
    const rows = document.querySelectorAll<HTMLElement>(`[data-group="${button.dataset.opens}"]`);
    button.hidden = false;
    button.addEventListener("click", () => {
      const open = button.getAttribute("aria-expanded") !== "true";
      button.setAttribute("aria-expanded", String(open));
      for (const row of rows) row.hidden = !open;
    });
  }
}

/** Panels shut when something else is chosen, and on Escape. */
function startPanels(): void {
  const shut = (keep: EventTarget | null) => {
    for (const panel of document.querySelectorAll<HTMLDetailsElement>("details.what[open], details.custom[open]")) {
      if (keep instanceof Node && panel.contains(keep)) continue;
      if (panel.contains(document.activeElement)) panel.querySelector("summary")?.focus();
      panel.open = false;
    }
  };
  document.addEventListener("click", (e) => shut(e.target));
  document.addEventListener("keydown", (e) => {
    if (e.key === "Escape") shut(null);
  });
}

function startCopiers(): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-copies]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const text = document.getElementById(button.dataset.copies ?? "")?.textContent ?? "";
      await navigator.clipboard.writeText(text);
      button.textContent = button.dataset.done ?? "";
    });
  }
}

startChart();
startOpeners();
startPanels();
startCopiers();
