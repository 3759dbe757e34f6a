/*! Fotspor, Apache-2.0. */
// What a browser adds to the dashboard's pages, which work without it: pages that follow
// one another without a reload, charts that are read by pointer and keys, panels that shut, a
// button that copies, and a page that waits for hits.
import { startCharts } from "./chart";
import { startPages } from "./pages";
import { startWatching } from "./watch";

/** Panels shut when something else is chosen, and on Escape. */
function startPanels(): void {
  const shut = (keep: EventTarget | null) => {
    for (const panel of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) {
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

/** What every page needs that is shown, be it loaded or put in the place of another. */
function startParts(): void {
  startCopiers();
  startCharts();
  startWatching();
}

startPanels();
startPages(startParts);
startParts();
