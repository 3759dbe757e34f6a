// Fotspor, Apache-2.0. Counts page views, what is followed and fetched from them, and
// events: no identifier, and nothing is kept but the choice not to be counted. It speaks
// Matomo's tracking API, and three forms that are ours: e_a without e_c is an event that the
// server takes apart, e_c without e_a the status of a page that is not there, title that of
// a page with any content.
// docs/script.md says what a page can tell it.
//
//   <script defer src="https://stats.example.org/fotspor.js" data-site="1"
//     data-server="https://stats.example.org" data-parameters="id,page"></script>

import { type Hit, objects } from "./beacon";

type Options = { value?: number | string } | null;
type Call = [name: string, options?: Options];

declare global {
  // https://html.spec.whatwg.org/multipage/nav-history-apis.html
  const navigation: EventTarget & { readonly currentEntry: { readonly key: any } };
  interface Window {
    /** Counts an event. It is the one global. */
    fotspor?: {
      (...call: Call): void;
      /** Calls from before the script was here, and the addresses that this page sends to. */
      q?: Call[] & { [endpoint: string]: unknown };
    };
  }
}

/** Does what may fail in a page that is not as pages are: in a sandbox, say. */
const attempt = (what: () => any): any => {
  try {
    return what();
  } catch {}
};

/** Listens to an event anywhere in the page, before the page does. */
const on = (name: string, listener: (event: any) => void) => addEventListener(name, (event) => attempt(() => listener(event)), 1 as never);

/** Calls seen when somebody looks at the page, as in beacon.ts. */
const onceSeen = (seen: () => void) => (document.prerendering ? on("prerenderingchange", seen) : seen());

/** Whether the visitor chose not to be counted, as consent.ts keeps it, or at Matomo's older box. */
const optedOut = () => attempt(() => /(^| )(mtm_consent_removed|(matomo|piwik)_ignore)=[^;]/.test(document.cookie));

// A module isn't told its own tag.
for (const tag of [...document.querySelectorAll("[type=module]"), document.currentScript])
  attempt(() => {
    const { dataset, src, integrity } = tag as HTMLScriptElement;
    // Tag managers drop attributes, and who copies the script drops its address. A tag
    // that names no server or no site ends here, as null has no parts.
    const [, server, site] = /([^,]*?)\/+fotspor.js.*site=(\d+)/.exec(
      [dataset.server && dataset.server + "/fotspor.js", src] + "site=" + dataset.site,
    )!;
    const endpoint = server + "/matomo.php?idsite=" + site + "&rec=1&";
    /** Loads what few visitors need; a page that pins this script is not to run another. */
    const more = (then?: (optout: typeof import("./optout")) => void, _?: string) =>
      import(integrity || server + "/optout.js").then(then, attempt);
    const early = self.fotspor;
    const queue: NonNullable<NonNullable<typeof early>["q"]> = early?.q || ([] as any);
    if (queue[endpoint]) return;
    queue[endpoint] = 1; // for when the page runs the script again

    let page: string; // as it was last counted
    let shown: string; // what tells it from others
    let referrer = document.referrer;
    let due: number | void; // the timer of a view that is not sent yet
    let heeded: HTMLMetaElement | false | "" | null | undefined; // the tag that said the page last counted is not there

    /** Sends the view that is due, and then what a visitor did on the page, if anything. */
    const send = (what?: object | "" | 0, meta: any = document.querySelector("[name=fotspor-status]")) => {
      if (due) {
        due = clearTimeout(due);
        meta = meta?.content >= 400 && meta;
        send(meta == heeded || !meta ? { title: document.title } : { e_c: meta.content });
        heeded = meta;
      }
      // Nothing more is said of a page on which somebody objected, who may opt in again there.
      if (optedOut()) page = "";
      else if (what && page)
        attempt(() => navigator.sendBeacon(endpoint + new URLSearchParams({ url: page, urlref: referrer, ...(what as Hit) })));
    };

    /** Counts the page that the address bar shows, unless it is the one counted last. */
    const view = (event?: any) => {
      const now =
        location.pathname +
        dataset.parameters?.split(/[ ,]+/).map((name) => "?" + new URLSearchParams(location.search).getAll(name));
      if (now == shown) return;
      // A redirect takes the place of what was to be seen. Some libraries show the next page
      // before they change the address, so that the status is no longer told.
      if (due && event?.navigationType == "replace") due = clearTimeout(due);
      else {
        send(0, 1);
        referrer = page || referrer;
      }
      if ((COUNT_OBJECTIONS && objects) || optedOut()) {
        if (COUNT_OBJECTIONS) more((optout) => optout.heed(endpoint));
      } else {
        page = location.origin + location.pathname + location.search;
        // An application changes the address before it shows what is there: only then
        // does the page say its own status.
        due = setTimeout(send, 1e3);
        if (!shown) send();
      }
      shown = now;
    };

    /** Counts an event. One without a name has it looked whether the visitor is still counted. */
    const happened = (name: string, options?: Options) => send(name && { e_a: name, e_v: options?.value || "" });

    /** Counts a click on a link that leads elsewhere or to a file, and on what is marked as an event. */
    const clicked = (
      event: MouseEvent,
      path = event.composedPath() as any[],
      link = path.find((node) => node.matches?.("a,area")),
      marked = path.find((node) => node.dataset?.fotsporEvent)?.dataset,
      saved?: any,
      to?: any,
      target?: string,
    ) => {
      // The middle button does nothing but open a link, and others do less.
      if (event.button > (!!link as any)) return;
      if (marked) send({ e_a: marked.fotsporEvent, e_v: marked.fotsporValue || "" });
      saved = link.attributes.download; // no link ends here
      to = new URL(link.href.baseVal || link.href, location as never); // in SVG it is an object
      // A query may say who followed it. What a page makes itself has no address but a name.
      target = /^http/.test(to) ? to.origin + to.pathname : saved && "/" + (saved.value || "download");
      send(
        saved || /\.((doc|ppt|xls)x?|7z|csv|dmg|epub|exe|gz|ics|mp[34]|msi|od[pst]|pdf|rar|txt|zip)$/i.test(target!)
          ? { download: target }
          : target && location.hostname != to.hostname && ({ link: target } as any),
      );
    };

    (self.fotspor = ((name, options) => {
      if (early?.length) attempt(() => early(name, options)); // of another tag: that of docs/script.md takes nothing
      onceSeen(() => happened(name, options));
    }) as NonNullable<typeof early>).q = queue;

    // The opt-out page of the server, in a frame, asks the page around it.
    on("message", (event) => event.data.fotspor && more());

    if (/^http/.test(location as never) && (COUNT_OBJECTIONS || !objects))
      onceSeen(() => {
        view();
        on("click", clicked);
        on("auxclick", clicked);
        on("visibilitychange", () => document.hidden && send({ ping: 1 }));
        on("pageshow", (event) => event.persisted && view((heeded = shown = referrer = page = "") as never));
        // A consent dialogue says what was chosen in it, now or earlier. Until that is kept
        // nothing more is said of the page.
        on("toggle-consent", ({ detail: { statistics } }) => statistics === optedOut() && more((optout) => optout.heed(statistics), (page = "")));
        // Single-page applications change the address without loading a page. A browser
        // that does not tell of it is asked. The name may be that of something of the
        // page's, which has no entry.
        try {
          navigation.addEventListener("currententrychange", view, navigation.currentEntry.key);
        } catch {
          setInterval(view, 500);
        }
        queue.map((call) => happened(...call));
      });
  });
