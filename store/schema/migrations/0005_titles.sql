-- Titles of pages, as so many visitors of a day have seen them that they are kept. No row of
-- a visitor has one, and no line here has a time of day. Of each page the newest line counts:
-- that of the last day, and of a day that of most visitors. Each insert has a token derived
-- from that of its rows. Replaced parts leave the disk within seconds, as those of hits do.
CREATE TABLE IF NOT EXISTS titles
(
    site     UInt32 COMMENT 'site id' CODEC(ZSTD(1)),
    path     String COMMENT 'path of the page' CODEC(ZSTD(1)),
    title    String COMMENT 'without personal data' CODEC(ZSTD(1)),
    day      Date   COMMENT 'the last on which visitors saw it, in the time zone of the site' CODEC(ZSTD(1)),
    visitors UInt8  COMMENT 'how many they were on that day when it was kept, at the least' CODEC(ZSTD(1)),
    version  UInt32 MATERIALIZED toUInt32(day) * 256 + visitors CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (site, path)
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 2592000,
    old_parts_lifetime = 1, cleanup_delay_period = 5, max_cleanup_delay_period = 10,
    min_age_to_force_merge_seconds = 0;
