package embedded

import (
	"errors"
	"io"
	"strings"
	"testing"
)

func TestSplitInsert(t *testing.T) {
	for _, test := range []struct{ text, sql, format, data string }{
		{"INSERT INTO t VALUES (1)", "INSERT INTO t ", "Values", " (1)"},
		{"insert into t (a, b) values(1)", "insert into t (a, b) ", "Values", "(1)"},
		{"INSERT INTO t FORMAT Native\n\x00;", "INSERT INTO t ", "Native", "\x00;"},
		{"INSERT INTO t FORMAT CSV;  \r\n\n1", "INSERT INTO t ", "CSV", "\n1"},
		{"INSERT INTO t FORMAT TSV \t x", "INSERT INTO t ", "TSV", "x"},
		{"INSERT INTO values VALUES (1)", "INSERT INTO values ", "Values", " (1)"},
		{"INSERT INTO d.t (`values`, \"format\") FORMAT CSV 1", "INSERT INTO d.t (`values`, \"format\") ", "CSV", "1"},
		{"INSERT INTO TABLE FUNCTION file('VALUES', 'CSV') VALUES (1)", "INSERT INTO TABLE FUNCTION file('VALUES', 'CSV') ", "Values", " (1)"},
		{"-- VALUES\n/* VALUES */ # VALUES\nINSERT // VALUES\nINTO t SETTINGS s = $a$ VALUES $a$ VALUES (1)", "-- VALUES\n/* VALUES */ # VALUES\nINSERT // VALUES\nINTO t SETTINGS s = $a$ VALUES $a$ ", "Values", " (1)"},
		{"INSERT INTO t SETTINGS a = 'it''s \\' VALUES' VALUES (1)", "INSERT INTO t SETTINGS a = 'it''s \\' VALUES' ", "Values", " (1)"},
	} {
		head, ok := splitInsert(test.text)
		if !ok {
			t.Errorf("%q: no data found", test.text)
			continue
		}
		if sql, data := test.text[:head.sql], test.text[head.data:]; sql != test.sql || head.format != test.format || data != test.data {
			t.Errorf("%q: %q %q %q, want %q %q %q", test.text, sql, head.format, data, test.sql, test.format, test.data)
		}
	}
	for _, text := range []string{
		"", "INSERT", "INSERT INTO", "INSERT INTO t", "INSERT INTO t FORMAT", "SELECT 'INSERT INTO t VALUES'",
		"INSERT INTO t SELECT format FROM u", "INSERT INTO t WITH 1 AS values SELECT values", "INSERT INTO t (a) (SELECT 1)",
		"INSERT INTO t FROM INFILE 'x' FORMAT CSV", "INSERT INTO t; VALUES (1)", "INSERT INTO t 'open VALUES", "INSERT INTO t /* open VALUES",
	} {
		if head, ok := splitInsert(text); ok {
			t.Errorf("%q: found data %+v", text, head)
		}
	}
}

func FuzzReadStatement(f *testing.F) {
	f.Add("INSERT INTO t FORMAT Native", "\x00\n;")
	f.Add("", "INSERT INTO t VALUES (1)")
	f.Add("SELECT $$;", "'\\")
	f.Fuzz(func(t *testing.T, query, body string) {
		st, err := readStatement(query, strings.NewReader(body), "TSV")
		if err != nil {
			return
		}
		if !strings.Contains(query+"\n"+body, st.sql) {
			t.Errorf("%q is not in %q, %q", st.sql, query, body)
		}
		st.several()
		st.clientSide()
		if st.data == nil {
			return
		}
		data, err := io.ReadAll(st.data)
		if err != nil || !strings.HasSuffix(query+"\n"+body, string(data)) {
			t.Errorf("data %q is not the end of %q, %q: %v", data, query, body, err)
		}
	})
}

func TestStatementTooLong(t *testing.T) {
	_, err := readStatement("", io.LimitReader(endlessText{}, maxStatement+1), "TSV")
	var ex *exception
	if !errors.As(err, &ex) || ex.code != codeSyntaxError {
		t.Errorf("error = %v", err)
	}
}

type endlessText struct{}

func (endlessText) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestParseException(t *testing.T) {
	for _, test := range []struct {
		text string
		code int
		want string
	}{
		{"Code: 60. DB::Exception: No table t. (UNKNOWN_TABLE)", 60, "Code: 60. DB::Exception: No table t. (UNKNOWN_TABLE)"},
		{"Error: Code: 60. DB::Exception: No table t. (UNKNOWN_TABLE) (version 26.7.2.1)\n", 60, "Code: 60. DB::Exception: No table t. (UNKNOWN_TABLE) (version 26.7.2.1)"},
		{"Code: 164. DB::Exception: Code: 164. DB::Exception: No. (READONLY) (version 26.7.2.1). (READONLY)", 164, "Code: 164. DB::Exception: No. (READONLY)"},
		{"Code: 49. DB::Exception: Code: 60. DB::Exception: No. (A). (B)", 49, "Code: 49. DB::Exception: Code: 60. DB::Exception: No. (A). (B)"},
		{"Query processing failed", codeEngine, "Code: 1002. DB::Exception: Query processing failed. (UNKNOWN_EXCEPTION)"},
		{"Code: 99999999999999999999. DB::Exception: x", codeEngine, "Code: 99999999999999999999. DB::Exception: x"},
	} {
		if ex := parseException(test.text); ex.code != test.code || ex.message != test.want {
			t.Errorf("%q: %d %q, want %d %q", test.text, ex.code, ex.message, test.code, test.want)
		}
	}
}

// LibraryIn is where npm puts the library in a checkout.
var LibraryIn = libraryIn

// TestChanges: a statement says which table it may change.
func TestChanges(t *testing.T) {
	for _, c := range []struct {
		sql, readonly, table string
		changes              bool
	}{
		{"SELECT 1", "", "", false},
		{" /* a */ select * FROM hits", "", "", false},
		{"EXPLAIN SELECT 1", "", "", false},
		{"WITH 1 AS one SELECT one", "", "", true},
		{"WITH 1 AS one SELECT one", "1", "", false},
		{"INSERT INTO hits (site) FORMAT Native", "", "hits", true},
		{"insert into users (name) SELECT 'SELECT'", "", "users", true},
		{"INSERT INTO TABLE hits VALUES (1)", "", "", true},
		{"INSERT INTO FUNCTION null('x Int8') VALUES (1)", "", "", true},
		{"INSERT INTO other.hits VALUES (1)", "", "", true},
		{"INSERT INTO `hits` VALUES (1)", "", "", true},
		{"ALTER TABLE hits DELETE WHERE 1", "", "", true},
		{"SYSTEM FLUSH LOGS", "", "", true},
		{"", "", "", true},
	} {
		if table, changes := (statement{sql: c.sql, readonly: c.readonly}).changes(); table != c.table || changes != c.changes {
			t.Errorf("%q with readonly %q changes %q, %v, want %q, %v", c.sql, c.readonly, table, changes, c.table, c.changes)
		}
	}
}
