-- General information about traffic: sums without any address, kept when the raw
-- rows are gone. Each is filled by the same insert as the raw rows, under the
-- same deduplication token. A day that is cut by a time zone of half an hour
-- shares an hour with its neighbour, so the day is part of the hourly key.
CREATE TABLE IF NOT EXISTS hourly
(
    site          UInt32          CODEC(ZSTD(1)),
    day           Date            CODEC(Delta(2), ZSTD(1)),
    hour          DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    pageviews     Int64           CODEC(T64, ZSTD(1)),
    visits        Int64           CODEC(T64, ZSTD(1)),
    visitors      Int64           CODEC(T64, ZSTD(1)),
    page_visitors Int64           CODEC(T64, ZSTD(1)),
    bounces       Int64           CODEC(T64, ZSTD(1)),
    seconds       Int64           CODEC(T64, ZSTD(1)),
    events        Int64           COMMENT 'interactions that are not page views' CODEC(T64, ZSTD(1))
)
ENGINE = SummingMergeTree
PARTITION BY toYear(day)
ORDER BY (site, day, hour)
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 2592000;

CREATE MATERIALIZED VIEW hourly_view TO hourly AS
SELECT
    site, day, toStartOfHour(time) AS hour,
    sum(toInt64(hits.pageviews))     AS pageviews,
    sum(toInt64(hits.visits))        AS visits,
    sum(toInt64(hits.visitors))      AS visitors,
    sum(toInt64(hits.page_visitors)) AS page_visitors,
    sum(toInt64(hits.bounces))       AS bounces,
    sum(toInt64(hits.seconds))       AS seconds,
    toInt64(countIf(kind NOT IN ('pageview', 'ping'))) AS events
FROM hits
GROUP BY site, day, hour;

-- One line per day, dimension, value and detail. The detail refines the value:
-- a version of a browser, a region of a country, a source of a channel.
CREATE TABLE IF NOT EXISTS daily
(
    site          UInt32                 CODEC(ZSTD(1)),
    day           Date                   CODEC(Delta(2), ZSTD(1)),
    dimension     LowCardinality(String) CODEC(ZSTD(1)),
    value         LowCardinality(String) CODEC(ZSTD(1)),
    detail        LowCardinality(String) CODEC(ZSTD(1)),
    pageviews     Int64                  CODEC(T64, ZSTD(1)),
    visits        Int64                  CODEC(T64, ZSTD(1)),
    visitors      Int64                  CODEC(T64, ZSTD(1)),
    page_visitors Int64                  CODEC(T64, ZSTD(1)),
    bounces       Int64                  CODEC(T64, ZSTD(1)),
    seconds       Int64                  CODEC(T64, ZSTD(1)),
    events        Int64                  CODEC(T64, ZSTD(1))
)
ENGINE = SummingMergeTree
PARTITION BY toYear(day)
ORDER BY (site, dimension, day, value, detail)
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 2592000;

-- Each grouping set is a dimension, and adds the hits up by its own columns only.
CREATE MATERIALIZED VIEW daily_view TO daily AS
WITH multiIf(
    grouping(entry_path) = 0, ('entry', entry_path, ''),
    grouping(channel) = 0,    ('channel', toString(channel), toString(source)),
    grouping(country) = 0,    ('country', toString(country), toString(region)),
    grouping(browser) = 0,    ('browser', toString(browser), toString(browser_version)),
    grouping(os) = 0,         ('os', toString(os), ''),
    grouping(device) = 0,     ('device', toString(device), ''),
    grouping(language) = 0,   ('language', toString(language), ''),
    grouping(path) = 0,       ('page', path, ''),
    grouping(name) = 0,       ('event', toString(kind), name),
    grouping(campaign) = 0,   ('campaign', toString(campaign), toString(campaign_source)),
    ('total', '', '')
) AS line
SELECT
    site, day,
    line.1 AS dimension, line.2 AS value, line.3 AS detail,
    sum(hits.pageviews)     AS pageviews,
    sum(hits.visits)        AS visits,
    sum(hits.visitors)      AS visitors,
    sum(hits.page_visitors) AS page_visitors,
    sum(hits.bounces)       AS bounces,
    sum(hits.seconds)       AS seconds,
    toInt64(countIf(kind NOT IN ('pageview', 'ping'))) AS events
FROM hits
GROUP BY GROUPING SETS (
    (site, day),
    (site, day, entry_path),
    (site, day, channel, source),
    (site, day, country, region),
    (site, day, browser, browser_version),
    (site, day, os),
    (site, day, device),
    (site, day, language),
    (site, day, kind, path),
    (site, day, kind, name),
    (site, day, campaign, campaign_source)
)
-- kind is empty where it is no key
HAVING (grouping(path) = 1 OR kind = 'pageview')
    AND (grouping(name) = 1 OR kind NOT IN ('pageview', 'ping'))
    AND (grouping(campaign) = 1 OR campaign != '');

CREATE TABLE IF NOT EXISTS monthly
(
    site          UInt32                 CODEC(ZSTD(1)),
    month         Date                   CODEC(Delta(2), ZSTD(1)),
    dimension     LowCardinality(String) CODEC(ZSTD(1)),
    value         LowCardinality(String) CODEC(ZSTD(1)),
    detail        LowCardinality(String) CODEC(ZSTD(1)),
    pageviews     Int64                  CODEC(T64, ZSTD(1)),
    visits        Int64                  CODEC(T64, ZSTD(1)),
    visitors      Int64                  CODEC(T64, ZSTD(1)),
    page_visitors Int64                  CODEC(T64, ZSTD(1)),
    bounces       Int64                  CODEC(T64, ZSTD(1)),
    seconds       Int64                  CODEC(T64, ZSTD(1)),
    events        Int64                  CODEC(T64, ZSTD(1))
)
ENGINE = SummingMergeTree
PARTITION BY toYear(month)
ORDER BY (site, dimension, month, value, detail)
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 2592000;

-- Adds up the lines that the daily view makes, which are few, instead of the hits once
-- more. An insert that is sent again comes here even if the daily table has its lines.
CREATE MATERIALIZED VIEW monthly_view TO monthly AS
SELECT
    site, toStartOfMonth(day) AS month,
    dimension, value, detail,
    sum(daily.pageviews)     AS pageviews,
    sum(daily.visits)        AS visits,
    sum(daily.visitors)      AS visitors,
    sum(daily.page_visitors) AS page_visitors,
    sum(daily.bounces)       AS bounces,
    sum(daily.seconds)       AS seconds,
    sum(daily.events)        AS events
FROM daily
GROUP BY site, month, dimension, value, detail;
