-- An insert writes a few files instead of two for each column. Merges spread the columns out once a part is large.
ALTER TABLE hits MODIFY SETTING min_bytes_for_wide_part = 67108864;
