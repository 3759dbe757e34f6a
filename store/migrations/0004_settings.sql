-- What a site says of its own counting. Rows from before have the defaults, which
-- are what was done then: no parameter kept, no path left out, the program's policy.
ALTER TABLE sites
    ADD COLUMN IF NOT EXISTS parameters Array(String) COMMENT 'query parameters that are part of a page',
    ADD COLUMN IF NOT EXISTS excluded   Array(String) COMMENT 'patterns of paths that are not counted',
    ADD COLUMN IF NOT EXISTS record     LowCardinality(String) COMMENT 'minimal, standard, or empty for what the policy says';
