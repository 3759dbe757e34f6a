// What fotspor.js imports where somebody does not want to be counted, so that other pages
// need not load it.

import { silent, tellObjection } from "./beacon";
import { answerFrame, heed as heedDialogue, isOut, object, unobject } from "./consent";

const server = new URL(import.meta.url).origin;

/** Tells the server at an endpoint of an objection, if the server counts them. */
export const tell = (endpoint: string) => COUNT_OBJECTIONS && tellObjection(endpoint);

/** Takes over what a consent dialogue says of statistics, where the browser itself does not object. */
export const heed = (statistics: unknown) => silent || heedDialogue(statistics);

/** The site that the page is counted for by this server: fotspor.js notes where it sends to. */
const site = () => Object.keys(window.fotspor?.q || {}).map((key) => key.startsWith(server) && /idsite=(\d+)/.exec(key)?.[1]);

// The frame asks again, so that the message for which this module was loaded need not be
// known here.
addEventListener("message", (event) =>
  answerFrame(
    event,
    [server],
    (out) => (out ? object() : unobject()),
    () => silent || isOut(),
    () => site().find(Boolean),
  ),
);
