-- An insert writes a few files instead of two for each column: making files took an
-- eighth of its time. Merges spread the columns out once a part is large.
ALTER TABLE hits MODIFY SETTING min_bytes_for_wide_part = 67108864;
