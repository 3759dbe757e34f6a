// What fotspor.js imports where somebody does not want to be counted, so that other pages
// need not load it.

import { silent, tellObjection } from "./beacon";
import { answerFrame, heed as heedDialogue, isOut, object, unobject } from "./consent";

const server = new URL(import.meta.url).origin;

/**
 * Takes over what a consent dialogue says of statistics, where the browser itself does not
 * object. Of an endpoint it tells that server of an objection, if it counts them: fotspor.js
 * has no byte for a second name.
 */
export const heed = (news: unknown) =>
  typeof news === "string" ? COUNT_OBJECTIONS && tellObjection(news) : silent || heedDialogue(news);

/** The site that the page is counted for by this server: fotspor.js notes where it sends to. */
const site = () => Object.keys(window.fotspor?.q || {}).map((key) => key.startsWith(server) && /idsite=(\d+)/.exec(key)?.[1]);

// The frame asks again, so that the message for which this module was loaded need not be
// known here.
addEventListener("message", (event) =>
  answerFrame(
    event,
    [server],
    (out) => {
      if (out) object();
      else unobject();
      window.fotspor?.(""); // which then says nothing more of this page
    },
    () => silent || isOut(),
    () => site().find(Boolean),
  ),
);
