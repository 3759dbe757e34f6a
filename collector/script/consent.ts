// What a visitor decided on this website, in Matomo's own cookies of the page: an
// objection, or a consent that a page asked for. They say what was chosen and nothing of
// who chose it.

const removed = "mtm_consent_removed";
const given = "mtm_consent";
const cookiesGiven = "mtm_cookie_consent";

const older = ["matomo_ignore", "piwik_ignore"];

/** Value of an objection that Fotspor took. Matomo writes a time there. */
const ours = "1";
/** Value of a consent that was taken back here, or not given in a consent dialogue. */
const withdrawn = "2";

const longest = 395 * 24; // hours: 13 months

/** Where cookies of the page are kept, as it says to Matomo's tracker. */
export const place = { domain: "", path: "/" };

// A page in a sandbox has no cookies, and throws. A form named cookie hides them.
function cookies(): string {
  try {
    return Reflect.get(Document.prototype, "cookie", document);
  } catch {
    return "";
  }
}

/**
 * Returns the value of a cookie, or "". Of several with that name, as for parts of a website,
 * it is the first whose value is of a form. An empty one is none.
 */
export const cookie = (name: string, form = "[^;]+") => (RegExp(`(?:^|; )${name}=(${form})`).exec(cookies()) || ["", ""])[1];

function write(name: string, value: unknown, hours: number, domain: string): void {
  try {
    document.cookie =
      `${name}=${value};path=${place.path};max-age=${hours * 3600};SameSite=Lax` +
      (domain && `;domain=${domain}`) +
      (isSecureContext ? ";Secure" : "");
  } catch {}
}

/** Keeps a cookie for some hours, 13 months at most and unless told; where the page says if that can be. */
function keep(name: string, value: unknown, hours?: number): void {
  const lasting = Math.min(hours || longest, longest);
  write(name, value, lasting, place.domain);
  if (!cookie(name)) write(name, value, lasting, "");
}

/** Forgets a cookie, whichever part of the website it was kept for. */
function forget(name: string): void {
  write(name, "", 0, "");
  write(name, "", 0, place.domain);
  for (let { hostname } = location; cookie(name) && hostname; hostname = hostname.replace(/^[^.]*\.?/, "")) {
    write(name, "", 0, hostname);
  }
}

// An objection for which no cookie can be kept: it holds until the page is left.
let here = false;

/** Whether the visitor objected. Those who did so at Matomo's own box may be known by its older cookies. */
export const objected = () => here || !!cookie(removed, `${ours}(;|$)`) || objectedBefore();

const objectedBefore = () => older.some((name) => cookie(name));

/** Whether the visitor took a consent back, or objected at Matomo: a consent that follows ends that. */
export const withheld = () => !!cookie(removed);

/** Whether a cookie of the page says that the visitor is not to be counted. */
export const isOut = () => withheld() || objectedBefore();

/** Whether the visitor is not to be counted now, if only until the page is left. */
export const refused = () => here || isOut();

export function object(hours?: number): void {
  forget(given);
  keep(removed, ours, hours);
  here = !cookie(removed);
}

/** Takes an objection back. */
export function unobject(): void {
  here = false;
  [removed, ...older].forEach(forget);
}

/** The day on which the visitor consented, in milliseconds since 1970, if that is remembered. */
export const remembered = () => (!refused() && cookie(given)) || null;

/** Ends a consent that was withdrawn. An objection made at Fotspor's own box stays. */
export const consent = () => objected() || forget(removed);

// A time to the millisecond would nearly be a number of the visitor's.
export const remember = (hours?: number) => keep(given, Date.now() - (Date.now() % 864e5), hours);

// A consent to cookies is read, for pages that ask for it, and none is kept: there are none.
export const forgetCookies = () => forget(cookiesGiven);
export const rememberedCookies = () => cookie(cookiesGiven) || 0;

/** Forgets what Matomo's script kept to know the visitor again. */
export const forgetVisitor = () => cookies().replace(/_pk_[^=;]*(?==)/g, (name) => (forget(name), ""));

/**
 * Takes over what a consent dialogue says of statistics, now or earlier. It takes back no
 * choice but its own.
 */
export function heed(statistics: unknown): void {
  const others = "[^2;]|2[^;]"; // all values but withdrawn
  if (statistics && !cookie(removed, others)) forget(removed);
  if (statistics === false && !refused()) withdraw();
}

export function withdraw(hours?: number): void {
  forget(given);
  if (!objected()) keep(removed, withdrawn, hours);
}

/**
 * Whether the page itself shows an opt-out of an origin, as the HTML of a frame says. Its
 * address may have no scheme.
 */
const showsOptOut = (origin: string) => document.querySelector(`[src*="${origin.replace(/.*?:/, "")}/"][src*=optOut]`);

/**
 * Answers the opt-out page of a server, which a page shows in a frame: of one of servers, or
 * of any that the page itself calls an opt-out, since a server has several names. It says
 * {fotspor: "optout", out} to have a choice kept for all of the page's origin, or no out to
 * be told what holds. The answer says the language of the page, its site and servers, too,
 * to which it sends.
 */
export function answerFrame(
  { data, origin, source }: MessageEvent,
  servers: string[],
  choose: (out: boolean) => void,
  holds: () => boolean,
  site: () => unknown,
): void {
  if (data?.fotspor !== "optout" || !(servers.includes(origin) || showsOptOut(origin))) return;
  if (typeof data.out === "boolean") choose(data.out);
  (source as Window).postMessage({ fotspor: "optout", out: holds(), lang: document.documentElement.lang, site: site(), servers }, origin);
}
