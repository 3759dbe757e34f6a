// Answers /index.php?module=CoreAdminHome&action=optOutJS: the box in a page, which keeps
// the choice in the page's own origin. The server puts `settings` before it.

import { objects } from "../script/beacon";
import { isOut, object, place, unobject } from "../script/consent";
import { show, type Texts } from "./box";

declare const settings: {
  divId: string;
  language: string; // "" for that of the page
  intro: boolean;
  style: Record<string, string>;
  privacy: string; // where the statement is, maybe below the server; "": not known
  server: string; // as the request for this script says it
  heeds: boolean; // what browsers say is respected
  cookieDomain: string;
  cookiePath: string;
  texts: Record<string, Texts>;
  family: Record<string, string>; // languages whose readers are served best by one of texts
};

// It must be read while the script runs, which is before the page is there.
const tag = document.currentScript as HTMLScriptElement | null;

/** Where this script is: a proxy may have the server below a path that only browsers know of. */
const here = tag && /optOutJS/.test(tag.src) ? tag.src : settings.server;

/** How often a box looks, in milliseconds, whether another box of the page took a choice. */
const look = 500;

/** Finds the texts in the first of some languages that there are texts in. */
function textsIn(tags: readonly string[]): Texts {
  const names = tags.map((name) => name.toLowerCase().split(/[-_]/)[0]).map((name) => settings.family[name] || name);
  return settings.texts[names.find((name) => settings.texts[name]) || "en"];
}

function start(): void {
  place.domain = settings.cookieDomain;
  place.path = settings.cookiePath || "/";
  let box = document.getElementById(settings.divId);
  if (!box) {
    console.warn(`Fotspor: no element has the id ${JSON.stringify(settings.divId)}; the choice is shown where its script is`);
    box = document.createElement("div");
    box.id = settings.divId; // for when the page runs the script again
    if (tag?.parentNode && tag.parentNode !== document.head) tag.after(box);
    else document.body.append(box);
  }
  Object.assign(box.style, settings.style);
  const texts = textsIn(settings.language ? [settings.language] : [document.documentElement.lang, ...navigator.languages]);
  let told: boolean | undefined;
  const tell = (lost = false) => update({ out: (told = isOut()), objects: settings.heeds && !!objects, lost });
  const update = show(box, texts, settings.intro, settings.privacy && new URL(settings.privacy, here).href, (out) => {
    if (out) object();
    else unobject();
    const lost = isOut() !== out;
    if (out && lost) unobject(); // what is known here until the page is left, no tracker knows; nor may a cookie stay for a part of the website that this page is not in
    tell(lost);
  });
  tell();
  const shown = box.firstChild!;
  const timer = setInterval(() => {
    if (!document.contains(shown)) clearInterval(timer);
    else if (isOut() !== told) tell();
  }, look);
}

if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
else start();
