// Which blocks of a page are content in Matomo's sense, and their names.
// See https://developer.matomo.org/guides/content-tracking.

/** Selects what has an attribute, or else one of the classes that stand for it. */
const either = (attribute: string, name: string) => [`[data-${attribute}]`, `.matomo${name},.piwik${name}`];

const blocks = either("track-content", "TrackContent").join();
const pieces = either("content-piece", "ContentPiece");
const targets = either("content-target", "ContentTarget");
const ignored = either("content-ignoreinteraction", "ContentIgnoreInteraction").join();

/** Finds the first element of a block, itself included, for the first selector that has one. */
function find(block: HTMLElement, selectors: string[]): HTMLElement | undefined {
  for (const selector of selectors) {
    const found = block.matches(selector) ? block : block.querySelector<HTMLElement>(selector);
    if (found) return found;
  }
}

/** Reads an attribute of a block, of the first element in it that gives it a value. */
function read(block: HTMLElement, attribute: string): string {
  const element = find(block, [`[${attribute}]:not([${attribute}=""])`]);
  return element ? element.getAttribute(attribute)!.trim() : "";
}

/** Finds the blocks in a part of the page, itself included. */
export function blocksIn(part: HTMLElement): HTMLElement[] {
  return [...(part.matches(blocks) ? [part] : []), ...part.querySelectorAll<HTMLElement>(blocks)];
}

/** Names a block: as it says, or by the media that it shows, or by a title. */
export function nameOf(block: HTMLElement): string {
  const piece = find(block, pieces) || block;
  const media = piece.matches("img,embed,video,audio") && (find(piece, ["[src]"]) as HTMLImageElement | undefined);
  const titled = [block, piece, find(block, targets) || block];
  return (
    read(block, "data-content-name") ||
    read(block, "data-content-piece") ||
    (media && media.src.replace(location.origin, "")) ||
    titled.map(({ title }) => title).find(Boolean) ||
    "Unknown"
  );
}

/** Finds the block that somebody deals with by acting on a node, if that is what its target is for. */
export function blockAt(node: Element): HTMLElement | undefined {
  const block = node.closest && node.closest<HTMLElement>(blocks); // a document has none
  if (!block) return;
  const target = find(block, targets) || block;
  if (target.contains(node) && !target.matches(ignored)) return block;
}
