-- Tokens of senders that are trusted with a visitor's address and time. As with
-- sites and users each change is a new row and the newest counts, so removing a
-- token is a row as well: its mark is what is left of it once parts merge.
CREATE TABLE IF NOT EXISTS tokens
(
    id      String,
    name    String,
    hash    String                 COMMENT 'SHA-256 of the secret, in hex',
    sites   Array(UInt32)          COMMENT 'empty: all sites',
    created DateTime('UTC'),
    removed UInt8                  COMMENT '1 once removed',
    updated DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(updated)
ORDER BY id;
