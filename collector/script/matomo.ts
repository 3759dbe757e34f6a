/*! Fotspor, Apache-2.0 */
// Stands in for matomo.js, so that a page with Matomo's snippet needs no change:
// the queue _paq, the globals Matomo and Piwik, and the methods of a tracker. It
// keeps nothing in the browser and sends nothing that tells visitors apart.
// See https://developer.matomo.org/api-reference/tracking-javascript.

import { broken, type Hit, on, onceSeen, onLeaving, post, silent } from "./beacon";
import { blockAt, blocksIn, nameOf } from "./content";
import { blank, inert } from "./inert";
import { isLink, kindOf, list, type Names, newLinks, withOwnHost } from "./links";

type Values = Record<string, unknown>;
type Method = (...args: any[]) => unknown;
type Call = [method: string | Method, ...args: unknown[]] | Method;
type Tracker = ReturnType<typeof newTracker>;

declare global {
  interface Window {
    _paq?: Call[];
    Matomo?: typeof matomo;
    Piwik?: typeof matomo;
    matomoAsyncInit?: () => void;
    piwikAsyncInit?: () => void;
  }
}

// Methods that Matomo applies before the rest of the queue, in this order.
const first = `setTrackerUrl setSiteId addTracker setDomains enableLinkTracking requireConsent setConsentGiven
disableCampaignParameters setExcludedQueryParams`.split(/\s/);

// Methods that concern the first tracker alone; all others are for each of them.
const ofFirst = ["setTrackerUrl", "setSiteId", "addTracker"];

// What the visitor decided holds for every tracker, until the page is left.
let consentRequired = false;
let consentGiven = false;
let optedOut = false;
const held: (() => void)[] = [];

const waiting = () => document.prerendering || (consentRequired && !consentGiven);

/** Sends now, or once it may be, or never. */
function whenAllowed(send: () => void): void {
  if (silent || optedOut) return;
  if (waiting()) held.push(send);
  else send();
}

function release(): void {
  if (!waiting()) held.splice(0).forEach((send) => send());
}

function onceParsed(parsed: () => void): void {
  if (document.readyState === "loading") on("DOMContentLoaded", parsed);
  else parsed();
}

// Until the page says where to: the server that the script came from.
const ownEndpoint = new URL("matomo.php", (document.currentScript as HTMLScriptElement | null)?.src || location.href).href;

/** Makes a tracker, which sends hits of a site to an endpoint. */
function newTracker(endpoint = ownEndpoint, site: string | number = "") {
  let referrer = document.referrer;
  let address = "";
  let page: Hit | undefined; // as it was last counted
  let title = "";
  let campaigns = true; // whether their parameters are sent
  const campaignKeys: Record<string, string[]> = {}; // names of the page's own for Matomo's
  let excluded: string[] = []; // parameters
  const told = new Set<string>(); // what is counted once for a page view, and was
  let visible: IntersectionObserver | undefined; // of content that is to be looked at
  const links = newLinks();

  /** Returns the address of the page as it is sent, with the parameters that are to be in it. */
  function pageURL(): string {
    const url = new URL(tracker.getCurrentUrl());
    const query = url.searchParams;
    const drop = (names: string[]) => names.forEach((name) => query.has(name) && query.delete(name));
    for (const key in campaignKeys) {
      const value = campaignKeys[key].map((name) => query.get(name)).find(Boolean);
      if (value && !query.has(key)) query.set(key, value);
    }
    if (!campaigns && !consentRequired) {
      drop([...query.keys()].filter((name) => /^(mtm|matomo|pk|piwik|utm)_/.test(name)));
      Object.values(campaignKeys).forEach(drop);
      url.hash = ""; // which may hold them, too
    }
    drop(excluded);
    return url.href;
  }

  /** Makes a hit about the current page; what has no value is left out. */
  function about(what: Values): Hit {
    const hit: Hit = { idsite: `${site}`, rec: "1", url: pageURL(), urlref: referrer, send_image: "0" };
    for (const name in what) {
      const value = what[name];
      if (value || value === 0) hit[name] = `${value}`;
    }
    return hit;
  }

  const send = (hit: Hit) => post(endpoint + (endpoint.includes("?") ? "&" : "?") + new URLSearchParams(hit));

  function view(hit: Hit): void {
    page = hit;
    send(hit);
  }

  /** Calls the function among args that the page may wait for before it goes on. */
  function answer(args: unknown[]): void {
    for (const arg of args) if (typeof arg === "function") setTimeout(arg as () => void);
  }

  /** Counts what a visitor did; with ca=1 it is never taken for a page view. */
  function track(what: Values, args: unknown[]): void {
    const hit = about({ ...what, ca: 1 });
    whenAllowed(() => send(hit));
    answer(args);
  }

  /** Reports whether something happens for the first time in this page view. */
  const isNew = (...what: unknown[]) => told.size < told.add(what.join("\n")).size;

  /** Counts blocks of content that are shown, as one request. */
  function shown(blocks: HTMLElement[]): void {
    const names = blocks.map(nameOf).filter((name) => isNew(name));
    const hits = names.map((c_n) => about({ c_n, ca: 1 }));
    whenAllowed(() => {
      while (hits.length) {
        const requests = hits.splice(0, 50).map((hit) => `?${new URLSearchParams(hit)}`);
        navigator.sendBeacon(endpoint, JSON.stringify({ requests, send_image: 0 }));
      }
    });
  }

  /** Looks for content in a part of the page, to be counted now or when it is seen. */
  function scan(part: HTMLElement = document.documentElement): void {
    const blocks = blocksIn(part);
    if (visible) blocks.forEach((block) => visible!.observe(block));
    else shown(blocks);
    on("click", touched);
  }

  function touched(event: Event): void {
    tracker.trackContentInteractionNode(event.target as Element, "click");
  }

  function failed({ filename, lineno, colno, message }: ErrorEvent): void {
    if (!message) return; // an image, say, that is not there
    const place = `${filename.replace(/[?#].*/, "")}:${lineno}:${colno}`;
    if (isNew(place, message)) tracker.trackEvent("JavaScript Errors", place, message);
  }

  function clicked(event: MouseEvent): void {
    if (event.button > 1) return; // neither the left button nor the middle one
    const link = event.composedPath().find(isLink);
    const kind = link && kindOf(link, links);
    if (kind) tracker.trackLink(link.href, kind);
  }

  const tracker = {
    setTrackerUrl: (url: string) => void (endpoint = url),
    getTrackerUrl: () => endpoint,
    getMatomoUrl: () => endpoint.replace(/[^/]*$/, ""),
    getPiwikUrl: () => tracker.getMatomoUrl(),
    setSiteId: (id: string | number) => void (site = id),
    getSiteId: () => site,
    addTracker: (url?: string, id?: string | number) => add(url || endpoint, id || site),

    setCustomUrl(url: string) {
      address = new URL(url, location.href).href;
    },
    getCurrentUrl: () => address || location.href,
    setReferrerUrl: (url: string) => void (referrer = url),

    setDocumentTitle: (text: string) => void (title = text),

    trackPageView(...args: unknown[]) {
      // The title that Matomo recommends for a page that isn't there.
      const missing = /^404\//.test(`${args[0] || title}`) && { e_c: "404", e_a: location.pathname };
      const hit = about({ ...(missing || broken()) });
      told.clear();
      whenAllowed(() => view(hit));
      if (visible) {
        visible.disconnect();
        scan();
      }
      answer(args);
    },
    trackEvent(e_c: string, e_a: string, e_n?: string, e_v?: number, ...args: unknown[]) {
      if (e_c && e_a) track({ e_c, e_a, e_n, e_v }, args);
    },
    trackSiteSearch(search: string, search_cat?: unknown, search_count?: number | false, ...args: unknown[]) {
      if (search) track({ search, search_cat, search_count }, args);
    },
    trackGoal(idgoal: number | string, revenue?: number, ...args: unknown[]) {
      if (idgoal) track({ idgoal, revenue }, args);
    },
    trackLink(url: string, kind: string, ...args: unknown[]) {
      if (url) track({ [kind === "download" ? kind : "link"]: url }, args);
    },
    enableJSErrorTracking: () => on("error", failed),

    trackContentImpression(c_n: string) {
      if (c_n) track({ c_n }, []);
    },
    trackAllContentImpressions: () => onceParsed(() => scan()),
    trackVisibleContentImpressions() {
      if (!visible) {
        visible = new IntersectionObserver((seen) =>
          shown(seen.filter((entry) => entry.isIntersecting).map((entry) => entry.target as HTMLElement)),
        );
        // What comes later is looked for, too.
        new MutationObserver(() => scan()).observe(document, { childList: true, subtree: true });
      }
      onceParsed(() => scan());
    },
    trackContentImpressionsWithinNode: (node?: HTMLElement) => node && onceParsed(() => scan(node)),
    trackContentInteraction(c_i: string, c_n: string) {
      if (c_i && c_n) track({ c_i, c_n }, []);
    },
    trackContentInteractionNode(node?: Element, c_i = "Unknown") {
      const block = node && blockAt(node);
      if (block) track({ c_i, c_n: nameOf(block) }, []);
    },
    ping() {
      const hit = about({ ping: 1 });
      whenAllowed(() => send(hit));
    },

    setCampaignNameKey: (names: Names) => void (campaignKeys.mtm_campaign = list(names)),
    setCampaignKeywordKey: (names: Names) => void (campaignKeys.mtm_kwd = list(names)),
    disableCampaignParameters: () => void (campaigns = false),
    setExcludedQueryParams: (names: Names) => void (excluded = list(names)),

    // The browser takes a listener once, however often a page asks.
    enableLinkTracking() {
      on("click", clicked);
      on("auxclick", clicked);
    },
    setDomains: (names: Names) => void (links.domains = withOwnHost(list(names))),
    getDomains: () => links.domains,
    setIgnoreClasses: (names: Names) => void links.ignored.push(...list(names)),
    setDownloadClasses: (names: Names) => void links.downloads.push(...list(names)),
    setLinkClasses: (names: Names) => void links.outlinks.push(...list(names)),
    setDownloadExtensions: (names: Names) => void (links.files = list(names)),
    addDownloadExtensions: (names: Names) => void links.files.push(...list(names)),
    removeDownloadExtensions(names: Names) {
      links.files = links.files.filter((name) => !list(names).includes(name));
    },

    requireConsent: () => void (consentRequired = true),
    setConsentGiven() {
      consentGiven = true;
      release();
    },
    rememberConsentGiven: () => tracker.setConsentGiven(), // by this page alone: there is no storage
    forgetConsentGiven() {
      consentRequired = true;
      consentGiven = false;
    },
    hasConsent: () => consentGiven || !consentRequired,
    isConsentRequired: () => consentRequired,
    optUserOut() {
      optedOut = true;
      held.length = 0;
    },
    forgetUserOptOut: () => void (optedOut = false),
    isUserOptedOut: () => optedOut,

    getVisitorInfo: () => [],
    getAttributionInfo: () => [],
    getExcludedReferrers: () => [],
    getIgnoreCampaignsForReferrers: () => [],
    getEcommerceItems: () => ({}),
  };
  const methods = tracker as Record<string, Method>;
  for (const name of inert) methods[name] = () => {};
  for (const name of blank) methods[name] = () => "";

  onLeaving(
    () => page && !optedOut && !waiting() && send({ ...page, ping: "1" }),
    () => page && whenAllowed(() => view({ ...page, urlref: "" })),
  );
  return tracker;
}

const trackers: Tracker[] = []; // those that the queue speaks to
const warned = new Set<unknown>();

/** Applies one call of the queue, such as ["setSiteId", "1"]. */
function apply(call: Call): void {
  const [method, ...args] = typeof call === "function" ? [call] : call;
  for (const tracker of ofFirst.includes(method as string) ? trackers.slice(0, 1) : [...trackers]) {
    const known = typeof method === "function" ? method : (tracker as Record<string, Method>)[method];
    if (known) {
      known.apply(tracker, args);
    } else if (!warned.has(method)) {
      warned.add(method);
      console.warn(`Fotspor: _paq.push(["${method}"]) does nothing here`);
    }
  }
}

/** Adds a tracker for the queue to speak to. The first one works off what has queued up. */
function add(url?: string, site?: string | number): Tracker {
  const tracker = newTracker(url, site);
  trackers.push(tracker);
  if (trackers.length > 1) return tracker;

  const queue = window._paq || [];
  window._paq = queue;
  const calls = [...queue].sort((a, b) => rank(a) - rank(b));
  queue.push = (...more) => {
    more.forEach(attempt);
    return queue.length;
  };
  calls.forEach(attempt);
  return tracker;
}

/** Says when a call of the queue is due: those of first in their order, then the rest. */
function rank(call: Call): number {
  const index = first.indexOf((call as string[] | undefined)?.[0] ?? "");
  return index < 0 ? first.length : index;
}

/** Applies a call, of which a mistake in the page must not stop the next. */
function attempt(call: Call): void {
  try {
    apply(call);
  } catch (err) {
    console.error(err);
  }
}

const matomo = {
  initialized: false,
  addTracker: add,
  /** Makes a tracker that the queue doesn't speak to. */
  getTracker(url?: string, site?: string | number): Tracker {
    return newTracker(url || firstTracker().getTrackerUrl(), site || firstTracker().getSiteId());
  },
  /** Finds a tracker that the queue speaks to, the first one unless told. */
  getAsyncTracker(url?: string, site?: string | number): Tracker | undefined {
    const { getTrackerUrl, getSiteId } = firstTracker(url, site);
    const key = `${site || getSiteId()} ${url || getTrackerUrl()}`;
    return trackers.find((tracker) => `${tracker.getSiteId()} ${tracker.getTrackerUrl()}` === key);
  },
  getAsyncTrackers: () => trackers,
};

function firstTracker(url?: string, site?: string | number): Tracker {
  return trackers[0] || add(url, site);
}

if (!window.Matomo) {
  window.Matomo = window.Piwik = matomo;
  onceSeen(release);
  window.matomoAsyncInit?.();
  window.piwikAsyncInit?.();
  firstTracker();
  matomo.initialized = true;
}
