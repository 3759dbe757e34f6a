/*! Fotspor, Apache-2.0 */
// Counts page views: no cookie, no storage, no identifier. It speaks Matomo's
// tracking API to the server that it came from.
//
//   <script defer src="https://stats.example.org/fotspor.js" data-site="1"></script>

declare global {
  interface Document {
    readonly prerendering?: boolean; // https://wicg.github.io/nav-speculation/prerendering.html
  }
  interface Navigator {
    readonly globalPrivacyControl?: boolean; // https://w3c.github.io/gpc/
  }
}

const script = document.currentScript as HTMLScriptElement;
const endpoint = new URL("matomo.php", script.src).href;

let page = "";
let referrer = document.referrer;

/** Sends one hit about the current page. */
function send(parameters: Record<string, string> = {}): void {
  const query = new URLSearchParams({
    idsite: script.dataset.site || "",
    rec: "1",
    url: page,
    urlref: referrer,
    send_image: "0",
    ...parameters,
  });
  const target = endpoint + "?" + query;
  if (!navigator.sendBeacon?.(target)) {
    fetch(target, { method: "POST", mode: "no-cors", keepalive: true }).catch(() => {});
  }
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

  // Leaving ends the time on the page. A page that comes back from the
  // back/forward cache is seen anew, and what once led to it no longer counts.
  addEventListener("pagehide", () => send({ ping: "1" }));
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    referrer = "";
    send();
  });
}

const objects = navigator.globalPrivacyControl || navigator.doNotTrack === "1";
if (!objects && location.protocol.startsWith("http")) {
  // A page that the browser prepares ahead counts when somebody looks at it.
  if (document.prerendering) document.addEventListener("prerenderingchange", start, { once: true });
  else start();
}

export {};
