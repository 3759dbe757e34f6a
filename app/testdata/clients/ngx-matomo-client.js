// What websites do with ngx-matomo-client. "hemmelig" marks what must not be kept.
import "@angular/compiler"; // libraries of Angular are compiled by the application
import "zone.js";
import { Component, provideZoneChangeDetection } from "@angular/core";
import { bootstrapApplication } from "@angular/platform-browser";
import { MatomoTrackClickDirective, MatomoTracker, provideMatomo } from "ngx-matomo-client/core";

let tracker;

async function start({ base, site }, more) {
  const App = Component({
    selector: "main",
    imports: [MatomoTrackClickDirective],
    template: `<button id="menu" matomoClickCategory="Meny" matomoClickAction="Åpne" matomoClickName="Hoved">Meny</button>`,
  })(class {});
  const app = await bootstrapApplication(App, {
    providers: [provideZoneChangeDetection(), provideMatomo({ trackerUrl: base, siteId: site, acceptDoNotTrack: true, ...more })],
  });
  tracker = app.injector.get(MatomoTracker);
}

globalThis.client = {
  start: (options) => // and counts the page
    start(options, {
      requireConsent: "cookie",
      enableJSErrorTracking: true,
      disableCampaignParameters: true,
      excludedQueryParams: ["kunde"],
    }),
  startWithoutConsent: (options) => start(options, { requireConsent: "tracking" }),

  introduce() {
    tracker.setUserId("hemmelig-bruker");
    tracker.setCustomDimension(1, "hemmelig");
    tracker.setCustomVariable(1, "Rolle", "hemmelig", "visit");
    tracker.setVisitorId("8b2c52af5f20dea4");
    tracker.enableHeartBeatTimer(15);
  },
  async answers() {
    return JSON.stringify(await Promise.all([tracker.getUserId(), tracker.getVisitorId(), tracker.isUserOptedOut()]));
  },
  route() {
    tracker.setReferrerUrl(location.href);
    history.pushState({}, "", "/kurs/sveising?kunde=hemmelig");
    tracker.setCustomUrl(location.href);
    tracker.setDocumentTitle("hemmelig tittel");
    tracker.trackPageView("hemmelig tittel");
  },
  event() {
    tracker.trackEvent("Video", "Spill av", "Intro", 12.5, { dimension1: "hemmelig" });
  },
  search() {
    tracker.trackSiteSearch("røde sko", "Butikk", 7, { dimension1: "hemmelig" });
  },
  searchInVain() {
    tracker.trackSiteSearch("ingenting", undefined, 0);
  },
  link() {
    tracker.trackLink("https://annet.example/side?kunde=hemmelig", "link");
  },
  download() {
    tracker.trackLink(`${location.origin}/filer/rapport.pdf?kunde=hemmelig`, "download");
  },
  goal() {
    tracker.trackGoal(2, 19.5);
  },
  contentShown() {
    tracker.trackContentImpression("Kampanje", "hemmelig.jpg", "https://annet.example/hemmelig");
  },
  contentUsed() {
    tracker.trackContentInteraction("klikk", "Kampanje", "hemmelig.jpg", "https://annet.example/hemmelig");
  },
  blocksShown() {
    document.body.insertAdjacentHTML("beforeend", `
      <div data-track-content data-content-name="Kurskatalog" data-content-piece="hemmelig"><button id="block">Last ned</button></div>
      <div data-track-content data-content-name="Nyhetsbrev"></div>`);
    tracker.trackAllContentImpressions();
  },
  failure() {
    const failure = { message: "Noe gikk galt", filename: "https://example.org/app.js?kunde=hemmelig", lineno: 1, colno: 2 };
    dispatchEvent(new ErrorEvent("error", failure));
  },
  shop() {
    tracker.setEcommerceView({ productSKU: "hemmelig-1", productName: "hemmelig", productCategory: "hemmelig", price: 99 });
    tracker.addEcommerceItem("hemmelig-1", "hemmelig", "hemmelig", 99, 1);
    tracker.trackEcommerceCartUpdate(99);
    tracker.trackEcommerceOrder("hemmelig-7", 99, 80, 19, 0, false);
  },

  giveConsent() {
    tracker.rememberConsentGiven();
  },
  takeConsentBack() {
    tracker.forgetConsentGiven();
  },
  optOut() {
    tracker.optUserOut();
  },
};
