-- Generated from hit.Fields by go run ./generate.
-- The raw rows. One hit is one row; nothing in it says who came.
-- The sorting key has nothing that ages or may be erased: such columns are changed by
-- mutations, which can not change a key. Replaced parts leave the disk within seconds
-- instead of eight minutes, because deleted rows must be gone, not hidden.
CREATE TABLE IF NOT EXISTS hits
(
    site             UInt32                 COMMENT 'site id' CODEC(ZSTD(1)),
    time             DateTime('UTC')        COMMENT 'when, to the second' CODEC(Delta(4), ZSTD(1)),
    day              Date                   COMMENT 'the day of time in the time zone of the site' CODEC(Delta(2), ZSTD(1)),
    kind             LowCardinality(String) COMMENT 'pageview, event, outlink, download, search, goal or ping' CODEC(ZSTD(1)),
    path             LowCardinality(String) COMMENT 'path of the page' CODEC(ZSTD(1)),
    host             LowCardinality(String) COMMENT 'host of the page' CODEC(ZSTD(1)),
    name             String                 COMMENT 'name of the event or goal, search term, target of the link' CODEC(ZSTD(1)),
    value            Float64                COMMENT 'value of the event, number of search results' CODEC(ZSTD(1)),
    network          LowCardinality(String) COMMENT 'region-level network of the address' CODEC(ZSTD(1)),
    country          LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2' CODEC(ZSTD(1)),
    region           LowCardinality(String) COMMENT 'ISO 3166-2 code of the first subdivision of the country' CODEC(ZSTD(1)),
    browser          LowCardinality(String) COMMENT 'name of the browser' CODEC(ZSTD(1)),
    browser_version  LowCardinality(String) COMMENT 'major version' CODEC(ZSTD(1)),
    os               LowCardinality(String) COMMENT 'family of operating systems' CODEC(ZSTD(1)),
    device           LowCardinality(String) COMMENT 'desktop, mobile, tablet or other' CODEC(ZSTD(1)),
    language         LowCardinality(String) COMMENT 'primary subtag of the first accepted language' CODEC(ZSTD(1)),
    channel          LowCardinality(String) COMMENT 'how the visit came: direct, search, social, ai, website, campaign or email' CODEC(ZSTD(1)),
    source           LowCardinality(String) COMMENT 'where the visit came from' CODEC(ZSTD(1)),
    campaign         LowCardinality(String) COMMENT 'campaign that the visit came from' CODEC(ZSTD(1)),
    campaign_source  LowCardinality(String) COMMENT 'source that the campaign names' CODEC(ZSTD(1)),
    campaign_medium  LowCardinality(String) COMMENT 'medium that the campaign names' CODEC(ZSTD(1)),
    campaign_term    LowCardinality(String) COMMENT 'search term that the campaign names' CODEC(ZSTD(1)),
    campaign_content LowCardinality(String) COMMENT 'variant that the campaign names' CODEC(ZSTD(1)),
    entry_path       LowCardinality(String) COMMENT 'first page of the visit' CODEC(ZSTD(1)),
    previous_path    LowCardinality(String) COMMENT 'page before this hit in the visit' CODEC(ZSTD(1)),
    pageviews        Int32                  COMMENT '1 on a page view' CODEC(T64, ZSTD(1)),
    visits           Int32                  COMMENT '1 on the first hit of a visit' CODEC(T64, ZSTD(1)),
    visitors         Int32                  COMMENT '1 on the first hit of a visitor that day' CODEC(T64, ZSTD(1)),
    page_visitors    Int32                  COMMENT '1 on the first view of this page by a visitor that day' CODEC(T64, ZSTD(1)),
    section_visitors Int32                  COMMENT '1 on the first view of a page of this section by a visitor that day' CODEC(T64, ZSTD(1)),
    bounces          Int32                  COMMENT '+1 on the first page view of a visit, -1 on the second interaction' CODEC(T64, ZSTD(1)),
    seconds          Int32                  COMMENT 'since the previous hit of the visit' CODEC(T64, ZSTD(1)),
    conversions      Int32                  COMMENT '1 on the first reaching of a goal in a visit' CODEC(T64, ZSTD(1)),
    other            UInt64                 COMMENT 'which values have no line in the rollups: bit n is the field with number n' CODEC(T64, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (site, day, channel, country, browser, os, device)
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 2592000,
    min_bytes_for_wide_part = 16777216,
    old_parts_lifetime = 1, cleanup_delay_period = 5, max_cleanup_delay_period = 10,
    min_age_to_force_merge_seconds = 0;
