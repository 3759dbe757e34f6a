// Fotspor, Apache-2.0. Counts page views, what is followed and fetched from them, and
// events: no identifier, and nothing is kept but the choice not to be counted. It speaks
// Matomo's tracking API. docs/script.md says what a page can tell it.
//
//   <script defer src="https://stats.example.org/fotspor.js" data-site="1"
//     data-server="https://stats.example.org" data-parameters="id,page"></script>

import { type Hit, isWeb, on, onceSeen, onLeaving, silent, status, tellObjection } from "./beacon";

type Options = { value?: number | string } | null;
type Call = [name: string, options?: Options];

declare global {
  interface Window {
    /** Counts an event. It is the one global. */
    fotspor?: {
      (...call: Call): void;
      /** Calls from before the script was here. */
      q?: Call[];
      /** The addresses that this page sends to already, and the q of before. */
      to?: { q?: Call[]; [endpoint: string]: unknown };
    };
    // https://html.spec.whatwg.org/multipage/nav-history-apis.html
    navigation?: EventTarget & { readonly currentEntry: object | null };
  }
}

/** Does what may fail in a page that is not as pages are: in a sandbox, say. */
const attempt = <T>(what: () => T): T | void => {
  try {
    return what();
  } catch {}
};

// The choice of a visitor not to be counted, as consent.ts keeps it: for 13 months.
// The space tells it from others whose names end so.
const choice = " mtm_consent_removed=";
const byDialogue = 2;

/** Whether the visitor chose not to be counted; if by is given, by that. */
const optedOut = (by: number | "" = "") => attempt(() => ` ${document.cookie}`.includes(choice + by));

const files = /\.((doc|ppt|xls)x?|7z|csv|dmg|epub|exe|gz|ics|mp[34]|msi|od[pst]|pdf|rar|txt|zip)$/i;

/** Counts for the site that a tag names, on the server that it names. */
const track = ({ dataset, src }: HTMLScriptElement) => {
  // Tag managers drop attributes, and who copies the script drops its address.
  const [, from, , id] = /(.*)\/fotspor.js(.*site=(\d+))?/.exec(src) || [];
  const endpoint = `${dataset.server || from}/matomo.php?idsite=${dataset.site || id}&rec=1&`;
  const early = self.fotspor;
  const to = early?.to || { q: early?.q };
  if (/undefined/.test(endpoint) || to[endpoint]) return;
  to[endpoint] = 1; // for when the page runs the script again

  let page!: string; // as it was last counted
  let shown!: string; // what tells it from others
  let told = ""; // what was told of as objected to, as shown
  let referrer = document.referrer;

  /** Sends a hit about the current page: what a visitor did, or nothing more than a view. */
  const send = (what: Record<string, string | number> | false) =>
    page &&
    !optedOut() &&
    attempt(() => navigator.sendBeacon(endpoint + new URLSearchParams({ url: page, urlref: referrer, ...what } as Hit)));

  /** Counts the page that the address bar shows, unless it is the one counted last. */
  const view = () => {
    const query = new URLSearchParams(location.search);
    const now = location.pathname + dataset.parameters?.split(/[ ,]+/).map((name) => "?" + query.getAll(name));
    if (COUNT_OBJECTIONS && now !== shown && now !== told && (silent || optedOut())) {
      told = now;
      tellObjection(endpoint);
    }
    if (now === shown || (COUNT_OBJECTIONS && silent) || optedOut()) return;
    // An application changes the address before it shows what is there: what the page
    // says of its status is of the one before.
    const e_c = !shown && status();
    shown = now;
    referrer = page || referrer;
    page = location.href.split("#")[0];
    send(e_c >= 400 && { e_c, e_a: location.pathname });
  };

  /** Counts an event. Matomo knows none without a category; what has ca is never taken for a view. */
  const happened = (name: string, options?: Options) =>
    attempt(() => {
      const [, e_c = "event", e_a = name] = /(.+?) \/ (.+)/.exec(name) || [];
      if (name) send({ e_c, e_a, e_v: options?.value || "", ca: 1 });
    });

  /** Counts a click on a link that leads elsewhere or to a file, and on what is marked as an event. */
  const clicked = (event: MouseEvent) => {
    if (event.button > 1) return; // neither the left button nor the middle one
    const path = event.composedPath() as HTMLAnchorElement[];
    const link = path.find((node) => node.matches?.(":any-link"))!;
    const marked = path.find((node) => node.dataset?.fotsporEvent);
    // The middle button does nothing but open a link.
    if (marked && (link || !event.button)) happened(marked.dataset.fotsporEvent!, { value: marked.dataset.fotsporValue });
    if (!link) return;
    const saved = link.getAttribute("download");
    const to = document.createElement("a");
    to.href = (link.href as any).baseVal || link.href; // in SVG it is an object
    const host = isWeb(to) && to.hostname;
    // A query may say who followed it. What a page makes itself has no address but a name.
    const target = host ? to.origin + to.pathname : `${location.origin}/${saved || "download"}`;
    if (saved !== null || files.test(target)) send({ download: target });
    else if (host && host !== location.hostname) send({ link: target });
  };

  const start = () => {
    view();
    on("click", clicked);
    on("auxclick", clicked);
    onLeaving(
      () => send({ ping: 1 }),
      () => {
        page = referrer = shown = "";
        view();
      },
    );
    to.q?.forEach((call) => happened(...call));
    // Single-page applications change the address without loading a page. A browser
    // that does not tell of it is asked. The name may be that of something of the page's.
    if (self.navigation?.currentEntry) self.navigation.addEventListener("currententrychange", view);
    else setInterval(view, 500);
  };
  (self.fotspor = ((...call) => {
    if (early?.to) early(...call);
    onceSeen(() => happened(...call));
  }) as NonNullable<Window["fotspor"]>).to = to;

  // A consent dialogue says what was chosen in it, now or earlier. It takes back no
  // choice but its own.
  on("toggle-consent", (event: CustomEvent) => {
    const statistics = event.detail?.statistics;
    if (statistics ? optedOut(byDialogue) : statistics === false && !optedOut())
      attempt(() => (document.cookie = `${choice + byDialogue};path=/;max-age=${statistics ? 0 : 34128e3}`));
    if (!silent) onceSeen(view);
  });
  if (COUNT_OBJECTIONS ? isWeb(location) : !silent) onceSeen(start);
};

// A module isn't told its own tag.
for (const tag of [document.currentScript, ...document.querySelectorAll("[type=module]")])
  attempt(() => track(tag as HTMLScriptElement));
