-- Rules of a site's owner for paths that may name a person. A site from before has none.
ALTER TABLE sites ADD COLUMN IF NOT EXISTS path_rules Array(String) COMMENT 'what of a path is marked, such as /u/*';
