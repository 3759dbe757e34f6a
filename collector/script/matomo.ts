/*! Fotspor, Apache-2.0 */
// Stands in for matomo.js, so that a page with Matomo's snippet needs no change:
// the queue _paq, the globals Matomo and Piwik, and the methods of a tracker. It keeps
// nothing in the browser but what a visitor decided, and sends nothing that tells
// visitors apart.
// See https://developer.matomo.org/api-reference/tracking-javascript.

import { type Hit, isWeb, on, onceSeen, onLeaving, post, silent, status, tellObjection } from "./beacon";
import {
  answerFrame,
  consent,
  forgetCookies,
  forgetVisitor,
  heed,
  isOut,
  object,
  objected,
  place,
  refused,
  remember,
  remembered,
  rememberedCookies,
  unobject,
  withdraw,
  withheld,
} from "./consent";
import { blockAt, blocksIn, nameOf } from "./content";
import { accepted, ofMatomo } from "./inert";
import { isLink, isReferrerIn, kindOf, list, type Names, newLinks, withOwnHost } from "./links";

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
const first = `setTrackerUrl setSiteId addTracker setCookiePath setCookieDomain setDomains enableLinkTracking requireConsent
setConsentGiven disableCampaignParameters setExcludedQueryParams setExcludedReferrers setIgnoreCampaignsForReferrers`.split(/\s/);

// Methods that concern the first tracker alone; all others are for each of them.
const ofFirst = first.slice(0, 3);

// What the visitor decided holds for every tracker.
let consentRequired = false;
let consentGiven = false;
let declined = false; // in a consent dialogue of this page
const held: (() => void)[] = [];
const mostHeld = 500; // hits

const consented = () => !withheld() && (!consentRequired || consentGiven || !!remembered());
const waiting = () => document.prerendering || !consented();

/**
 * Whether what is done now stays unsaid, even if the visitor consents later: they object. A
 * page that requires consent waits for one, as Matomo does, until a dialogue says no.
 */
const never = () => objected() || declined || (withheld() && !consentRequired);

/** Sends now, or once it may be, or never. */
function whenAllowed(send: () => void): void {
  if (silent || never()) return;
  if (!waiting()) send();
  else if (held.length < mostHeld) held.push(send);
}

function release(): void {
  if (never()) held.length = 0;
  else if (!waiting()) held.splice(0).forEach((send) => send());
}

/** Takes an objection back. What came before it stays unsaid. */
function include(): void {
  if (refused()) held.length = 0;
  declined = false;
  unobject();
  release();
}

function onceParsed(parsed: () => void): void {
  if (document.readyState === "loading") on("DOMContentLoaded", parsed);
  else parsed();
}

// Until the page says where to: the server that the script came from.
const ownEndpoint = new URL(
  "matomo.php",
  // Matomo has more names for it in a folder.
  ((document.currentScript as HTMLScriptElement | null)?.src || location.href).replace(/\/js\/[^/]*$/, "/"),
).href;

/** Makes a tracker, which sends hits of a site to an endpoint. */
function newTracker(endpoint = ownEndpoint, site: string | number = "") {
  let referrer = document.referrer;
  let address = "";
  let page: Hit | undefined; // as it was last counted
  let title = "";
  let campaigns = true; // whether their parameters are sent
  let strangers: string[] = []; // domains whose pages lead here from no campaign
  let notSources: string[] = []; // domains whose pages are not told as where somebody came from
  let longestReferrer: number | undefined; // characters
  let fragments = true; // whether they are sent
  let linksFollowed = false; // by clicks anywhere
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
    if ((!campaigns && !consentRequired) || isReferrerIn(strangers, referrer)) {
      drop([...query.keys()].filter((name) => /^(mtm|matomo|pk|piwik|utm)_/.test(name)));
      Object.values(campaignKeys).forEach(drop);
      url.hash = ""; // which may hold them, too
    }
    drop(excluded);
    if (!fragments) url.hash = "";
    return url.href;
  }

  /** Makes a hit about the current page; what has no value is left out. */
  function about(what: Values): Hit {
    const urlref = isReferrerIn(notSources, referrer) ? "" : referrer.slice(0, longestReferrer);
    const hit: Hit = { idsite: `${site}`, rec: "1", url: pageURL(), urlref, send_image: "0" };
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
        navigator.sendBeacon?.(endpoint, JSON.stringify({ requests, send_image: 0 }));
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
    // Neither the left button nor the middle one; or somebody listens to this link already.
    if (event.button > 1 || linksFollowed !== (event.currentTarget === window)) return;
    const link = event.composedPath().find(isLink);
    const followed = link && kindOf(link, links);
    if (followed) track(followed, []);
  }

  // What is said of a method, and of those below it, is their row in
  // docs/moving-from-matomo.md.
  const tracker = {
    /** work */
    setTrackerUrl: (url?: string) => void (endpoint = `${url || ownEndpoint}`),
    getTrackerUrl: () => endpoint,
    getMatomoUrl: () => endpoint.replace(/[^/]*$/, ""),
    getPiwikUrl: () => tracker.getMatomoUrl(),
    setSiteId: (id: string | number) => void (site = id),
    getSiteId: () => site,
    addTracker: (url?: string, id?: string | number) => add(url || endpoint, id || site),

    setCustomUrl(url?: string) {
      address = url ? new URL(url, location.href).href : "";
    },
    getCurrentUrl: () => address || location.href,
    setReferrerUrl: (url?: string | null) => void (referrer = `${url ?? ""}`),

    /** works. A page titled `404/…`, as Matomo advises for pages that are not there, counts as the event `404 / path` */
    setDocumentTitle: (text: string) => void (title = text),

    /** work; what they are given beside is not kept, as custom data, but for a title of `trackPageView` */
    trackPageView(...args: unknown[]) {
      // The title that Matomo recommends for a page that isn't there.
      const action_name = args[0] || title || document.title;
      const e_c = /^404\//.test(action_name as string) ? 404 : status()?.content;
      const hit = about(e_c >= 400 ? { e_c, e_a: location.pathname } : { action_name });
      told.clear();
      if (COUNT_OBJECTIONS && isWeb(location) && (silent || refused())) {
        const to = new URL(endpoint, location.href); // which may be Matomo's
        if (to.href === ownEndpoint) tellObjection(`${to}?idsite=${site}&rec=1&`);
      }
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
      if (url) track(kind === "download" ? { download: url } : { link: url, own: 1 }, args);
    },
    ping() {
      const hit = about({ ping: 1 });
      whenAllowed(() => send(hit));
    },

    /** works: an event named `JavaScript Errors / place / message`, once for a page view */
    enableJSErrorTracking: () => on("error", failed),

    /** work, with the attributes and the classes that mark content. Its name is sent; piece and target are not, since they are not kept. What is seen is found without a timer */
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
    enableTrackOnlyVisibleContent: () => tracker.trackVisibleContentImpressions(),
    trackContentImpressionsWithinNode: (node?: HTMLElement) => node && onceParsed(() => scan(node)),
    trackContentInteraction(c_i: string, c_n: string) {
      if (c_i && c_n) track({ c_i, c_n }, []);
    },
    trackContentInteractionNode(node?: Element, c_i = "Unknown") {
      const block = node && blockAt(node);
      if (block) track({ c_i, c_n: nameOf(block) }, []);
    },

    /** work, on what is sent */
    setCampaignNameKey: (names: Names) => void (campaignKeys.mtm_campaign = list(names)),
    setCampaignKeywordKey: (names: Names) => void (campaignKeys.mtm_kwd = list(names)),
    disableCampaignParameters: () => void (campaigns = false),
    setExcludedQueryParams: (names: Names) => void (excluded = list(names)),

    discardHashTag: (discard: boolean) => void (fragments = !discard),
    setExcludedReferrers: (names: Names) => void (notSources = list(names)),
    getExcludedReferrers: () => notSources,
    setIgnoreCampaignsForReferrers: (names: Names) => void (strangers = list(names)),
    getIgnoreCampaignsForReferrers: () => strangers,
    setReferrerUrlMaxLength: (characters: number) => void (longestReferrer = characters),

    /** work. A click with the right button is never counted */
    enableLinkTracking() {
      linksFollowed = true;
      // The browser takes a listener once, however often a page asks.
      on("click", clicked);
      on("auxclick", clicked);
    },
    disableLinkTracking: () => void (linksFollowed = false),
    addListener(link: Element) {
      link.addEventListener("click", clicked as EventListener);
      link.addEventListener("auxclick", clicked as EventListener);
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

    /** work: nothing is sent before consent. One that Matomo remembered holds */
    requireConsent: () => void (consentRequired = true),
    setConsentGiven() {
      consentGiven = true;
      declined = false;
      consent();
      release();
    },
    hasConsent: () => !objected() && consented(),
    isConsentRequired: () => consentRequired,
    hasRememberedConsent: () => !!remembered(),
    getRememberedConsent: remembered,
    getRememberedCookieConsent: rememberedCookies,
    forgetCookieConsentGiven: forgetCookies,

    /** work, by the cookies `mtm_consent` and `mtm_consent_removed` of the page's own origin, which hold the day of a consent, or 1 or 2; for 13 months, or as many hours as are told if that is less */
    rememberConsentGiven(hours?: number) {
      tracker.setConsentGiven();
      remember(hours);
    },
    forgetConsentGiven(hours?: number) {
      consentRequired = true;
      consentGiven = false;
      withdraw(hours);
    },
    optUserOut(hours?: number) {
      object(hours);
      release();
    },
    forgetUserOptOut() {
      include();
      tracker.setConsentGiven();
    },
    isUserOptedOut: () => !tracker.hasConsent(),
    setCookieDomain: (domain: string) => void (place.domain = domain.replace("*", "")),
    setCookiePath: (path: string) => void (place.path = path),

    /** work as in Matomo. What is deleted is what Matomo's script left in the browser */
    deleteCookies: () => void forgetVisitor(),
    disableCookies: () => void forgetVisitor(),
    logAllContentBlocksOnPage: () => console.log(blocksIn(document.documentElement)),
    trackCallbackOnLoad: (loaded: () => void) => (document.readyState === "complete" ? loaded() : on("load", loaded)),
    trackCallbackOnReady: onceParsed,
    killFrame: () => window === top || void (top!.location.href = location.href),
    redirectFile: (url: string) => location.protocol === "file:" && void (location.href = url),

    /** answer with nothing, which is what is known of a visitor */
    getVisitorInfo: () => [],
    getAttributionInfo: () => [],
    getEcommerceItems: () => ({}),
  };
  const methods = tracker as Record<string, Method>;
  for (const name of accepted.split(/\s/)) methods[name] = () => {};

  onLeaving(
    () => page && !objected() && !waiting() && send({ ...page, action_name: "", ping: "1" }), // which needs no title
    () => page && whenAllowed(() => view({ ...page, urlref: "" })),
  );
  // It has every method that Matomo's plug-ins may add, and none by which the language asks
  // what it is: those have the names of symbols, which have no at.
  return new Proxy(tracker, {
    get: (_, name: string) =>
      methods[name] || ((name as any).at && !/^(then|toJSON)$/.test(name) ? () => warn(name) : void 0),
  });
}

const trackers: Tracker[] = []; // those that the queue speaks to
const warned = new Set<unknown>();

/** Applies one call of the queue, such as ["setSiteId", "1"]. */
function apply(call: Call): void {
  const [method, ...args] = typeof call === "function" ? [call] : call;
  for (const tracker of ofFirst.includes(method as string) ? trackers.slice(0, 1) : [...trackers]) {
    (typeof method === "function" ? method : (tracker as Record<string, Method>)[method]).apply(tracker, args);
  }
}

/** Says once that a method does nothing, and returns what one that asks is answered with. */
function warn(method: unknown): string {
  if (warned.size < warned.add(method).size) console.warn(`Fotspor: ${method}() does nothing here`);
  return "";
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

for (const name of ofMatomo.split(" ")) (matomo as Values)[name] = () => warn("Matomo." + name);

function firstTracker(url?: string, site?: string | number): Tracker {
  return trackers[0] || add(url, site);
}

function heard(event: MessageEvent): void {
  const servers = trackers.map((tracker) => new URL(tracker.getTrackerUrl(), location.href).origin);
  answerFrame(
    event,
    servers,
    (out) => (out ? trackers[0].optUserOut() : include()),
    () => silent || isOut(), // what is known here until the page is left is not kept
    () => (trackers[servers.indexOf(event.origin)] || trackers[0]).getSiteId(),
  );
}

if (!window.Matomo) {
  on("message", heard);
  on("toggle-consent", ({ detail }: CustomEvent) => {
    const statistics = detail?.statistics;
    declined = statistics === false || (declined && !statistics);
    heed(statistics);
    release();
  });
  window.Matomo = window.Piwik = matomo;
  onceSeen(release);
  window.matomoAsyncInit?.();
  window.piwikAsyncInit?.();
  firstTracker();
  matomo.initialized = true;
}
