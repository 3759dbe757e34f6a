// The methods of Matomo's tracker that do nothing here. What is said of a group is its
// row in docs/moving-from-matomo.md. Those that are named on the console stand here for that
// table alone: a tracker names all that it does not know.

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
export const visitor = `enableBrowserFeatureDetection enableCrossDomainLinking getAttributionCampaignKeyword
getAttributionCampaignName getAttributionReferrerTimestamp getAttributionReferrerUrl
getCrossDomainLinkingUrlParameter getPageViewId getUserId getVisitorId setConversionAttributionFirstReferrer
setCrossDomainLinkingTimeout setPageViewId setUserId setVisitorId`;

/** named once on the console: these figures are not kept */
export const figures = `addEcommerceItem getCustomData getCustomDimension getCustomPagePerformanceTiming getCustomVariable
setCustomData setCustomDimension setCustomVariable setEcommerceView setGenerationTimeMs setPagePerformanceTiming
storeCustomVariablesInCookie trackEcommerceCartUpdate trackEcommerceOrder`;

/** named once on the console: hits are not put together by hand, plug-ins of Matomo don't run, and a file is no website */
export const foreign = `appendToTrackingUrl enableFileTracking setCustomRequestProcessing trackRequest`;

/** of `Matomo` itself, named once on the console: plug-ins of Matomo don't run */
export const ofMatomo = `addPlugin on off trigger retryMissedPluginCalls`;

/** Methods that a page loses nothing by. */
export const accepted = [cookieless, sending, heartbeat, never].join(" ");
