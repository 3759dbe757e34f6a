// The box in which a visitor chooses, as a page and the frame of the server both show it.

/** What the box says, in one language. */
export interface Texts {
  counted: string;
  unsure: string;
  out: string;
  outHere: string;
  alone: string;
  objects: string;
  lost: string;
  leave: string;
  join: string;
  about: string;
  more: string;
}

/**
 * Where a visitor stands. objects: the browser itself says no. unsure: the page may keep a
 * choice that is not seen from here, and may send to where this one is not known. alone: no
 * page is around the box for which it could keep a choice. lost: the choice could not be kept.
 */
export interface Standing {
  out: boolean;
  objects: boolean;
  unsure?: boolean;
  alone?: boolean;
  lost?: boolean;
}

/** Makes an element that holds a text. */
function make<K extends keyof HTMLElementTagNameMap>(tag: K, text = ""): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

/**
 * Puts a box into an element, and returns what shows another standing in it. privacy is
 * the address of the statement, or "".
 */
export function show(
  place: HTMLElement,
  texts: Texts,
  intro: boolean,
  privacy: string,
  choose: (out: boolean) => void,
): (standing: Standing) => void {
  const state = make("p");
  const said = state.appendChild(make("strong"));
  const button = make("button");
  state.setAttribute("role", "status"); // said aloud when it changes
  button.type = "button";
  let out = false;
  button.addEventListener("click", () => choose(!out));

  place.textContent = "";
  place.append(state, button);
  if (intro) place.append(make("p", texts.about));
  if (privacy) {
    const link = make("a", texts.more);
    link.href = privacy;
    link.target = "_blank";
    link.rel = "noopener";
    place.appendChild(make("p")).append(link);
  }
  return (standing) => {
    out = standing.out;
    const { objects, unsure, alone, lost } = standing;
    button.hidden = objects || !!alone;
    button.textContent = out ? texts.join : texts.leave;
    const counted = unsure ? texts.unsure : texts.counted;
    const notCounted = unsure ? texts.outHere : texts.out;
    said.textContent = objects ? texts.objects : alone ? texts.alone : lost ? texts.lost : out ? notCounted : counted;
  };
}
