-- Paths repeat from row to row. As texts of a dictionary they make merges cheaper, which
-- write each row several times. Rows that are there already are converted in the
-- background, and read as before until then.
ALTER TABLE hits
    MODIFY COLUMN path LowCardinality(String),
    MODIFY COLUMN entry_path LowCardinality(String),
    MODIFY COLUMN previous_path LowCardinality(String)
SETTINGS alter_sync = 0;
