// Charts that are read point by point, by the pointer or the arrow keys, and days that are
// chosen in them. The server has drawn the chart and written what each point says; see
// "chart" in templates/parts.html.

/** Readies the charts of a page. */
export function startCharts(): void {
  for (const plot of document.querySelectorAll<HTMLElement>(".plot:has(.col)")) startChart(plot);
}

function startChart(plot: HTMLElement): void {
  const svg = plot.querySelector("svg")!;
  const columns = [...svg.querySelectorAll<SVGRectElement>(".col")];
  // The title of a column is what shows without a script.
  const texts = columns.map((c) => {
    const title = c.querySelector("title");
    title?.remove();
    return title?.textContent ?? "";
  });
  const draw = <K extends keyof SVGElementTagNameMap>(name: K, className: string, attributes: Record<string, string | null>) => {
    const e = svg.appendChild(document.createElementNS("http://www.w3.org/2000/svg", name));
    e.classList.add(className);
    for (const key in attributes) e.setAttribute(key, attributes[key] ?? "");
    return e;
  };
  const write = (className: string) => {
    const p = plot.appendChild(document.createElement("p"));
    p.className = className;
    return p;
  };
  const edge = (name: string) => columns[0].getAttribute(name);
  const chosen = draw("rect", "chosen", { y: edge("y"), height: edge("height") });
  const cursor = draw("line", "cursor", { y1: edge("y"), y2: String(Number(edge("y")) + Number(edge("height"))) });
  const dot = draw("circle", "dot", { r: "4" });
  const tip = write("tip small");
  tip.ariaHidden = "true";
  const said = write("sr");
  said.ariaLive = "polite";

  let at = -1; // the point that is read
  let from = -1; // where choosing began
  const percent = (column: Element, name: string) => parseFloat(column.getAttribute(name)!);
  const middle = (i: number) => percent(columns[i], "x") + percent(columns[i], "width") / 2;

  const point = (i: number) => {
    at = i;
    plot.classList.toggle("read", i >= 0);
    chosen.setAttribute("width", "0");
    if (i < 0) return;
    const x = middle(i);
    for (const name of ["x1", "x2"]) cursor.setAttribute(name, x + "%");
    const y = columns[i].dataset.y;
    dot.setAttribute("cx", x + "%");
    dot.setAttribute("cy", y ?? "-99");
    tip.textContent = texts[i];
    const [outer, inner] = [plot, svg].map((e) => e.getBoundingClientRect());
    const left = inner.left - outer.left + (x / 100) * inner.width;
    tip.style.left = Math.max(0, Math.min(outer.width - tip.offsetWidth, left - tip.offsetWidth / 2)) + "px";
    tip.style.top = Math.max(-8, Number(y ?? edge("y")) - tip.offsetHeight - 16) + "px";
    if (from < 0) return;
    const [first, last] = [Math.min(from, at), Math.max(from, at)];
    chosen.setAttribute("x", percent(columns[first], "x") + "%");
    chosen.setAttribute("width", percent(columns[last], "x") + percent(columns[last], "width") - percent(columns[first], "x") + "%");
  };
  const stop = () => {
    from = -1;
    point(-1);
  };
  /** Shows the days between the points, by the form that people fill in by hand. */
  const choose = () => {
    const [first, last] = [Math.min(from, at), Math.max(from, at)].map((i) => columns[i]?.dataset);
    const [begin, end] = ["from", "to"].map((id) => document.querySelector<HTMLInputElement>(`.period #${id}`));
    stop();
    if (!begin || !end || !first?.from || !last?.to || first.from > end.max) return;
    begin.value = first.from;
    end.value = last.to < end.max ? last.to : end.max; // today is not over
    end.form!.requestSubmit();
  };
  const under = (e: PointerEvent) => {
    const { left, width } = svg.getBoundingClientRect();
    return Math.max(0, Math.min(columns.length - 1, Math.floor(((e.clientX - left) / width) * columns.length)));
  };

  svg.addEventListener("pointermove", (e) => point(under(e)));
  svg.addEventListener("pointerleave", stop);
  svg.addEventListener("pointerdown", (e) => {
    if (e.button || e.pointerType === "touch" || !columns[0].dataset.from) return;
    e.preventDefault(); // no text is marked
    svg.setPointerCapture(e.pointerId);
    from = under(e);
    point(from);
  });
  svg.addEventListener("pointerup", (e) => {
    if (from < 0) return;
    point(under(e));
    if (from === at) stop();
    else choose();
  });

  // Who reads by keys hears the points. Without a script there is the table below.
  plot.tabIndex = 0;
  plot.role = "application";
  plot.ariaLabel = svg.ariaLabel;
  plot.setAttribute("aria-description", plot.dataset.keys ?? "");
  plot.addEventListener("blur", stop);
  plot.addEventListener("keydown", (e) => {
    const last = columns.length - 1;
    const to = { ArrowLeft: Math.max(at < 0 ? last : at - 1, 0), ArrowRight: Math.min(at + 1, last), Home: 0, End: last }[e.key];
    if (e.key === "Escape") stop();
    else if (e.key === "Enter" && at >= 0) {
      if (from < 0) from = at;
      choose();
    } else if (to !== undefined && !e.altKey && !e.ctrlKey && !e.metaKey) {
      if (!e.shiftKey) from = -1;
      else if (from < 0 && columns[0].dataset.from) from = Math.max(at, 0);
      point(to);
      said.textContent = from < 0 ? texts[to] : [from, to].map((i) => texts[i].split(":")[0]).join(" – ");
    } else return;
    e.preventDefault();
  });
}
