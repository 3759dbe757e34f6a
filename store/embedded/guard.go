package embedded

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// guardedNames are names that a guarded statement may not use for anything, with the reason:
// rights and settings do not prevent what they do. ClickHouse distinguishes upper and lower
// case in all of them.
var guardedNames = map[string]string{
	"file":             "it reads any file of this machine",
	"disk":             "it reads and writes any directory of this machine",
	"catboostEvaluate": "it runs a program",
	"models":           "it runs a program",
	"stack_trace":      "it sends signals to the threads of this program",

	// These read expressions from a text, in which guard does not see names.
	"arrayReduce":           textOfExpressions,
	"arrayReduceInRanges":   textOfExpressions,
	"initializeAggregation": textOfExpressions,
	interpretValues:         textOfExpressions,
	deduceValues:            textOfExpressions,
}

const textOfExpressions = "it evaluates expressions inside of a text"

// Settings by which the data of format Values may be expressions.
const (
	interpretValues = "input_format_values_interpret_expressions"
	deduceValues    = "input_format_values_deduce_templates_of_expressions"
)

// harmlessFunctions are the table functions that a guarded statement may call. All others
// have a source outside, look for one before rights are checked, take the names of tables
// from a text, or take columns from a text, with expressions as defaults.
var harmlessFunctions = []string{
	"generate_series", "generateseries", "numbers", "numbers_mt", "primes", "sqlstandardvalues", "view", "viewexplain", "zeros", "zeros_mt",
}

// readTableFunctions returns the names in lower case of the engine's table functions that a
// guarded statement may not call.
func readTableFunctions(s *session) (map[string]bool, error) {
	names, err := s.query("SELECT lower(name) FROM system.table_functions", "TSVRaw", nil)
	if err != nil {
		return nil, fmt.Errorf("ask the engine for its table functions: %w", err)
	}
	list := make(map[string]bool)
	for name := range strings.Lines(string(names)) {
		if name = strings.TrimSpace(name); !slices.Contains(harmlessFunctions, name) {
			list[name] = true
		}
	}
	return list, nil
}

// guardedEngines matches the engines that a guarded statement may give to a table or a
// database: those that keep rows in the data directory or in memory. Rights prevent engines
// with a source, but not those with a path, such as EmbeddedRocksDB.
var guardedEngines = regexp.MustCompile(`^(Atomic|Buffer|Log|Memory|Null|(Aggregating|Coalescing|Collapsing|Graphite|Replacing|Summing|VersionedCollapsing)?MergeTree)$`)

// guard refuses a statement that would reach files or machines outside of the engine and is
// not prevented by the rights of its user. It must run before anything else in the session.
//
// It checks the text that ClickHouse's own parser writes for the statement, which has no
// comments, one way of quoting, no escapes in plain names, and a fixed order of clauses. It
// refuses what the parser does not understand.
//
// tableFunctions is the result of readTableFunctions.
func (s *session) guard(st *statement, tableFunctions map[string]bool) error {
	sql := st.sql
	if st.data != nil {
		sql += " FORMAT Null"
	}
	text, err := s.canonical(sql)
	if err != nil {
		return err
	}
	if err := guardText(text, st.params, tableFunctions); err != nil {
		return err
	}
	canonical := statement{sql: text}
	if clause := canonical.clientSide(); clause != "" {
		return unsupported(clause)
	}
	if _, ok := splitInsert(text); ok && st.data == nil {
		return newException(codeSyntaxError, "SYNTAX_ERROR", "The data of an INSERT was not found")
	}
	for _, setting := range st.settings {
		if reason, ok := guardedNames[setting.name]; ok {
			return guarded(setting.name, reason)
		}
	}
	if st.data == nil {
		st.settings = append(st.settings, pair{interpretValues, "0"}, pair{deduceValues, "0"})
	} else if strings.EqualFold(st.format, "Values") {
		return s.guardValues(st, tableFunctions)
	}
	return nil
}

// canonical returns a statement as ClickHouse's parser writes it, on one line.
func (s *session) canonical(sql string) (string, error) {
	const question = "SELECT formatQuerySingleLine(unhex({statement:String}))"
	text, err := s.query(question, "TSVRaw", []pair{{"statement", hex.EncodeToString([]byte(sql))}})
	if err != nil {
		return "", err
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return "", newException(codeSyntaxError, "SYNTAX_ERROR", "The statement was not understood")
	}
	return string(text), nil
}

// attachKnown matches an ATTACH of something that was detached.
var attachKnown = regexp.MustCompile("^ATTACH (DATABASE|DICTIONARY|TABLE|VIEW) (IF NOT EXISTS )?(\\w+|`[^`\\\\]+`)(\\.(\\w+|`[^`\\\\]+`))?\\s*$")

// attachAnew is the reason for refusing any other ATTACH. With FROM it moves a folder below
// the working directory into the store, where DROP deletes it; with UUID it can take the
// folder of another table.
const attachAnew = "it may only name what was detached before"

// guardText checks the names in a canonical text.
func guardText(text string, params []pair, tableFunctions map[string]bool) error {
	var (
		scan    = scanner{text: text, canonical: true}
		words   [2]string // before the current one, the last one first
		copying bool      // BACKUP or RESTORE
		names   []string  // parameters that are used as names
	)
	for first := true; scan.next(); first = false {
		word := strings.Trim(scan.text[scan.start:scan.end], "`")
		if reason, ok := guardedNames[word]; ok {
			return guarded(word, reason)
		}
		if words[0] == "ATTACH" && word != "PARTITION" && word != "PART" && !attachKnown.MatchString(text) {
			return guarded("ATTACH", attachAnew)
		}
		copying = copying || first && (word == "BACKUP" || word == "RESTORE")
		switch {
		case words[0] == "=" && words[1] == "ENGINE" && !guardedEngines.MatchString(word):
			return guarded("ENGINE = "+word, "it is not one of those that keep their rows here")
		case copying && word == "(" && words[0] != "" && wordByte(words[0][len(words[0])-1]) && !slices.Contains(backupWords, words[0]):
			return guarded(words[0], "backups go to File(…)")
		case !copying && word == "(" && tableFunctions[strings.ToLower(words[0])]:
			return guarded(words[0], "a table function of this name takes rows or columns from elsewhere than the store")
		case word == "Identifier" && words[0] == ":":
			names = append(names, words[1])
		}
		words = [2]string{word, words[0]}
	}
	for _, p := range params {
		if !slices.Contains(names, p.name) {
			continue
		}
		if strings.Contains(p.value, `\`) {
			return guarded(p.name, "the name that a parameter stands for has a backslash")
		}
		for word := range strings.FieldsFuncSeq(p.value, func(r rune) bool { return r == '.' || r == '`' || r == '"' }) {
			if reason, ok := guardedNames[word]; ok {
				return guarded(word, reason)
			}
		}
	}
	return nil
}

// backupWords are the words that may be before a parenthesis in BACKUP and RESTORE.
var backupWords = []string{"File", "PARTITION", "PARTITIONS", "TABLE", "TABLES", "DATABASES"}

// guardValues checks the expressions of INSERT … VALUES. It reads all of the data first.
func (s *session) guardValues(st *statement, tableFunctions map[string]bool) error {
	data, err := io.ReadAll(io.LimitReader(st.data, maxValues+1))
	if err != nil {
		return fmt.Errorf("read the data of an insert: %w", err)
	}
	if len(data) > maxValues {
		return newException(codeSyntaxError, "SYNTAX_ERROR", "The data after VALUES is longer than 128 KiB: use another format")
	}
	st.data = bytes.NewReader(data)
	rows := bytes.TrimRight(bytes.TrimSpace(data), ";")
	if len(rows) == 0 {
		return nil
	}
	// This is the only escape with more than one character after the backslash. The reader
	// of VALUES and the parser of statements do not agree where a text with it ends.
	if hexEscape.Match(rows) {
		return newException(codeSyntaxError, "SYNTAX_ERROR", `The data after VALUES has the escape \x: use another format`)
	}
	text, err := s.canonical("SELECT " + string(rows))
	if err != nil {
		return err
	}
	return guardText(text, st.params, tableFunctions)
}

// maxValues bounds the data in bytes of INSERT … VALUES in a guarded statement, so that the
// parser's own limit on the size of a statement is not reached.
const maxValues = 128 << 10

var hexEscape = regexp.MustCompile(`^(?:[^\\]|\\[^x])*\\x`)

func guarded(name, reason string) *exception {
	return newException(codeAccessDenied, "ACCESS_DENIED", fmt.Sprintf("The embedded engine does not allow %q in a statement: %s", name, reason))
}
