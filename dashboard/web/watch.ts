// A page that waits for hits looks by itself whether some have come.

const pause = 5_000; // ms between two looks
const patience = 30 * 60_000; // after which it stops: a look keeps the log-in alive

/** Replaces what tells of the last hits, until the page that comes has none: then it shows figures. */
export function startWatching(): void {
  const first = document.querySelector("[data-live]");
  if (!first) return;
  const until = Date.now() + patience;
  const timer = setInterval(async () => {
    if (!first.isConnected || Date.now() > until) {
      clearInterval(timer);
      const looked = document.querySelector<HTMLElement>("[data-stopped]");
      if (looked && first.isConnected) looked.textContent = looked.dataset.stopped!;
      return;
    }
    if (document.hidden) return;
    try {
      const answer = await fetch(location.pathname + location.search);
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!page.querySelector("[data-live]")) location.reload();
      for (const part of document.querySelectorAll("[data-live]")) {
        const fresh = page.getElementById(part.id);
        if (fresh && fresh.innerHTML !== part.innerHTML) part.replaceChildren(...fresh.childNodes);
      }
    } catch {
      // the server or the line is gone for a while
    }
  }, pause);
}
