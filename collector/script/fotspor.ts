/*! Fotspor, Apache-2.0 */
// Counts page views: no cookie, no storage, no identifier. It speaks Matomo's
// tracking API to the server that it came from.
//
//   <script defer src="https://stats.example.org/fotspor.js" data-site="1"></script>

import { type Hit, onceSeen, onLeaving, post, silent } from "./beacon";

const script = document.currentScript as HTMLScriptElement;
const endpoint = new URL("matomo.php", script.src).href;

let page = "";
let referrer = document.referrer;

/** Sends one hit about the current page. */
function send(more: Hit = {}): void {
  post(endpoint, { idsite: script.dataset.site || "", rec: "1", url: page, urlref: referrer, send_image: "0", ...more });
}

/** Counts the page that the address bar shows, unless it is the one counted last. */
function view(): void {
  const address = location.href.split("#")[0];
  if (address === page) return;
  if (page) referrer = page;
  page = address;
  send();
}

function start(): void {
  view();

  // Single-page applications change the address without loading a page.
  for (const name of ["pushState", "replaceState"] as const) {
    const change = history[name];
    history[name] = function (...args) {
      change.apply(this, args);
      view();
    };
  }
  addEventListener("popstate", view);

  onLeaving(
    () => send({ ping: "1" }),
    () => {
      referrer = "";
      send();
    },
  );
}

if (!silent) onceSeen(start);
