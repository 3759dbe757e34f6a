package embedded

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ClickHouse writes the token of an insert to the table's deduplication log before it renames
// the part to its final name, both under one lock of the table. If it is killed in between,
// the rows are lost and the token is not, so that a repetition of the insert is taken for a
// duplicate. Such a record can only be the last of its log, and no part of the table has the
// rows of its part. repairLogs removes it before the engine starts.

// repairLogs removes the last record of every deduplication log if it has no part, and
// returns the names of these parts. The caller holds the lock on dir.
func repairLogs(dir string) (lost []string, err error) {
	tables, err := tokenLogs(dir)
	if err != nil {
		return nil, err
	}
	for _, logs := range tables {
		part, err := repairLog(logs)
		if err != nil {
			return lost, fmt.Errorf("repair %q: %w", logs, err)
		}
		if part != "" {
			lost = append(lost, part)
		}
	}
	return lost, nil
}

// tokenLogs returns the folders in which the tables below dir keep tokens.
func tokenLogs(dir string) ([]string, error) {
	return filepath.Glob(filepath.Join(dir, "store", "*", "*", "deduplication_logs"))
}

// SyncTokens syncs the tokens of all inserts so far to disk. ClickHouse does not do this with
// any settings of the table: after a power cut it could have the rows of an insert without
// its token.
func (e *Engine) SyncTokens() error {
	tables, err := tokenLogs(TablesDir(e.options.Dir))
	if err != nil {
		return err
	}
	for _, logs := range tables {
		if err := syncLog(logs); err != nil {
			return fmt.Errorf("sync tokens of inserts: %w", err)
		}
	}
	return nil
}

func syncLog(logs string) error {
	path, _, err := lastLog(logs)
	if err != nil || path == "" {
		return err
	}
	for _, name := range []string{path, logs} { // the directory too, for the name of a new log
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// repairLog removes the last record of one log if it has no part, and returns the name of
// that part, or "" if it removed nothing.
func repairLog(logs string) (part string, err error) {
	file, content, err := lastLog(logs)
	if err != nil || len(content) == 0 {
		return "", err
	}
	start := bytes.LastIndexByte(content[:len(content)-1], '\n') + 1
	record := string(content[start:])
	fields := strings.Split(strings.TrimSuffix(record, "\n"), "\t")
	const add = "1"
	if strings.HasSuffix(record, "\n") { // else a power cut left half a record
		if len(fields) != 3 || fields[0] != add {
			return "", nil
		}
		if has, err := hasPart(filepath.Dir(logs), fields[1]); has || err != nil {
			return "", err
		}
	}
	return strings.Join(fields[1:min(2, len(fields))], ""), os.Truncate(file, int64(start))
}

// lastLog returns the newest log that has a record.
func lastLog(logs string) (file string, content []byte, err error) {
	entries, err := os.ReadDir(logs)
	if err != nil {
		return "", nil, err
	}
	number := func(e fs.DirEntry) int {
		digits := strings.TrimSuffix(strings.TrimPrefix(e.Name(), "deduplication_log_"), ".txt")
		n, err := strconv.Atoi(digits)
		if err != nil {
			return -1
		}
		return n
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return number(b) - number(a) })
	for _, e := range entries {
		if number(e) < 0 {
			continue
		}
		file = filepath.Join(logs, e.Name())
		if content, err = os.ReadFile(file); err != nil || len(content) > 0 {
			return file, content, err
		}
	}
	return "", nil, nil
}

// hasPart reports whether the rows of a new part are in a part of the table: in itself, or in
// one that it was merged into.
func hasPart(table, name string) (bool, error) {
	partition, block, _, ok := partName(name)
	if !ok {
		return false, errors.New("the log names no part")
	}
	entries, err := os.ReadDir(table)
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		p, from, to, ok := partName(e.Name())
		if ok && p == partition && from <= block && block <= to {
			return true, nil
		}
	}
	return false, nil
}

// partName parses a name such as 202611_5_7_1: partition, first and last block, level.
func partName(name string) (partition string, from, to int, ok bool) {
	fields := strings.Split(name, "_")
	if len(fields) < 4 {
		return "", 0, 0, false
	}
	from, err1 := strconv.Atoi(fields[1])
	to, err2 := strconv.Atoi(fields[2])
	return fields[0], from, to, err1 == nil && err2 == nil
}
