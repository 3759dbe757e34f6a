-- Sites, users and log-ins. Each change is a new row; the newest counts. So a
-- log-out must outlive the log-in that it ends: sessions leave by when they were
-- last changed, not by when they expire.
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

CREATE TABLE IF NOT EXISTS sessions
(
    id      String                 COMMENT 'SHA-256 of the cookie, in hex',
    user    String,
    expires DateTime('UTC')        COMMENT 'the epoch once logged out',
    updated DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(updated)
ORDER BY id
TTL toDateTime(updated) + INTERVAL 90 DAY;
