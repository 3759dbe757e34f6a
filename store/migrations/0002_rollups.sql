-- General information about traffic: sums without any address, kept when the raw
-- rows are gone. Each is filled by the same insert as the raw rows, under the
-- same deduplication token. A day that is cut by a time zone of half an hour
-- shares an hour with its neighbour, so the day is part of the hourly key.
CREATE TABLE IF NOT EXISTS hourly
(
    site          UInt32,
    day           Date,
    hour          DateTime('UTC'),
    pageviews     Int64,
    visits        Int64,
    visitors      Int64,
    page_visitors Int64,
    bounces       Int64,
    seconds       Int64,
    events        Int64 COMMENT 'interactions that are not page views'
)
ENGINE = SummingMergeTree
PARTITION BY toYear(day)
ORDER BY (site, day, hour)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS hourly_view TO hourly AS
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
    site          UInt32,
    day           Date,
    dimension     LowCardinality(String),
    value         String,
    detail        String,
    pageviews     Int64,
    visits        Int64,
    visitors      Int64,
    page_visitors Int64,
    bounces       Int64,
    seconds       Int64,
    events        Int64
)
ENGINE = SummingMergeTree
PARTITION BY toYear(day)
ORDER BY (site, dimension, day, value, detail)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS daily_view TO daily AS
SELECT
    site, day,
    line.1 AS dimension, line.2 AS value, line.3 AS detail,
    sum(toInt64(hits.pageviews))     AS pageviews,
    sum(toInt64(hits.visits))        AS visits,
    sum(toInt64(hits.visitors))      AS visitors,
    sum(toInt64(hits.page_visitors)) AS page_visitors,
    sum(toInt64(hits.bounces))       AS bounces,
    sum(toInt64(hits.seconds))       AS seconds,
    toInt64(countIf(kind NOT IN ('pageview', 'ping'))) AS events
FROM hits
ARRAY JOIN arrayConcat(
    [
        ('total', '', ''),
        ('entry', entry_path, ''),
        ('channel', toString(channel), toString(source)),
        ('country', toString(country), toString(region)),
        ('browser', toString(browser), toString(browser_version)),
        ('os', toString(os), ''),
        ('device', toString(device), ''),
        ('language', toString(language), '')
    ],
    if(kind = 'pageview', [('page', path, '')], []),
    if(kind IN ('pageview', 'ping'), [], [('event', toString(kind), name)]),
    if(campaign = '', [], [('campaign', toString(campaign), toString(campaign_source))])
) AS line
GROUP BY site, day, dimension, value, detail;

CREATE TABLE IF NOT EXISTS monthly
(
    site          UInt32,
    month         Date,
    dimension     LowCardinality(String),
    value         String,
    detail        String,
    pageviews     Int64,
    visits        Int64,
    visitors      Int64,
    page_visitors Int64,
    bounces       Int64,
    seconds       Int64,
    events        Int64
)
ENGINE = SummingMergeTree
PARTITION BY toYear(month)
ORDER BY (site, dimension, month, value, detail)
SETTINGS non_replicated_deduplication_window = 10000;

-- Reads the same rows as the daily view, not the daily table: a view on a view's
-- target would need its own deduplication to be proven as well.
CREATE MATERIALIZED VIEW IF NOT EXISTS monthly_view TO monthly AS
SELECT
    site, toStartOfMonth(day) AS month,
    line.1 AS dimension, line.2 AS value, line.3 AS detail,
    sum(toInt64(hits.pageviews))     AS pageviews,
    sum(toInt64(hits.visits))        AS visits,
    sum(toInt64(hits.visitors))      AS visitors,
    sum(toInt64(hits.page_visitors)) AS page_visitors,
    sum(toInt64(hits.bounces))       AS bounces,
    sum(toInt64(hits.seconds))       AS seconds,
    toInt64(countIf(kind NOT IN ('pageview', 'ping'))) AS events
FROM hits
ARRAY JOIN arrayConcat(
    [
        ('total', '', ''),
        ('entry', entry_path, ''),
        ('channel', toString(channel), toString(source)),
        ('country', toString(country), toString(region)),
        ('browser', toString(browser), toString(browser_version)),
        ('os', toString(os), ''),
        ('device', toString(device), ''),
        ('language', toString(language), '')
    ],
    if(kind = 'pageview', [('page', path, '')], []),
    if(kind IN ('pageview', 'ping'), [], [('event', toString(kind), name)]),
    if(campaign = '', [], [('campaign', toString(campaign), toString(campaign_source))])
) AS line
GROUP BY site, month, dimension, value, detail;
