-- The policy: what is recorded, and for how long. Each line is the whole policy as it is from
-- then on. Lines are only added: the one with the highest number is in force.
CREATE TABLE IF NOT EXISTS policy
(
    number UInt64                 COMMENT 'counted from 1',
    value  String                 COMMENT 'JSON: all values by name',
    since  DateTime64(6, 'UTC')   COMMENT 'from when it is in force',
    via    LowCardinality(String) COMMENT 'how it was set: page, command or program',
    who    String                 COMMENT 'name of the user, account of the system, or empty for the program'
)
ENGINE = MergeTree
ORDER BY number;

-- The processes that run on this store, and which values of the policy they were started
-- with: before a change a person sees which of them would not start again.
CREATE TABLE IF NOT EXISTS processes
(
    name String          COMMENT 'host, parts and data directory',
    told String          COMMENT 'JSON: values of the policy by name',
    seen DateTime('UTC') COMMENT 'when it last ran, to the hour'
)
ENGINE = ReplacingMergeTree(seen)
ORDER BY name
TTL seen + INTERVAL 30 DAY;
