-- The ledger: hits that are excluded from every figure, by the reason. General information
-- about traffic, without time of day, page, network, browser or region, and kept as long
-- as the rollups. No view fills it: these hits are no raw rows. Each insert has a token
-- derived from that of its rows. Replaced parts leave the disk within seconds.
CREATE TABLE IF NOT EXISTS ledger
(
    site   UInt32                 COMMENT 'site id' CODEC(ZSTD(1)),
    day    Date                   COMMENT 'in the time zone of the site' CODEC(Delta(2), ZSTD(1)),
    reason LowCardinality(String) COMMENT 'why they are excluded, as in fotspor_hits_dropped_total' CODEC(ZSTD(1)),
    rule   LowCardinality(String) COMMENT 'which rule told a bot' CODEC(ZSTD(1)),
    name   LowCardinality(String) COMMENT 'of a bot, or a host that is not the site\'s; empty: none' CODEC(ZSTD(1)),
    hits   Int64                  COMMENT 'how many' CODEC(T64, ZSTD(1))
)
ENGINE = SummingMergeTree
PARTITION BY toYear(day)
ORDER BY (site, day, reason, rule, name)
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 2592000,
    old_parts_lifetime = 1, cleanup_delay_period = 5, max_cleanup_delay_period = 10,
    min_age_to_force_merge_seconds = 0;
