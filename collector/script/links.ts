// Which links Matomo counts when they are clicked: those that lead to another
// website, and those to a file.

const fileTypes =
  "7z|aac|apk|arc|arj|asc|asf|asx|avi|azw3|bin|bz|bz2|csv|deb|dmg|doc|docm|docx|epub|exe|flac|flv|gif|gz|gzip|hqx|ibooks|jar|jpeg|jpg|js|json|md5|mobi|mov|movie|mp2|mp3|mp4|mpeg|mpg|msi|msp|odb|odf|odg|ods|odt|ogg|ogv|pdf|phps|png|ppt|pptx|qt|qtm|ra|ram|rar|rpm|rtf|sea|sha|sha256|sha512|sig|sit|tar|tbz|tbz2|tgz|torrent|txt|wav|webm|wma|wmv|wpd|xls|xlsm|xlsx|xml|xz|z|zip";

/** What a call may give where it names several things: `"pdf|doc"`, `"pdf"` or `["pdf", "doc"]`. */
export type Names = string | string[];

export const list = (names: Names): string[] => (Array.isArray(names) ? names : names.split("|"));

/** What a website says of its links. */
export const newLinks = () => ({
  files: list(fileTypes),
  domains: [location.hostname], // its own
  ignored: ["matomo_ignore", "piwik_ignore"], // classes, as are the next two
  downloads: ["matomo_download", "piwik_download"],
  outlinks: ["matomo_link", "piwik_link"],
});

export type Links = ReturnType<typeof newLinks>;

type Link = HTMLAnchorElement | HTMLAreaElement | SVGAElement;

export const isLink = (node: any): node is Link => node.matches?.("a,area");

/** Cuts a domain, such as example.org, *.example.org or example.org/path, into host and path. */
function cut(domain: string): [host: string, path: string] {
  const [, host, path] = /^(?:https?:\/\/)?\*?([^/:]*)[^/]*(.*?)[/*]*$/.exec(domain.toLowerCase())!;
  return [host, path + "/"];
}

const isHost = (host: string, name: string) => (host.startsWith(".") ? `.${name}`.endsWith(host) : name === host);

/** Reports whether a link leads into a domain. What alike makes the same of are the same hosts. */
function leadsInto(domain: string, { hostname, pathname }: URL | HTMLAnchorElement, alike = (host: string) => host): boolean {
  const [host, path] = cut(domain);
  return isHost(alike(host), alike(hostname)) && `${pathname}/`.toLowerCase().startsWith(path);
}

/** Reports whether a referrer is in one of some domains, with www. or without. */
export function isReferrerIn(domains: string[], referrer: string): boolean {
  const link = document.createElement("a");
  link.href = referrer;
  return !!referrer && domains.some((domain) => leadsInto(domain, link, (host) => host.replace(/^www\./, "")));
}

/** Adds the website's own host, unless the domains say which part of it is its own. */
export function withOwnHost(domains: string[]): string[] {
  const { hostname } = location;
  return domains.some((domain) => isHost(cut(domain)[0], hostname)) ? domains : [...domains, hostname];
}

/**
 * Returns what is told of a click on a link, if it counts. A link of the website's own counts
 * where the page has it do so. What a page makes itself has no address but a name.
 */
export function kindOf(link: Link, links: Links): { link?: string; download?: string; own?: number } | undefined {
  const marked = (classes: string[]) => classes.some((name) => link.classList.contains(name));
  const { href } = link as any;
  const to = href.baseVal ?? href; // in SVG it is an object
  if (!to || marked(links.ignored)) return;
  let url: URL;
  try {
    url = new URL(to, document.baseURI);
  } catch {
    return;
  }
  const isSaved = link.hasAttribute("download");
  if (!/^(https?|ftp):/.test(url.href)) return isSaved ? { download: `/${link.getAttribute("download") || "download"}` } : undefined;
  if (marked(links.outlinks)) return { link: url.href, own: 1 };
  const type = new RegExp(`\\.(${links.files.join("|")})(&|$)`, "i");
  const isFile = type.test(url.pathname) || type.test(url.search); // as in /a.pdf and /get?file=a.pdf
  if (isFile || isSaved || marked(links.downloads)) return { download: url.href };
  if (!links.domains.some((domain) => leadsInto(domain, url))) return { link: url.href };
}
