// The methods of Matomo's tracker that do nothing here. What is said of a group is its
// row in docs/moving-from-matomo.md.

/** accepted: there is no cookie by which to know a visitor, and none to consent to */
const cookieless = `areCookiesEnabled hasCookies rememberCookieConsentGiven requireCookieConsent setCookieConsentGiven setCookieNamePrefix setCookieSameSite
setReferralCookieTimeout setSecureCookie setSessionCookieTimeout setVisitorCookieTimeout`;

/** accepted: how hits are sent is settled; they survive the end of a page, and none is sent while a page is prepared */
const sending = `alwaysUseSendBeacon disableAlwaysUseSendBeacon disableQueueRequest getLinkTrackingTimer setAPIUrl
setApiUrl setCountPreRendered setLinkTrackingTimer setRequestContentType setRequestMethod setRequestQueueInterval`;

/** accepted: time on a page is measured without a heartbeat */
const heartbeat = `disableHeartBeatTimer enableHeartBeatTimer setHeartBeatTimer`;

/** accepted: Do Not Track and Global Privacy Control are always respected, and what these switch off or take back is never kept */
const never = `clearEcommerceCart deleteCustomDimension deleteCustomVariable deleteCustomVariables
disableBrowserFeatureDetection disableCrossDomainLinking disablePerformanceTracking removeEcommerceItem resetUserId
setDoNotTrack`;

/** named once on the console: Fotspor tells no visitor from another, and has nothing of one to answer with */
const visitor = `enableBrowserFeatureDetection enableCrossDomainLinking getAttributionCampaignKeyword
getAttributionCampaignName getAttributionReferrerTimestamp getAttributionReferrerUrl
getCrossDomainLinkingUrlParameter getPageViewId getUserId getVisitorId setConversionAttributionFirstReferrer
setCrossDomainLinkingTimeout setPageViewId setUserId setVisitorId`;

/** named once on the console: these figures are not kept */
const figures = `addEcommerceItem getCustomData getCustomDimension getCustomPagePerformanceTiming getCustomVariable
setCustomData setCustomDimension setCustomVariable setEcommerceView setGenerationTimeMs setPagePerformanceTiming
storeCustomVariablesInCookie trackEcommerceCartUpdate trackEcommerceOrder`;

/** named once on the console: hits are not put together by hand, plug-ins of Matomo don't run, and a file is no website */
const foreign = `addPlugin appendToTrackingUrl enableFileTracking setCustomRequestProcessing trackRequest`;

/** Methods that a page loses nothing by. */
export const accepted = [cookieless, sending, heartbeat, never].join(" ");

/** Methods that a page may miss. */
export const refused = [visitor, figures, foreign].join(" ");
