-- Generated from report.Rollups by go run ./generate.
-- General information about traffic: sums without any address, kept when the raw rows
-- are gone, but for the cube, which lives as long as they. Each is filled by the same
-- insert as the raw rows, under the same deduplication token.

CREATE TABLE IF NOT EXISTS daily
(
    site UInt32 CODEC(ZSTD(1)),
    day Date CODEC(Delta(2), ZSTD(1)),
    dimension LowCardinality(String) CODEC(ZSTD(1)),
    value LowCardinality(String) CODEC(ZSTD(1)),
    detail LowCardinality(String) CODEC(ZSTD(1)),
    visitors Int64 CODEC(T64, ZSTD(1)),
    visits Int64 CODEC(T64, ZSTD(1)),
    pageviews Int64 CODEC(T64, ZSTD(1)),
    page_visitors Int64 CODEC(T64, ZSTD(1)),
    section_visitors Int64 CODEC(T64, ZSTD(1)),
    bounces Int64 CODEC(T64, ZSTD(1)),
    seconds Int64 CODEC(T64, ZSTD(1)),
    events Int64 CODEC(T64, ZSTD(1)),
    conversions Int64 CODEC(T64, ZSTD(1))
)
ENGINE = SummingMergeTree
PARTITION BY toYear(day)
ORDER BY (site, dimension, day, value, detail)
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 2592000,
    old_parts_lifetime = 1, cleanup_delay_period = 5, max_cleanup_delay_period = 10,
    min_age_to_force_merge_seconds = 0
COMMENT 'sums of each day by one dimension after the other';

CREATE MATERIALIZED VIEW daily_view TO daily AS
WITH
    if(bitTest(hits.other, 25), concat(if(bitTest(hits.other, 63), '', extract(hits.previous_path, '^(/[^/?]+)')), '/[other]'), hits.previous_path) AS previous_path_line,
    if(bitTest(hits.other, 5), concat(if(bitTest(hits.other, 61), '', extract(hits.path, '^(/[^/?]+)')), '/[other]'), hits.path) AS path_line,
    if(bitTest(hits.other, 24), concat(if(bitTest(hits.other, 62), '', extract(hits.entry_path, '^(/[^/?]+)')), '/[other]'), hits.entry_path) AS entry_path_line,
    if(bitTest(hits.other, 17), '[other]', hits.channel) AS channel_line,
    if(bitTest(hits.other, 18), '[other]', hits.source) AS source_line,
    if(bitTest(hits.other, 10), '[other]', hits.country) AS country_line,
    if(bitTest(hits.other, 11), '[other]', hits.region) AS region_line,
    if(bitTest(hits.other, 12), '[other]', hits.browser) AS browser_line,
    if(bitTest(hits.other, 13), '[other]', hits.browser_version) AS browser_version_line,
    if(bitTest(hits.other, 14), '[other]', hits.os) AS os_line,
    if(bitTest(hits.other, 15), '[other]', hits.device) AS device_line,
    if(bitTest(hits.other, 16), '[other]', hits.language) AS language_line,
    if(bitTest(hits.other, 7), '[other]', hits.name) AS name_line,
    multiIf(kind IN ('pageview', 'ping'), '', kind = 'event' AND match(name, '^[45][0-9][0-9] / /([^/]|$)'), 'missing', toString(kind)) AS action,
    if(action = 'missing', '', previous_path_line) AS left_page,
    multiIf(action = 'search', multiIf(hits.value > 0, 'some', hits.value = 0, 'none', ''), action = 'missing', previous_path_line, '') AS action_detail,
    multiIf(
        grouping(path_line) = 0, ('page', toString(path_line), ''),
        grouping(entry_path_line) = 0, ('entry', toString(entry_path_line), ''),
        grouping(channel_line) = 0, ('source', toString(channel_line), toString(source_line)),
        grouping(country_line) = 0, ('region', toString(country_line), toString(region_line)),
        grouping(browser_line) = 0, ('version', toString(browser_line), toString(browser_version_line)),
        grouping(os_line) = 0, ('os', toString(os_line), ''),
        grouping(device_line) = 0, ('device', toString(device_line), ''),
        grouping(language_line) = 0, ('language', toString(language_line), ''),
        grouping(left_page) = 0, ('left', toString(left_page), ''),
        grouping(action) = 0, (action, toString(name_line), action_detail),
        ('total', '', '')
    ) AS line
SELECT
    site, day,
    line.1 AS dimension, line.2 AS value, line.3 AS detail,
    toInt64(sum(hits.visitors)) AS visitors,
    toInt64(sum(hits.visits)) AS visits,
    toInt64(sum(hits.pageviews)) AS pageviews,
    toInt64(sum(hits.page_visitors)) AS page_visitors,
    toInt64(sum(hits.section_visitors)) AS section_visitors,
    toInt64(sum(hits.bounces)) AS bounces,
    toInt64(sum(hits.seconds)) AS seconds,
    toInt64(sum(kind IN ('event', 'outlink', 'download', 'search'))) AS events,
    toInt64(sum(hits.conversions)) AS conversions
FROM hits
GROUP BY GROUPING SETS (
    (site, day, path_line),
    (site, day, entry_path_line),
    (site, day, channel_line, source_line),
    (site, day, country_line, region_line),
    (site, day, browser_line, browser_version_line),
    (site, day, os_line),
    (site, day, device_line),
    (site, day, language_line),
    (site, day, left_page),
    (site, day, action, name_line, action_detail),
    (site, day)
)
HAVING (grouping(action) = 1 OR action != '');

CREATE TABLE IF NOT EXISTS monthly
(
    site UInt32 CODEC(ZSTD(1)),
    month Date CODEC(Delta(2), ZSTD(1)),
    dimension LowCardinality(String) CODEC(ZSTD(1)),
    value LowCardinality(String) CODEC(ZSTD(1)),
    detail LowCardinality(String) CODEC(ZSTD(1)),
    visitors Int64 CODEC(T64, ZSTD(1)),
    visits Int64 CODEC(T64, ZSTD(1)),
    pageviews Int64 CODEC(T64, ZSTD(1)),
    page_visitors Int64 CODEC(T64, ZSTD(1)),
    section_visitors Int64 CODEC(T64, ZSTD(1)),
    bounces Int64 CODEC(T64, ZSTD(1)),
    seconds Int64 CODEC(T64, ZSTD(1)),
    events Int64 CODEC(T64, ZSTD(1)),
    conversions Int64 CODEC(T64, ZSTD(1))
)
ENGINE = SummingMergeTree
PARTITION BY toYear(month)
ORDER BY (site, dimension, month, value, detail)
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 2592000,
    old_parts_lifetime = 1, cleanup_delay_period = 5, max_cleanup_delay_period = 10,
    min_age_to_force_merge_seconds = 0
COMMENT 'sums of each month by one dimension after the other';

CREATE MATERIALIZED VIEW monthly_view TO monthly AS
SELECT
    site, toStartOfMonth(day) AS month, dimension, value, detail,
    toInt64(sum(daily.visitors)) AS visitors,
    toInt64(sum(daily.visits)) AS visits,
    toInt64(sum(daily.pageviews)) AS pageviews,
    toInt64(sum(daily.page_visitors)) AS page_visitors,
    toInt64(sum(daily.section_visitors)) AS section_visitors,
    toInt64(sum(daily.bounces)) AS bounces,
    toInt64(sum(daily.seconds)) AS seconds,
    toInt64(sum(daily.events)) AS events,
    toInt64(sum(daily.conversions)) AS conversions
FROM daily
GROUP BY site, month, dimension, value, detail;

CREATE TABLE IF NOT EXISTS hourly
(
    site UInt32 CODEC(ZSTD(1)),
    day Date CODEC(Delta(2), ZSTD(1)),
    time DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    visitors Int64 CODEC(T64, ZSTD(1)),
    visits Int64 CODEC(T64, ZSTD(1)),
    pageviews Int64 CODEC(T64, ZSTD(1)),
    page_visitors Int64 CODEC(T64, ZSTD(1)),
    section_visitors Int64 CODEC(T64, ZSTD(1)),
    bounces Int64 CODEC(T64, ZSTD(1)),
    seconds Int64 CODEC(T64, ZSTD(1)),
    events Int64 CODEC(T64, ZSTD(1)),
    conversions Int64 CODEC(T64, ZSTD(1))
)
ENGINE = SummingMergeTree
PARTITION BY toYear(day)
ORDER BY (site, day, time)
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 2592000,
    old_parts_lifetime = 1, cleanup_delay_period = 5, max_cleanup_delay_period = 10,
    min_age_to_force_merge_seconds = 0
COMMENT 'sums of each hour of UTC';

CREATE MATERIALIZED VIEW hourly_view TO hourly AS
SELECT
    site, day, toStartOfHour(hits.time) AS time,
    toInt64(sum(hits.visitors)) AS visitors,
    toInt64(sum(hits.visits)) AS visits,
    toInt64(sum(hits.pageviews)) AS pageviews,
    toInt64(sum(hits.page_visitors)) AS page_visitors,
    toInt64(sum(hits.section_visitors)) AS section_visitors,
    toInt64(sum(hits.bounces)) AS bounces,
    toInt64(sum(hits.seconds)) AS seconds,
    toInt64(sum(kind IN ('event', 'outlink', 'download', 'search'))) AS events,
    toInt64(sum(hits.conversions)) AS conversions
FROM hits
GROUP BY site, day, time;

CREATE TABLE IF NOT EXISTS cube
(
    site UInt32 CODEC(ZSTD(1)),
    day Date CODEC(Delta(2), ZSTD(1)),
    channel LowCardinality(String) CODEC(ZSTD(1)),
    country LowCardinality(String) CODEC(ZSTD(1)),
    browser LowCardinality(String) CODEC(ZSTD(1)),
    os LowCardinality(String) CODEC(ZSTD(1)),
    device LowCardinality(String) CODEC(ZSTD(1)),
    source LowCardinality(String) CODEC(ZSTD(1)),
    campaign LowCardinality(String) CODEC(ZSTD(1)),
    visitors Int64 CODEC(T64, ZSTD(1)),
    visits Int64 CODEC(T64, ZSTD(1)),
    pageviews Int64 CODEC(T64, ZSTD(1)),
    bounces Int64 CODEC(T64, ZSTD(1)),
    seconds Int64 CODEC(T64, ZSTD(1)),
    events Int64 CODEC(T64, ZSTD(1)),
    conversions Int64 CODEC(T64, ZSTD(1))
)
ENGINE = SummingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (site, day, channel, country, browser, os, device, source, campaign)
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 2592000,
    old_parts_lifetime = 1, cleanup_delay_period = 5, max_cleanup_delay_period = 10,
    min_age_to_force_merge_seconds = 0
COMMENT 'sums of each day by what is the same on all hits of a visit';

CREATE MATERIALIZED VIEW cube_view TO cube AS
SELECT
    site, day, if(bitTest(hits.other, 17), '[other]', hits.channel) AS channel, if(bitTest(hits.other, 10), '[other]', hits.country) AS country, if(bitTest(hits.other, 12), '[other]', hits.browser) AS browser, if(bitTest(hits.other, 14), '[other]', hits.os) AS os, if(bitTest(hits.other, 15), '[other]', hits.device) AS device, if(bitTest(hits.other, 18), '[other]', hits.source) AS source, if(bitTest(hits.other, 19), '[other]', hits.campaign) AS campaign,
    toInt64(sum(hits.visitors)) AS visitors,
    toInt64(sum(hits.visits)) AS visits,
    toInt64(sum(hits.pageviews)) AS pageviews,
    toInt64(sum(hits.bounces)) AS bounces,
    toInt64(sum(hits.seconds)) AS seconds,
    toInt64(sum(kind IN ('event', 'outlink', 'download', 'search'))) AS events,
    toInt64(sum(hits.conversions)) AS conversions
FROM hits
GROUP BY site, day, channel, country, browser, os, device, source, campaign;

CREATE TABLE IF NOT EXISTS campaigns
(
    site UInt32 CODEC(ZSTD(1)),
    day Date CODEC(Delta(2), ZSTD(1)),
    part LowCardinality(String) CODEC(ZSTD(1)),
    campaign LowCardinality(String) CODEC(ZSTD(1)),
    campaign_source LowCardinality(String) CODEC(ZSTD(1)),
    campaign_medium LowCardinality(String) CODEC(ZSTD(1)),
    campaign_term LowCardinality(String) CODEC(ZSTD(1)),
    campaign_content LowCardinality(String) CODEC(ZSTD(1)),
    visits Int64 CODEC(T64, ZSTD(1)),
    pageviews Int64 CODEC(T64, ZSTD(1)),
    bounces Int64 CODEC(T64, ZSTD(1)),
    seconds Int64 CODEC(T64, ZSTD(1)),
    events Int64 CODEC(T64, ZSTD(1)),
    conversions Int64 CODEC(T64, ZSTD(1))
)
ENGINE = SummingMergeTree
PARTITION BY toYear(day)
ORDER BY (site, part, day, campaign, campaign_source, campaign_medium, campaign_term, campaign_content)
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 2592000,
    old_parts_lifetime = 1, cleanup_delay_period = 5, max_cleanup_delay_period = 10,
    min_age_to_force_merge_seconds = 0
COMMENT 'sums of each day by each part that a campaign names, and by all of them';

CREATE MATERIALIZED VIEW campaigns_view TO campaigns AS
WITH
    if(bitTest(hits.other, 19), '[other]', hits.campaign) AS campaign_line,
    if(bitTest(hits.other, 59) AND hits.campaign_source != '', '[other]', if(bitTest(hits.other, 20), '[other]', hits.campaign_source)) AS campaign_source_among,
    if(bitTest(hits.other, 20), '[other]', hits.campaign_source) AS campaign_source_line,
    if(bitTest(hits.other, 59) AND hits.campaign_medium != '', '[other]', if(bitTest(hits.other, 21), '[other]', hits.campaign_medium)) AS campaign_medium_among,
    if(bitTest(hits.other, 21), '[other]', hits.campaign_medium) AS campaign_medium_line,
    if(bitTest(hits.other, 59) AND hits.campaign_term != '', '[other]', if(bitTest(hits.other, 22), '[other]', hits.campaign_term)) AS campaign_term_among,
    if(bitTest(hits.other, 22), '[other]', hits.campaign_term) AS campaign_term_line,
    if(bitTest(hits.other, 59) AND hits.campaign_content != '', '[other]', if(bitTest(hits.other, 23), '[other]', hits.campaign_content)) AS campaign_content_among,
    if(bitTest(hits.other, 23), '[other]', hits.campaign_content) AS campaign_content_line
SELECT
    site, day,
    multiIf(grouping(campaign_source_among) = 0, 'all', grouping(campaign_line) = 0, 'campaign', grouping(campaign_source_line) = 0, 'campaign_source', grouping(campaign_medium_line) = 0, 'campaign_medium', grouping(campaign_term_line) = 0, 'campaign_term', grouping(campaign_content_line) = 0, 'campaign_content', '') AS part,
    toString(campaign_line) AS campaign,
    toString(if(grouping(campaign_source_among) = 0, campaign_source_among, campaign_source_line)) AS campaign_source,
    toString(if(grouping(campaign_medium_among) = 0, campaign_medium_among, campaign_medium_line)) AS campaign_medium,
    toString(if(grouping(campaign_term_among) = 0, campaign_term_among, campaign_term_line)) AS campaign_term,
    toString(if(grouping(campaign_content_among) = 0, campaign_content_among, campaign_content_line)) AS campaign_content,
    toInt64(sum(hits.visits)) AS visits,
    toInt64(sum(hits.pageviews)) AS pageviews,
    toInt64(sum(hits.bounces)) AS bounces,
    toInt64(sum(hits.seconds)) AS seconds,
    toInt64(sum(kind IN ('event', 'outlink', 'download', 'search'))) AS events,
    toInt64(sum(hits.conversions)) AS conversions
FROM hits
WHERE hits.campaign != '' OR hits.campaign_source != '' OR hits.campaign_medium != '' OR hits.campaign_term != '' OR hits.campaign_content != ''
GROUP BY GROUPING SETS (
    (site, day, campaign_line, campaign_source_among, campaign_medium_among, campaign_term_among, campaign_content_among),
    (site, day, campaign_line),
    (site, day, campaign_source_line),
    (site, day, campaign_medium_line),
    (site, day, campaign_term_line),
    (site, day, campaign_content_line)
)
HAVING campaign != '' OR campaign_source != '' OR campaign_medium != '' OR campaign_term != '' OR campaign_content != '';

CREATE TABLE IF NOT EXISTS moves
(
    site UInt32 CODEC(ZSTD(1)),
    day Date CODEC(Delta(2), ZSTD(1)),
    previous_path LowCardinality(String) CODEC(ZSTD(1)),
    path LowCardinality(String) CODEC(ZSTD(1)),
    pageviews Int64 CODEC(T64, ZSTD(1))
)
ENGINE = SummingMergeTree
PARTITION BY toYear(day)
ORDER BY (site, day, previous_path, path)
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 2592000,
    old_parts_lifetime = 1, cleanup_delay_period = 5, max_cleanup_delay_period = 10,
    min_age_to_force_merge_seconds = 0
COMMENT 'page views of each day by the page and the one before it';

CREATE MATERIALIZED VIEW moves_view TO moves AS
SELECT
    site, day, if(bitTest(hits.other, 60), '/[other]', if(bitTest(hits.other, 25), concat(if(bitTest(hits.other, 63), '', extract(hits.previous_path, '^(/[^/?]+)')), '/[other]'), hits.previous_path)) AS previous_path, if(bitTest(hits.other, 5), concat(if(bitTest(hits.other, 61), '', extract(hits.path, '^(/[^/?]+)')), '/[other]'), hits.path) AS path,
    toInt64(sum(hits.pageviews)) AS pageviews
FROM hits
WHERE kind = 'pageview' AND previous_path != ''
GROUP BY site, day, previous_path, path;
