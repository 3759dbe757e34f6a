// What the scripts share: whether a hit may be sent, when, and how.

declare global {
  /** Whether the server counts objections: there is a script for each. */
  const COUNT_OBJECTIONS: boolean;
  interface Document {
    readonly prerendering?: boolean; // https://wicg.github.io/nav-speculation/prerendering.html
  }
  interface Navigator {
    readonly globalPrivacyControl?: boolean; // https://w3c.github.io/gpc/
  }
}

/** What a hit says, by the names of Matomo's tracking API. */
export type Hit = Record<string, string>;

export const isWeb = (address: any) => /^http/.test(address);

/** Whether the browser says that its user objects. Do Not Track may have extensions behind it. */
export const objects = navigator.globalPrivacyControl || /^1/.test(navigator.doNotTrack as any);

/** Whether nothing is sent: the visitor objects, or this is a file and no website. */
export const silent = objects || !/* @__PURE__ */ isWeb(location);

/** Sends what the query of an address says, in such a way that it arrives even if the page is being left. */
export const post = (address: string) => silent || navigator.sendBeacon?.(address);

/**
 * Where the page says its status: <meta name="fotspor-status" content="404">. What
 * doesn't exist has no views: from 400 on, an event is sent in place of one.
 */
export const status = (): any => document.querySelector("[name=fotspor-status]");

/**
 * Tells a server that counts objections of one, and nothing of the page or the visitor:
 * no referrer, cookie or body, and no origin, which browsers add to a POST.
 */
export const tellObjection = (endpoint: string) => {
  const nothing = { mode: "no-cors", credentials: "omit", referrerPolicy: "no-referrer", keepalive: true } as const;
  onceSeen(() => void fetch(`${endpoint}objection=1`, nothing).catch(() => {}));
};

/** Listens to an event anywhere in the page, before the page does. */
export const on = <E extends Event>(name: string, listener: (event: E) => void) =>
  addEventListener(name, listener as EventListener, true);

/** Calls seen when somebody looks at the page: a browser may prepare it ahead. */
export const onceSeen = (seen: () => void) => (document.prerendering ? on("prerenderingchange", seen) : seen());

/**
 * Calls left whenever the page is left or hidden, which ends the time on it: a phone
 * that shows something else may never say more. Calls back when the page comes back
 * from the back/forward cache. It is then seen anew, and what once led to it no longer
 * counts.
 */
export function onLeaving(left: () => void, back: () => void): void {
  on("visibilitychange", () => document.hidden && left());
  on("pageshow", (event: PageTransitionEvent) => {
    if (event.persisted) back();
  });
}
