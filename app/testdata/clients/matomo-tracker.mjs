// What websites do with matomo-tracker on their own server: one call, named on the
// command line, prints what the client is told. "hemmelig" marks what must not be kept.
//
//   node matomo-tracker.mjs https://stats.example.org/matomo.php SITE CALL NOW [TOKEN]
import diagnostics from "node:diagnostics_channel";
import MatomoTracker from "matomo-tracker";

const [endpoint, site, call, now, token_auth] = process.argv.slice(2);
const tracker = new MatomoTracker(Number(site), endpoint);
tracker.on("error", (error) => console.log("error", error));
// The client reads no answer to the end, and the process would wait for it.
diagnostics.subscribe("http.client.response.finish", ({ response }) => call !== "bulk" && response.resume());

const hoursAgo = (hours) => Number(now) - hours * 3600;

const visitor = {
  ua: "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
  lang: "nb-NO,nb;q=0.9,en;q=0.8",
  uid: "hemmelig-bruker",
  _id: "8b2c52af5f20dea4",
  cid: "8b2c52af5f20dea4",
  res: "1920x1080",
  dimension1: "hemmelig",
  _cvar: JSON.stringify({ 1: ["Rolle", "hemmelig"] }),
  action_name: "hemmelig / tittel",
};
const page = { ...visitor, url: "https://example.org/kurs?kunde=hemmelig" };
const product = { _pks: "hemmelig-1", _pkn: "hemmelig", _pkc: "hemmelig", _pkp: 99 };

const calls = {
  unknown: () => tracker.track("https://example.org/hemmelig"), // says nothing of the browser
  view: () =>
    tracker.track({
      ...visitor,
      url: "https://example.org/kurs?kunde=hemmelig&mtm_campaign=H%C3%B8st&mtm_source=avis&mtm_medium=banner&mtm_kwd=sveise&mtm_content=topp",
      urlref: "https://www.google.no/search?q=hemmelig",
    }),
  silent: () => tracker.track({ ...visitor, url: "https://example.org/kontakt", send_image: 0 }),
  event: () => tracker.track({ ...page, e_c: "Video", e_a: "Spill av", e_n: "Intro", e_v: 12.5 }),
  mail: () => tracker.track({ ...page, e_c: "Skjema", e_a: "Sendt", e_n: "kari.hemmelig@example.org" }),
  search: () => tracker.track({ ...page, search: "røde sko", search_cat: "Butikk", search_count: 7 }),
  link: () => tracker.track({ ...page, link: "https://annet.example/side?kunde=hemmelig" }),
  download: () => tracker.track({ ...page, download: "https://example.org/filer/rapport.pdf?kunde=hemmelig" }),
  goal: () => tracker.track({ ...page, idgoal: 2, revenue: 19.5 }),
  contentShown: () => tracker.track({ ...page, c_n: "Kampanje", c_p: "hemmelig.jpg", c_t: "https://annet.example/hemmelig" }),
  contentUsed: () => tracker.track({ ...page, c_i: "klikk", c_n: "Kampanje", c_p: "hemmelig.jpg" }),
  product: () => tracker.track({ ...page, ...product }),
  cart: () => tracker.track({ ...page, idgoal: 0, revenue: 99, ec_items: JSON.stringify([["hemmelig-1", "hemmelig", "hemmelig", 99, 1]]) }),
  order: () => tracker.track({ ...page, idgoal: 0, ec_id: "hemmelig-7", revenue: 99, ec_st: 80, ec_tx: 19, ec_dt: false }),
  ping: () => tracker.track({ ...page, ping: 1 }),

  earlier: () => tracker.track({ ...page, cdt: hoursAgo(2) }),
  yesterday: () => tracker.track({ ...page, cdt: new Date(hoursAgo(20) * 1000).toISOString() }),
  longAgo: () => tracker.track({ ...page, cdt: hoursAgo(72) }),
  elsewhere: () => tracker.track({ ...page, cip: "130.235.11.22" }),

  bulk: () =>
    tracker.trackBulk(
      [
        { ...visitor, url: "https://example.org/kurs/s%C3%B8m", urlref: "https://example.org/kurs" },
        { ...page, e_c: "Meny", e_a: "Åpne" },
        { ...page, idgoal: 0, ec_id: "hemmelig-8", revenue: 99 },
        { ...page, url: "https://example.org/kontakt" },
      ],
      (answer) => console.log(answer),
    ),

  // With a token a server may say who it speaks for, and when that was.
  elsewhereWithToken: () => tracker.track({ ...page, token_auth, cip: "130.235.11.22" }),
  longAgoWithToken: () => tracker.track({ ...page, token_auth, cdt: hoursAgo(72) }),
  bulkWithToken: () =>
    tracker.trackBulk([{ ...page, token_auth, cip: "130.235.11.22", country: "dk", cdt: hoursAgo(71) }], (answer) => console.log(answer)),
};
calls[call]();
