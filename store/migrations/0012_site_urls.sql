-- How a site reads its addresses. A site from before has the defaults: paths as they come,
-- the referrers that the program knows to be none, and no search by address.
ALTER TABLE sites
    ADD COLUMN IF NOT EXISTS strip_slash       Bool          COMMENT 'a slash at the end of a path is dropped',
    ADD COLUMN IF NOT EXISTS ignored_referrers Array(String) COMMENT 'hosts that are no source, such as log-in and payment; empty: default',
    ADD COLUMN IF NOT EXISTS search_parameters Array(String) COMMENT 'query parameters that hold what was searched for',
    ADD COLUMN IF NOT EXISTS search_categories Array(String) COMMENT 'query parameters that hold the category of a search',
    ADD COLUMN IF NOT EXISTS search_counts     Array(String) COMMENT 'query parameters that hold the number of its results';
