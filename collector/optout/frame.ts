// Runs in the page of /index.php?module=CoreAdminHome&action=optOut, which other pages
// show in a frame. It asks the tracker of such a page to keep the choice, in that page's
// own origin; where nobody answers, it keeps its own cookie.

import { objects } from "../script/beacon";
import { show, type Texts } from "./box";

interface Settings {
  site: number; // 0: not known
  asks: boolean; // nobody has said which language the page is to be in
  intro: boolean;
  privacy: string;
  heeds: boolean; // what browsers say is respected
  own: boolean; // the visitor's cookie says no
  texts: Texts;
}

const element = document.getElementById("box")!;
const settings: Settings = JSON.parse(element.dataset.settings!);

const patience = 1000; // milliseconds that the page has to answer
const asking = 30; // times that it is asked, since its tracker may come late
const look = 500; // milliseconds after which it is asked again, since it may show another box

let own = settings.own;
let there: boolean | undefined; // what the page keeps, once it has told
let elsewhere = false; // the page has told that it sends to another address, to which our cookie does not go
let answered = (_: boolean) => {};

/** Whether there is a page around this one. */
const framed = parent !== window;

const standing = () => ({
  out: (own && !elsewhere) || !!there,
  objects: settings.heeds && !!objects,
  unsure: there === undefined,
  alone: !framed,
});

/** Whether a server gets the cookies of this one, which know no ports. */
const isHere = (server: string) => {
  const { protocol, hostname } = new URL(server);
  return protocol === location.protocol && hostname === location.hostname;
};

// Nobody else gets to know more than that somebody looks at this page.
const say = (out?: boolean) => framed && parent.postMessage({ fotspor: "optout", site: settings.site, out }, "*");

addEventListener("message", ({ data, source }) => {
  if (source !== parent || data?.fotspor !== "optout" || typeof data.out !== "boolean") return;
  const other = elsewhere || data.servers?.every(isHere) === false; // an older script answers its own server alone
  answered(data.out);
  if (there !== data.out || elsewhere !== other) {
    there = data.out;
    elsewhere = other;
    update(standing());
  }
  adapt(data);
});

/** Loads the page anew if the page around it says a language or a site that it was not told. */
function adapt({ lang, site }: { lang?: unknown; site?: unknown }): void {
  let told = "";
  const add = (name: string, value: unknown) => {
    const parameter = `&${name}=${encodeURIComponent(`${value}`)}`;
    if (value && !location.search.includes(parameter)) told += parameter;
  };
  if (settings.asks) add("language", lang);
  // No page around it tells the site of one that is loaded anew.
  if (told || !settings.site) add("idsite", settings.site || site);
  if (told) location.replace(location.search + told);
}

/** Has the page keep a choice, and returns whether it does. */
function inPage(out: boolean): Promise<boolean> {
  return new Promise((done) => {
    if (there === undefined) return done(false);
    // It may still answer what it was asked before.
    answered = (kept) => kept === out && done(true);
    setTimeout(() => done(false), patience);
    say(out);
  });
}

/** Keeps a choice in a cookie of this server, and returns whether that is there. */
async function inCookie(out: boolean): Promise<boolean> {
  if (origin === "null") return false; // in a sandbox
  try {
    await fetch(location.href, { method: "POST", body: new URLSearchParams({ out: out ? "1" : "0" }), redirect: "manual" });
    own = /mtm_consent_removed=[^;]/.test(document.cookie);
    others.postMessage(own);
  } catch {
    return false;
  }
  return own === out;
}

const update = show(element, settings.texts, settings.intro, settings.privacy, async (out) => {
  let kept = await inPage(out);
  // What both keep must go from both.
  if (out ? !kept : own || there === undefined) kept = (await inCookie(out)) && !(out ? elsewhere : there);
  update({ ...standing(), lost: !kept });
});
update(standing());

let times = 0;
function ask(): void {
  if (there === undefined && times++ >= asking) return;
  say();
  setTimeout(ask, there === undefined ? 100 * times : look);
}
ask();

// Another frame of the page may keep a choice in the same cookie.
const others = new BroadcastChannel("optout");
others.addEventListener("message", ({ data }) => {
  own = data;
  update(standing());
});
