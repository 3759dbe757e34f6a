// What websites do with vue-matomo. "hemmelig" marks what must not be kept.
import { createApp, h } from "vue";
import VueMatomo from "vue-matomo";

// What vue-matomo asks of vue-router: a current route, and to be told of the next.
function newRouter() {
  const followers = [];
  const route = (fullPath, meta) => ({ fullPath, path: fullPath.split("?")[0], meta });
  return {
    currentRoute: { value: route(location.pathname + location.search, { title: "hemmelig tittel" }) },
    resolve: (path) => ({ href: path }),
    afterEach: (follow) => followers.push(follow),
    push(path, meta = {}) {
      const from = this.currentRoute.value;
      const to = route(path, meta);
      history.pushState({}, "", path);
      this.currentRoute.value = to;
      followers.forEach((follow) => follow(to, from));
    },
  };
}

let router;
let matomo;

async function start({ base, site }, more) {
  router = newRouter();
  const app = createApp({ render: () => h("h1", "Kurs") });
  app.use(VueMatomo, {
    host: base,
    siteId: site,
    router,
    trackerFileName: "piwik",
    userId: "hemmelig-bruker",
    enableHeartBeatTimer: true,
    disableCookies: true,
    requireCookieConsent: true,
    cookieDomain: "*.example.org",
    preInitActions: [
      ["setCustomDimension", 1, "hemmelig"],
      ["appendToTrackingUrl", "hemmelig=1"],
    ],
    trackSiteSearch: ({ path, fullPath }) =>
      path === "/søk" && { keyword: new URLSearchParams(fullPath.split("?")[1]).get("q"), category: "Kurs", resultsCount: 3 },
    ...more,
  });
  app.mount("main");
  while (!app.config.globalProperties.$matomo) await new Promise((done) => setTimeout(done, 10));
  matomo = app.config.globalProperties.$matomo;
}

globalThis.client = {
  start: (options) => start(options, {}),
  startWithoutConsent: (options) => start(options, { requireConsent: true }),

  route() {
    router.push("/kurs/sveising?kunde=hemmelig", { title: "hemmelig tittel" });
  },
  quietRoute() {
    router.push("/min-side/hemmelig", { analyticsIgnore: true });
  },
  search() {
    router.push("/søk?q=røde+sko&kunde=hemmelig");
  },
  event() {
    matomo.trackEvent("Video", "Spill av", "Intro", 12.5, { dimension1: "hemmelig" });
  },
  link() {
    matomo.trackLink("https://annet.example/side?kunde=hemmelig", "link", { dimension1: "hemmelig" });
  },
  download() {
    matomo.trackLink(`${location.origin}/filer/rapport.pdf?kunde=hemmelig`, "download");
  },
  goal() {
    matomo.trackGoal(2, 19.5, { dimension1: "hemmelig" });
  },
  contentShown() {
    matomo.trackContentImpression("Kampanje", "hemmelig.jpg", "https://annet.example/hemmelig");
  },
  contentUsed() {
    matomo.trackContentInteraction("klikk", "Kampanje", "hemmelig.jpg", "https://annet.example/hemmelig");
  },
  shop() {
    matomo.setEcommerceView("hemmelig-1", "hemmelig", ["hemmelig"], 99);
    matomo.addEcommerceItem("hemmelig-1", "hemmelig", "hemmelig", 99, 1);
    matomo.trackEcommerceCartUpdate(99);
    matomo.trackEcommerceOrder("hemmelig-7", 99, 80, 19, 0, false);
  },

  giveConsent() {
    _paq.push(["rememberConsentGiven", 24]);
  },
  optOut() {
    matomo.optUserOut();
  },
};
