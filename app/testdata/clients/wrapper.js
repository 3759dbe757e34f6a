// What websites do with @datapunt/matomo-tracker-js and with @jonkoops/matomo-tracker,
// which descends from it and has the same methods. "hemmelig" marks what must not be kept.

const dimensions = [{ id: 1, value: "hemmelig" }];
const product = { sku: "hemmelig-1", productName: "hemmelig", productCategory: "hemmelig", productPrice: 99 };

export function newClient(MatomoTracker) {
  let tracker;
  return {
    start({ base, site }) {
      tracker = new MatomoTracker({
        urlBase: base,
        siteId: site,
        userId: "hemmelig-bruker",
        configurations: {
          disableCookies: true,
          setCampaignNameKey: "kampanje",
          setCustomVariable: [1, "Rolle", "hemmelig", "visit"],
          setRequestMethod: "POST",
        },
      });
      tracker.trackEvents();
    },
    startWithoutConsent({ base, site }) {
      tracker = new MatomoTracker({ urlBase: base, siteId: site, configurations: { requireConsent: [] } });
    },

    view() {
      tracker.trackPageView({ documentTitle: "hemmelig tittel", customDimensions: dimensions });
    },
    route() {
      history.pushState({}, "", "/kurs/sveising?kunde=hemmelig#hemmelig");
      tracker.trackPageView();
    },
    viewOf() {
      tracker.trackPageView({ documentTitle: "hemmelig tittel", href: `${location.origin}/kurs/s%C3%B8m?kunde=hemmelig` });
    },
    missing() {
      history.pushState({}, "", "/finnes-ikke");
      tracker.trackPageView({ documentTitle: "404/URL = /finnes-ikke/From = hemmelig" });
    },
    event() {
      tracker.trackEvent({ category: "Video", action: "Spill av", name: "Intro", value: 12.5, customDimensions: dimensions });
    },
    eventOfElement() {
      document.body.insertAdjacentHTML("beforeend", `<button id="menu" data-matomo-event="click"
        data-matomo-category="Meny" data-matomo-action="Åpne">Meny</button>`);
    },
    search() {
      tracker.trackSiteSearch({ keyword: "røde sko", category: "Butikk", count: 7, documentTitle: "hemmelig" });
    },
    searchInVain() {
      tracker.trackSiteSearch({ keyword: "ingenting", count: 0 });
    },
    link() {
      tracker.trackLink({ href: "https://annet.example/side?kunde=hemmelig" });
    },
    download() {
      tracker.trackLink({ href: `${location.origin}/filer/rapport.pdf?kunde=hemmelig`, linkType: "download" });
    },
    goal() {
      tracker.pushInstruction("trackGoal", 2, 19.5);
    },
    contentShown() {
      tracker.pushInstruction("trackContentImpression", "Kampanje", "hemmelig.jpg", "https://annet.example/hemmelig");
    },
    contentUsed() {
      tracker.pushInstruction("trackContentInteraction", "klikk", "Kampanje", "hemmelig.jpg", "https://annet.example/hemmelig");
    },
    shop() {
      tracker.setEcommerceView(product);
      tracker.setEcommerceCategoryView("hemmelig");
      tracker.addEcommerceItem(product);
      tracker.trackEcommerceCartUpdate(99);
      tracker.trackEcommerceOrder({ orderId: "hemmelig-7", orderRevenue: 99, orderSubTotal: 80, taxAmount: 19 });
      tracker.removeEcommerceItem(product);
      tracker.clearEcommerceCart();
    },

    giveConsent() {
      tracker.pushInstruction("setConsentGiven");
    },
    takeConsentBack() {
      tracker.pushInstruction("forgetConsentGiven");
    },
    optOut() {
      tracker.pushInstruction("optUserOut");
    },
  };
}
