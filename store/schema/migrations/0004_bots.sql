-- The bot ledger: hits that were left out because nobody was reading, by the rule
-- that told them and the name that the bot gives itself. General information about
-- traffic, without any address, and kept as long as the rollups. No view fills it:
-- these hits are no raw rows. Each insert has a token of its own.
CREATE TABLE IF NOT EXISTS bots
(
    site UInt32                 CODEC(ZSTD(1)),
    day  Date                   COMMENT 'in the time zone of the site' CODEC(Delta(2), ZSTD(1)),
    rule LowCardinality(String) COMMENT 'what told the bot' CODEC(ZSTD(1)),
    name LowCardinality(String) COMMENT 'of the bot, empty if it gives none' CODEC(ZSTD(1)),
    hits Int64                  CODEC(T64, ZSTD(1))
)
ENGINE = SummingMergeTree
PARTITION BY toYear(day)
ORDER BY (site, day, rule, name)
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 2592000;
