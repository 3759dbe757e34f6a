// What both scripts share: whether a hit may be sent, when, and how.

declare global {
  interface Document {
    readonly prerendering?: boolean; // https://wicg.github.io/nav-speculation/prerendering.html
  }
  interface Navigator {
    readonly globalPrivacyControl?: boolean; // https://w3c.github.io/gpc/
  }
}

/** What a hit says, by the names of Matomo's tracking API. */
export type Hit = Record<string, string>;

/** Whether nothing is counted: the visitor objects, or this is a file and no website. */
export const silent =
  navigator.globalPrivacyControl || navigator.doNotTrack === "1" || !location.protocol.startsWith("http");

/** Sends a hit in such a way that it arrives even if the page is being left. */
export function post(endpoint: string, hit: Hit): void {
  const target = endpoint + (endpoint.includes("?") ? "&" : "?") + new URLSearchParams(hit);
  if (!navigator.sendBeacon?.(target)) {
    fetch(target, { method: "POST", mode: "no-cors", keepalive: true }).catch(() => {});
  }
}

/** Calls seen when somebody looks at the page: a browser may prepare it ahead. */
export function onceSeen(seen: () => void): void {
  if (document.prerendering) document.addEventListener("prerenderingchange", seen, { once: true });
  else seen();
}

/**
 * Calls left when the page is left, which ends the time on it, and back when it
 * comes back from the back/forward cache. It is then seen anew, and what once
 * led to it no longer counts.
 */
export function onLeaving(left: () => void, back: () => void): void {
  addEventListener("pagehide", left);
  addEventListener("pageshow", (event) => event.persisted && back());
}
