// Answers /index.php?module=CoreAdminHome&action=optOutJS: the box in a page, which keeps
// the choice in the page's own origin. The server puts `settings` before it.

import { cookie, object, objected, place, unobject, withheld } from "../script/consent";
import { objects, show, type Texts } from "./box";

declare const settings: {
  divId: string;
  language: string; // "" for that of the page
  intro: boolean;
  style: Record<string, string>;
  site: number; // 0: not known
  heeds: boolean; // what browsers say is respected
  cookieDomain: string;
  cookiePath: string;
  texts: Record<string, Texts>;
  family: Record<string, string>; // languages whose readers are served best by one of texts
};

// Both must be read while the script runs, which is before the page is there.
const tag = document.currentScript as HTMLScriptElement | null;
const server = tag?.src || location.href;

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
    if (tag?.parentNode && tag.parentNode !== document.head) tag.after(box);
    else document.body.append(box);
  }
  Object.assign(box.style, settings.style);
  const texts = textsIn(settings.language ? [settings.language] : [document.documentElement.lang, ...navigator.languages]);
  const privacy = settings.site ? new URL(`privacy/${settings.site}`, server).href : "";

  const standing = () => ({ out: objected() || withheld(), objects: settings.heeds && objects() });
  const update = show(box, texts, settings.intro, privacy, (out) => {
    if (out) object();
    else unobject();
    const lost = out ? !cookie("mtm_consent_removed") : objected() || withheld();
    if (out && lost) unobject(); // what is known here until the page is left, no tracker knows
    update({ ...standing(), lost });
  });
  update(standing());
}

if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
else start();
