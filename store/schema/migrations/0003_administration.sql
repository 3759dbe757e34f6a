-- Sites. Each change is a new row; the newest counts. The program merges the parts after a
-- change, and names that were replaced leave the disk within seconds.
CREATE TABLE IF NOT EXISTS sites
(
    id                UInt32,
    name              String,
    hosts             Array(String)          COMMENT 'the first is the main one',
    timezone          String                 COMMENT 'IANA name',
    parameters        Array(String)          COMMENT 'query parameters that are part of a page',
    excluded          Array(String)          COMMENT 'patterns of paths that are not counted',
    networks          Array(String)          COMMENT 'networks that are not counted, of 256 addresses or more each',
    path_rules        Array(String)          COMMENT 'what of a path is marked, such as /u/*',
    record            LowCardinality(String) COMMENT 'minimal, standard, or empty for what the policy says',
    strip_slash       Bool                   COMMENT 'a slash at the end of a path is dropped',
    ignored_referrers Array(String)          COMMENT 'hosts that are no source, such as log-in and payment; empty: default',
    search_parameters Array(String)          COMMENT 'query parameters that hold what was searched for',
    search_categories Array(String)          COMMENT 'query parameters that hold the category of a search',
    search_counts     Array(String)          COMMENT 'query parameters that hold the number of its results',
    tags              Array(String)          COMMENT 'folders of the list of sites',
    school_weeks      String                 COMMENT 'weeks without school in winter and autumn, such as 8,40; empty: not known',
    updated           DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(updated)
ORDER BY id
SETTINGS old_parts_lifetime = 1, cleanup_delay_period = 5, max_cleanup_delay_period = 10;

-- Users. A removed user is a row too, without a password. A session holds the generation
-- in which it began, and ends with it. The program merges the parts after a change, and
-- those that were replaced leave the disk within seconds.
CREATE TABLE IF NOT EXISTS users
(
    name       String,
    role       LowCardinality(String) COMMENT 'admin or viewer',
    password   String                 COMMENT 'argon2id, in PHC string format',
    restricted UInt8                  COMMENT '1: a viewer sees the sites named and no others',
    sites      Array(UInt32),
    generation String                 COMMENT 'random, new with each password, role, list of sites and removal',
    removed    UInt8,
    updated    DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(updated)
ORDER BY name
SETTINGS old_parts_lifetime = 1, cleanup_delay_period = 5, max_cleanup_delay_period = 10;

-- Credentials of senders that are trusted with a visitor's address and time. As with
-- sites and users each change is a new row and the newest counts, so removing a
-- credential is a row as well: its mark is what is left of it once parts merge.
CREATE TABLE IF NOT EXISTS credentials
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
ORDER BY id
SETTINGS old_parts_lifetime = 1, cleanup_delay_period = 5, max_cleanup_delay_period = 10;

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
SETTINGS old_parts_lifetime = 1, cleanup_delay_period = 5, max_cleanup_delay_period = 10;

-- The last time that a deletion could trust, noted every hour: a clock that is far past
-- it is not trusted. It may move back, so a number and not the time says which is last.
CREATE TABLE IF NOT EXISTS clock
(
    id     UInt8 COMMENT 'always 0: there is one note',
    seen   DateTime('UTC'),
    number UInt64
)
ENGINE = ReplacingMergeTree(number)
ORDER BY id;

-- What people have set, with who and since when. Lines are only added: the one with the
-- highest number counts, and those before it are its history. An erasure changes them.
CREATE TABLE IF NOT EXISTS settings
(
    site   UInt32                 COMMENT 'id of the site, 0: the whole installation',
    key    LowCardinality(String) COMMENT 'name of the setting',
    value  String                 COMMENT 'JSON',
    since  DateTime64(6, 'UTC')   COMMENT 'from when it holds',
    who    String                 COMMENT 'name of the user, account of the system, or empty for the program',
    number UInt64                 COMMENT 'of the line, counted up for each site and key'
)
ENGINE = MergeTree
ORDER BY (key, site, number)
SETTINGS old_parts_lifetime = 1, cleanup_delay_period = 5, max_cleanup_delay_period = 10;

-- What people wrote about days of a site. Each change is a new row, and the newest counts; a
-- removed note is a row without its text. The program merges the parts after a change, and
-- texts that were replaced leave the disk within seconds.
CREATE TABLE IF NOT EXISTS notes
(
    site    UInt32,
    id      UInt64          COMMENT 'random',
    first   Date            COMMENT 'first day',
    last    Date            COMMENT 'last day',
    text    String,
    who     String          COMMENT 'name of the user who wrote it last',
    since   DateTime('UTC') COMMENT 'when',
    removed UInt8,
    updated DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(updated)
ORDER BY (site, id)
SETTINGS old_parts_lifetime = 1, cleanup_delay_period = 5, max_cleanup_delay_period = 10;

-- Pages of a site that users saved under a name, with period, filters and columns. Each change
-- is a new row, and the newest counts; a removed view is a row with its id alone. The program
-- merges the parts after a change.
CREATE TABLE IF NOT EXISTS saved_views
(
    site    UInt32,
    id      UInt64          COMMENT 'random',
    name    String,
    owner   String          COMMENT 'name of the user who saved it',
    shared  Bool            COMMENT 'all who see the site see it',
    page    String          COMMENT 'path behind that of the site; empty: the overview',
    query   String          COMMENT 'parameters of the page',
    since   DateTime('UTC') COMMENT 'when it was saved',
    removed UInt8,
    updated DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(updated)
ORDER BY (site, id)
SETTINGS old_parts_lifetime = 1, cleanup_delay_period = 5, max_cleanup_delay_period = 10;

-- Days of which rows were erased because somebody asked for it, without whose, how many or
-- of which page: figures from rows are smaller there than those of the rollups that stay. A
-- line lives as long as the rows of its day.
CREATE TABLE IF NOT EXISTS erased
(
    site UInt32,
    day  Date
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (site, day)
SETTINGS old_parts_lifetime = 1, cleanup_delay_period = 5, max_cleanup_delay_period = 10;

-- Requests of people about their rights: that somebody asked, and when the answer was given.
-- Never who asked or about what. Each change is a new row, and the newest counts; the retention
-- worker deletes those that are over. The program merges the parts after a change.
CREATE TABLE IF NOT EXISTS requests
(
    number   String                 COMMENT 'of the case, in the case system of the organisation',
    kind     LowCardinality(String) COMMENT 'the right that somebody uses',
    received Date                   COMMENT 'when',
    extended Bool                   COMMENT 'by two months, with a reason that the person was told',
    answered Date                   COMMENT 'when, 1970-01-01: not yet',
    who      String                 COMMENT 'name of the user who changed it last',
    updated  DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(updated)
ORDER BY number
SETTINGS old_parts_lifetime = 1, cleanup_delay_period = 5, max_cleanup_delay_period = 10;

-- Receipts of deletions, a chain. Lines are only added. What is signed and what is hashed
-- is kept as the bytes that it was.
CREATE TABLE IF NOT EXISTS receipts
(
    number    UInt64,
    text      String COMMENT 'JSON, signed',
    signature String COMMENT 'Ed25519, of text',
    public    String COMMENT 'the key to verify it with',
    figures   String COMMENT 'JSON, of which text has the hash'
)
ENGINE = MergeTree
ORDER BY number;
