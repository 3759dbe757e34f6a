-- The hits of site {SITE} on the days from {FROM} to {TO}: some {VISITS} visits a day,
-- {PAGES} pages. The innermost query makes visits, the next what is the same on all of
-- their hits, the next the pages of each, and ARRAY JOIN the hits. All is decided by
-- hashes of day and visit, so that the same call makes the same hits.
INSERT INTO hits (site, time, day, kind, path, host, name, value, network, country, region, browser, browser_version, os, device, language,
    channel, source, campaign, campaign_source, campaign_medium, campaign_content, entry_path, previous_path,
    pageviews, visits, visitors, page_visitors, section_visitors, bounces, seconds)
WITH
    (x, salt) -> bitShiftRight(sipHash64(x, salt), 11) / 9007199254740992. AS part, -- 0 to 1
    (share, n) -> toUInt32(exp(share * log(n + 1))) AS rank, -- 1 to n, the first the most by far
    ['helse', 'skole', 'tema', 'aktuelt', 'dokumenter', 'om-oss', 'tjenester', 'barnehage', 'kultur', 'plan', 'naering', 'jobb', 'politikk', 'miljo', 'kontakt'] AS sections,
    page -> multiIf(page <= 1, '/', page <= 16, concat('/', sections[page - 1], '/'), concat('/', sections[1 + sipHash64(page, 1) % 15], '/side-om-noe-', toString(page), '/')) AS path_of
SELECT
    {SITE} AS site, toDateTime(begin + arraySum(arraySlice(waits, 1, n)), 'UTC') AS time, day,
    if(acts[n], ['event', 'outlink', 'download', 'search', 'event'][1 + toUInt32(part(visit, 600 + n) * 5)] AS act, 'pageview') AS kind,
    path_of(pages[n]) AS path, 'www.example.org' AS host,
    multiIf(NOT acts[n], '', act = 'search', concat('sok ', toString(rank(part(visit, 700 + n), 4000))),
        act = 'outlink', concat('nettsted', toString(rank(part(visit, 700 + n), 800)), '.no/'),
        act = 'download', concat('www.example.org/dok/fil-', toString(rank(part(visit, 700 + n), 1500)), '.pdf'),
        part(visit, 800 + n) < 0.1, concat('404 / /gammel-', toString(rank(part(visit, 700 + n), 500))),
        concat('klikk / ', toString(rank(part(visit, 700 + n), 150)))) AS name,
    if(act = 'search', toFloat64(rank(part(visit, 900 + n), 20) - 1), 0) AS value,
    network, country, region, browser, browser_version, os, device, language,
    channel, source, campaign, campaign_source, campaign_medium, campaign_content,
    path_of(pages[1]) AS entry_path, if(n = 1, '', path_of(pages[n - 1])) AS previous_path,
    NOT acts[n] AS pageviews, n = 1 AS visits, n = 1 AND fresh AS visitors,
    NOT acts[n] AND indexOf(pages, pages[n]) = n AND (fresh OR part(visit, 1000 + n) < 0.6) AS page_visitors,
    page_visitors AND arrayFirstIndex(p -> sipHash64(p, 1) % 15 = sipHash64(pages[n], 1) % 15, pages) = n AS section_visitors,
    multiIf(n = 1, 1, n = 2, -1, 0) AS bounces, waits[n] AS seconds
FROM (
    SELECT *, range(1, hits + 1) AS numbers,
        arrayMap(i -> i > 1 AND part(visit, 300 + i) < 0.08, numbers) AS acts,
        arrayMap(i -> if(i = 1, 0, toUInt32(1 - 55 * log(1 - part(visit, 400 + i) * 0.999))), numbers) AS waits,
        arrayMap(i -> multiIf(i = 1 AND part(visit, 1) < 0.3, 1,
            part(visit, 100 + i) < 0.2, {PAGES} * 3 / 5 + (toUInt32(day) * 2 + 1999 - rank(part(visit, 200 + i), 150)) % ({PAGES} * 2 / 5), -- what is new
            rank(part(visit, 200 + i), {PAGES}))::UInt32, numbers) AS raw,
        -- an event happens on the page before it; a third of the next pages are those that many take from there
        arrayMap(i -> multiIf(i = 1, raw[1], acts[i], raw[i - 1], part(visit, 500 + i) < 0.33, 1 + (raw[i - 1] * 7 + rank(part(visit, 550 + i), 20)) % {PAGES}, raw[i])::UInt32, numbers) AS pages
    FROM (
        SELECT day, visit,
            toUnixTimestamp(toDateTime(day, 'UTC')) + 3600 * toUInt32(7 + 14 * (part(visit, 2) + part(visit, 3)) / 2) + toUInt32(part(visit, 4) * 3000) AS begin,
            if(part(visit, 5) < 0.3, 1, 2 + least(30, toUInt32(-2 * log(1 - part(visit, 6) * 0.99999)))) AS hits,
            part(visit, 7) < 0.85 AS fresh,
            rank(part(visit, 8), 400) AS place,
            if(part(visit, 9) < 0.86, 'NO', ['SE', 'DK', 'GB', 'US', 'DE', 'FI', 'NL', 'PL', 'FR', 'ES', 'IE', 'IS', 'LT', 'IN', 'IT', 'CA', 'CH', 'AT', 'BE', 'UA', 'CZ', 'PT', 'LV', 'EE', 'AU', 'BR', 'JP', 'CN', 'SG', 'TR', 'TH', 'GR', 'RO', 'HU', 'HR', 'RS', 'BG', 'SK', 'SI', 'LU'][rank(part(visit, 10), 40)]) AS country,
            concat(toString(20 + sipHash64(country, place) % 180), '.', toString(sipHash64(place, country) % 256), '.0.0/16') AS network,
            if(country = 'NO', ['NO-03', 'NO-32', 'NO-46', 'NO-11', 'NO-50', 'NO-33', 'NO-34', 'NO-31', 'NO-42', 'NO-15', 'NO-18', 'NO-39', 'NO-40', 'NO-55', 'NO-56'][1 + sipHash64(place) % 15], concat(country, '-', toString(1 + sipHash64(place) % 10))) AS region,
            multiIf(part(visit, 11) < 0.52, 'mobile', part(visit, 11) < 0.56, 'tablet', part(visit, 11) < 0.995, 'desktop', 'other') AS device,
            multiIf(device = 'other', '', device = 'desktop', ['Windows', 'macOS', 'Linux', 'ChromeOS'][rank(part(visit, 12), 4)], ['iOS', 'Android'][1 + (part(visit, 12) < 0.45)]) AS os,
            multiIf(os = 'iOS', ['Safari', 'Chrome', 'Firefox'][rank(part(visit, 13), 3)], os = '', '', ['Chrome', 'Edge', 'Firefox', 'Samsung Internet', 'Opera'][rank(part(visit, 13), 5)]) AS browser,
            if(browser = '', '', toString(60 + sipHash64(browser) % 60 + intDiv(toUInt32(day), 28) % 40 - rank(part(visit, 14), 6))) AS browser_version,
            ['nb', 'en', 'nn', 'sv', 'da', 'pl', 'de', 'uk', 'ar', 'lt', 'so', 'es', 'fr', 'fi', 'se'][rank(part(visit, 15), 15)] AS language,
            multiIf(part(visit, 16) < 0.47, 'search', part(visit, 16) < 0.79, 'direct', part(visit, 16) < 0.89, 'website', part(visit, 16) < 0.95, 'social', part(visit, 16) < 0.97, 'email', part(visit, 16) < 0.99, 'campaign', 'ai') AS channel,
            multiIf(channel = 'search', if(part(visit, 17) < 0.88, 'google', ['bing', 'duckduckgo', 'ecosia', 'yahoo', 'brave'][rank(part(visit, 18), 5)]),
                channel = 'website', concat('avis', toString(rank(part(visit, 17), 3000)), '.no'),
                channel = 'social', ['facebook', 'instagram', 'linkedin', 'reddit', 'x', 'youtube', 'tiktok', 'bluesky'][rank(part(visit, 17), 8)],
                channel = 'ai', ['chatgpt', 'copilot', 'gemini', 'perplexity'][rank(part(visit, 17), 4)],
                channel = 'email', 'outlook', channel = 'campaign', ['nyhetsbrev', 'facebook', 'linkedin', 'google'][rank(part(visit, 17), 4)], '') AS source,
            if(channel = 'campaign', concat('kampanje-', toString(intDiv(toUInt32(day), 30) * 4 + rank(part(visit, 19), 4))), '') AS campaign,
            if(campaign = '', '', source) AS campaign_source, if(campaign = '', '', ['e-post', 'sosiale', 'annonse'][1 + sipHash64(campaign) % 3]) AS campaign_medium,
            if(campaign = '' OR part(visit, 20) < 0.5, '', concat('variant-', toString(1 + toUInt32(part(visit, 21) * 3)))) AS campaign_content
        FROM (
            SELECT toDate('{FROM}') + number AS day, arrayJoin(range(toUInt32({VISITS} * [1.15, 1.2, 1.2, 1.15, 1., 0.6, 0.7][toDayOfWeek(day)]
                * [1.05, 1.05, 1.05, 1., 0.97, 0.9, 0.6, 0.92, 1.05, 1.1, 1.15, 0.85][toMonth(day)]))) AS serial,
                sipHash64({SITE}, day, serial) AS visit
            FROM numbers(toUInt32(toDate('{TO}') - toDate('{FROM}') + 1))
        )
    )
)
ARRAY JOIN numbers AS n
SETTINGS max_insert_threads = 2
