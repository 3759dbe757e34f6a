-- The migrations that were applied to this store, each when it was done as a whole. By
-- them a program knows a store of another version.
CREATE TABLE IF NOT EXISTS migrations
(
    name    String COMMENT 'file of the migration',
    applied DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(applied)
ORDER BY name;
