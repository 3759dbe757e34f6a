// Pages of figures that follow one another without a reload. What is not as expected,
// a log-in that ended, another version of the program, an error, is left to the browser,
// which loads the address.

/** The parts that differ from page to page. All other parts are those of the site. */
const parts = ["main", ".rail", ".tools", ".imprint"];

/** Milliseconds after which a page that has not come shows that it is awaited. */
const patience = 300;

/** What the history keeps of a page that is left: how far down it was, and what had the focus. */
interface Left {
  y: number;
  focus: string;
}

let started: () => void;
let status: HTMLElement;
let shown: string; // address, without its hash, of what is on the screen
let awaited: AbortController | undefined;

/**
 * Makes links and forms that lead to pages of the same site replace what differs.
 * start is called for each page that is put in place.
 */
export function startPages(start: () => void): void {
  started = start;
  status = document.body.appendChild(document.createElement("p"));
  status.className = "sr";
  status.role = "status";
  shown = here();
  history.scrollRestoration = "manual"; // the browser would restore before the page has come
  const left = history.state as Left | null;
  if (left) scrollTo(0, left.y);
  addEventListener("click", clicked);
  addEventListener("submit", submitted);
  addEventListener("popstate", wentBack);
  addEventListener("scrollend", remember);
}

const here = () => location.pathname + location.search;
const main = () => document.querySelector("main")!;

function clicked(e: MouseEvent): void {
  const link = (e.target as Element).closest("a[href]"); // of a drawing, too
  if (!link || e.defaultPrevented || e.button || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
  const url = new URL(link.getAttribute("href")!, location.href);
  if (link.matches("[target], [download], [hreflang]") || !isNear(url)) return;
  if (url.hash && url.pathname + url.search === shown) return;
  e.preventDefault();
  follow(url, link);
}

function submitted(e: SubmitEvent): void {
  const form = e.target as HTMLFormElement;
  const url = new URL(form.action);
  if (e.defaultPrevented || form.method !== "get" || !isNear(url)) return;
  const fields = new FormData(form, e.submitter);
  url.search = new URLSearchParams([...fields].map(([name, value]) => [name, String(value)])).toString();
  e.preventDefault();
  follow(url, form);
}

/**
 * Reports whether an address is of a page of the same site as the one that is shown, and both
 * are of figures: others differ in more than their parts.
 */
function isNear({ origin, pathname }: URL): boolean {
  const site = (path: string) => /^\/sites\/\d+/.exec(path)?.[0] ?? path;
  const others = /\/(views|notes|settings)$|\.(csv|json)$/;
  return origin === location.origin && site(pathname) === site(location.pathname) && !others.test(pathname) && !!document.querySelector(".period");
}

/**
 * Shows the page that something on this one leads to. What changes a page keeps the focus
 * and the place; the next rows begin at the head of their table, and another page at its
 * own head.
 */
function follow(url: URL, by: Element): void {
  const focus = pathTo(document.activeElement);
  const stays = by.closest(".period, .chips, .figures, thead, form");
  const target = url.hash.slice(1) || (by.closest(".pages") && by.closest("section")?.id) || "main";
  show(url.pathname + url.search, url.hash, () => {
    if (stays) return refocus(focus);
    const head = document.getElementById(target) ?? main();
    focusOn(head);
    if (head === main()) scrollTo(0, 0);
    else head.scrollIntoView();
  });
}

function wentBack(): void {
  const left = history.state as Left | null;
  const settle = () => {
    if (!left) return;
    scrollTo(0, left.y);
    refocus(left.focus);
  };
  if (here() !== shown) show(here(), null, settle);
  else if (left) settle(); // within the page
}

/** Writes down in the history where the reader is. */
function remember(): void {
  if (here() === shown) history.replaceState({ y: scrollY, focus: pathTo(document.activeElement) } satisfies Left, "");
}

/**
 * Fetches a page and puts it in the place of the one that is shown. A hash, "" for none,
 * means that the page is a new one in the history, null that the history is there already.
 */
async function show(address: string, hash: string | null, settle: () => void): Promise<void> {
  awaited?.abort();
  const { signal } = (awaited = new AbortController());
  const slow = setTimeout(() => (main().ariaBusy = "true"), patience);
  try {
    const answer = await fetch(address, { signal });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (signal.aborted) return;
    if (!isLike(page)) throw new Error("another kind of page");
    const url = new URL(answer.url); // where redirects led
    const from = shown;
    if (hash !== null) remember();
    shown = url.pathname + url.search;
    if (hash !== null) history[shown === from ? "replaceState" : "pushState"](null, "", shown + hash);
    else if (shown !== address) history.replaceState(history.state, "", shown);
    replace(page);
    settle();
    status.textContent = document.title;
  } catch {
    if (!signal.aborted) location.assign(address + (hash ?? ""));
  } finally {
    clearTimeout(slow);
  }
}

/** Reports whether a page that was fetched differs from the one that is shown in parts alone. */
function isLike(page: Document): boolean {
  const frame = (d: Document) =>
    d.documentElement.lang + [...d.querySelectorAll("[src], link"), ...parts].map((p) => (typeof p === "string" ? p + !!d.querySelector(p) : p.outerHTML));
  return !!page.querySelector(".period") && frame(page) === frame(document);
}

function replace(page: Document): void {
  const opened = [...document.querySelectorAll("main details[open]:not(.menu)")].map(pathTo);
  document.title = page.title;
  for (const part of parts) {
    const fresh = page.querySelector(part);
    if (fresh) document.querySelector(part)!.replaceWith(fresh);
  }
  for (const path of opened) document.querySelector(path)?.setAttribute("open", "");
  started();
}

/** Returns a selector of an element that finds its counterpart in a page of the same kind. */
function pathTo(e: Element | null): string {
  if (!e?.parentElement) return "html";
  if (e.id) return "#" + CSS.escape(e.id);
  return `${pathTo(e.parentElement)}>${e.localName}:nth-child(${[...e.parentElement.children].indexOf(e) + 1})`;
}

/** Gives the focus to the counterpart of what had it, and to the page if there is none. */
function refocus(path: string): void {
  const found = document.querySelector<HTMLElement>(path);
  found?.focus({ preventScroll: true });
  if (document.activeElement !== found) focusOn(main());
}

function focusOn(e: HTMLElement): void {
  e.tabIndex = -1;
  e.focus({ preventScroll: true });
}
