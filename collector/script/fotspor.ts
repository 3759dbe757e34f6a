// Fotspor, Apache-2.0. Counts page views, what is followed and fetched from them, and
// events: no cookie, no storage, no identifier. It speaks Matomo's tracking API to the
// server that it came from. docs/script.md says what a page can tell it.
//
//   <script defer src="https://stats.example.org/fotspor.js" data-site="1"></script>

import { broken, type Hit, isWeb, on, onceSeen, onLeaving, post, silent } from "./beacon";

type Options = { value?: number | string };
type Event = [name: string, options?: Options];

declare global {
  interface Window {
    /** Counts an event. It is the one global; q holds calls from before it was here. */
    fotspor?: { (...event: Event): void; q?: Event[] };
  }
}

const script = document.currentScript as HTMLScriptElement;
const endpoint = new URL(`matomo.php?idsite=${script.dataset.site}&rec=1&send_image=0&`, script.src);
const files = /\.((doc|ppt|xls)x?|7z|csv|dmg|epub|exe|gz|ics|mp[34]|msi|od[pst]|pdf|rar|txt|zip)$/i;

let page = "";
let referrer = document.referrer;

/** Sends a hit about the current page: what a visitor did, or nothing more than a view. */
const send = (what: Hit | false | null) =>
  post(`${endpoint}${new URLSearchParams({ url: page, urlref: referrer, ...what })}`);

/** Counts an event. Matomo knows none without a category; what has ca is never taken for a view. */
function happened(name: string, { value }: Options = {}): void {
  const parts = name.split(" / ");
  send({ e_c: parts[1] ? parts.shift()! : "event", e_a: parts.join(" / "), e_v: (value || "") as string, ca: "1" });
}

/** Counts the page that the address bar shows, unless it is the one counted last. */
function view(): void {
  const address = location.href.split("#")[0];
  if (address === page) return;
  referrer = page || referrer;
  page = address;
  send(broken());
}

/** Counts a click on a link that leads elsewhere or to a file, and on what is marked as an event. */
function clicked(event: MouseEvent): void {
  if (event.button > 1) return; // neither the left button nor the middle one
  const path = event.composedPath() as HTMLAnchorElement[];
  const link = path.find((node) => node.hostname && isWeb(node));
  const marked = path.find((node) => node.dataset && node.dataset.fotsporEvent);
  // The middle button does nothing but open a link.
  if (marked && (link || !event.button)) happened(marked.dataset.fotsporEvent!, { value: marked.dataset.fotsporValue });
  if (!link) return;
  const target = link.origin + link.pathname; // a query may say who followed it
  if (link.hasAttribute("download") || files.test(target)) send({ download: target });
  else if (link.hostname !== location.hostname) send({ link: target });
}

function start(): void {
  view();

  // Single-page applications change the address without loading a page.
  for (const name of ["pushState", "replaceState"] as const) {
    const change = history[name];
    history[name] = (...args) => {
      change.apply(history, args);
      view();
    };
  }
  on("popstate", view);
  on("click", clicked);
  on("auxclick", clicked);
  onLeaving(
    () => send({ ping: "1" }),
    () => {
      page = referrer = "";
      view();
    },
  );
}

if (!silent) onceSeen(start);

const early = window.fotspor;
window.fotspor = (...event) => onceSeen(() => happened(...event));
if (early && early.q) early.q.forEach((event) => window.fotspor!(...event));
