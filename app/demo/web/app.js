// The smallest single-page application: three views, one document. The server
// answers each view's address with the whole page, so that all of them can be
// opened and reloaded; without this script they stand below each other.
const views = document.querySelectorAll("[data-view]");
const links = document.querySelectorAll(".steps a");

function show() {
  for (const view of views) view.hidden = view.dataset.view !== location.pathname;
  for (const link of links) {
    if (link.pathname === location.pathname) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-go]");
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  if (link.href === location.href) return;
  history.pushState(null, "", link.href);
  show();
  document.querySelector("[data-view]:not([hidden]) h2").focus();
});
addEventListener("popstate", show);
show();
