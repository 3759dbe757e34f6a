// The box in which a visitor chooses, as a page and the frame of the server both show it.

/** What the box says, in one language. */
export interface Texts {
  counted: string;
  unsure: string;
  out: string;
  objects: string;
  lost: string;
  leave: string;
  join: string;
  about: string;
  more: string;
}

/**
 * Where a visitor stands. objects: the browser itself says no. unsure: the page may keep a
 * choice that is not seen from here. lost: the choice could not be kept.
 */
export interface Standing {
  out: boolean;
  objects: boolean;
  unsure?: boolean;
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
    button.hidden = standing.objects;
    button.textContent = out ? texts.join : texts.leave;
    const counted = standing.unsure ? texts.unsure : texts.counted;
    said.textContent = standing.objects ? texts.objects : standing.lost ? texts.lost : out ? texts.out : counted;
  };
}
