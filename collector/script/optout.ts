// What fotspor.js imports where somebody does not want to be counted, so that other pages
// need not load it.

import { silent, tellObjection } from "./beacon";
import { answerFrame, object, unobject, withheld } from "./consent";

/** Tells the server at an endpoint of an objection, if the server counts them. */
export const tell = COUNT_OBJECTIONS && tellObjection;

// What counts is the cookie, which alone fotspor.js heeds. The frame asks again, so that
// the message for which this module was loaded need not be known here.
addEventListener("message", (event) =>
  answerFrame(
    event,
    [new URL(import.meta.url).origin],
    (out) => (out ? object() : unobject()),
    () => silent || withheld(),
  ),
);
