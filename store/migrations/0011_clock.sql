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
