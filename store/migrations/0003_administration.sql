-- Sites and users. Each change is a new row; the newest counts.
CREATE TABLE IF NOT EXISTS sites
(
    id       UInt32,
    name     String,
    hosts    Array(String) COMMENT 'the first is the main one',
    timezone String        COMMENT 'IANA name',
    updated  DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(updated)
ORDER BY id;

CREATE TABLE IF NOT EXISTS users
(
    name     String,
    role     LowCardinality(String) COMMENT 'admin or viewer',
    password String                 COMMENT 'argon2id, in PHC string format',
    updated  DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(updated)
ORDER BY name;
