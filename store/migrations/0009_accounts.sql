-- What a user may see, and the generation of what was decided about the user: a session
-- holds the generation in which it began, and ends with it. A removed user is a row too,
-- without a password. The program merges the parts after such a change, and those that
-- were replaced leave the disk within seconds.
ALTER TABLE users
    ADD COLUMN IF NOT EXISTS restricted UInt8         COMMENT '1: a viewer sees the sites named and no others',
    ADD COLUMN IF NOT EXISTS sites      Array(UInt32),
    ADD COLUMN IF NOT EXISTS generation String        COMMENT 'random, new with each password, role, list of sites and removal',
    ADD COLUMN IF NOT EXISTS removed    UInt8;
ALTER TABLE users MODIFY SETTING old_parts_lifetime = 5, cleanup_delay_period = 5, max_cleanup_delay_period = 10;
ALTER TABLE tokens MODIFY SETTING old_parts_lifetime = 5, cleanup_delay_period = 5, max_cleanup_delay_period = 10;

-- Log-ins. The row with the highest version counts. Requests move seen and count the
-- version up, and a log-out takes the highest version there is, so no request that is
-- under way opens a session again.
CREATE TABLE IF NOT EXISTS logins
(
    id         String         COMMENT 'SHA-256 of the cookie, in hex',
    user       String,
    generation String         COMMENT 'of the user, when the password was checked',
    created    DateTime('UTC'),
    seen       DateTime('UTC') COMMENT 'the last request, to the minute',
    expires    DateTime('UTC'),
    ended      UInt8,
    version    UInt64,
    updated    DateTime('UTC') DEFAULT now() COMMENT 'by the clock of the store'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY id
TTL updated + INTERVAL 2 DAY;

-- Who did what. Lines are only added; the retention worker deletes old ones. Replaced
-- parts leave the disk within seconds, as those of hits do.
CREATE TABLE IF NOT EXISTS audit
(
    time   DateTime('UTC'),
    via    LowCardinality(String) COMMENT 'page, command or program',
    who    String                 COMMENT 'name of the user, account of the system, or unknown',
    action LowCardinality(String),
    about  String                 COMMENT 'what was changed; never what was typed',
    count  UInt32                 COMMENT 'how many times within the minute'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(time)
ORDER BY time
SETTINGS old_parts_lifetime = 5, cleanup_delay_period = 5, max_cleanup_delay_period = 10;
