package embedded

import (
	"bufio"
	"bytes"
	"io"
	"slices"
	"strings"
)

// maxStatement bounds the text of a statement in bytes, without the data of an insert.
const maxStatement = 16 << 20

// maxInsertHead bounds the text of an INSERT before its data.
const maxInsertHead = 64 << 10

// statement is one piece of work for the engine.
type statement struct {
	sql      string
	format   string    // format of the result, or of data
	data     io.Reader // data of an INSERT; nil for any other statement
	database string
	settings []pair
	params   []pair
	readonly string // "1": may only read; "2": may read and set settings; "": may do both and write
	guarded  bool   // must pass session.guard
}

// readStatement parses a statement. Its text is read from query first and then from body, as
// ClickHouse does. The data of an INSERT stay in the reader.
func readStatement(query string, body io.Reader, format string) (statement, error) {
	if head, ok := splitInsert(query); ok {
		// White space after the query is not part of the data, which may be binary.
		inline := query[head.data:]
		if strings.TrimSpace(inline) == "" {
			return statement{sql: query[:head.sql], format: head.format, data: body}, nil
		}
		return statement{sql: query[:head.sql], format: head.format, data: io.MultiReader(strings.NewReader(inline+"\n"), body)}, nil
	}
	if query != "" {
		body = io.MultiReader(strings.NewReader(query+"\n"), body)
	}
	text := bufio.NewReaderSize(body, maxInsertHead)
	start, err := text.Peek(maxInsertHead)
	if err != nil && err != io.EOF {
		return statement{}, err
	}
	if head, ok := splitInsert(string(start)); ok {
		sql := string(start[:head.sql])
		if _, err := text.Discard(head.data); err != nil {
			return statement{}, err
		}
		return statement{sql: sql, format: head.format, data: text}, nil
	}
	whole, err := io.ReadAll(io.LimitReader(text, maxStatement+1))
	if err != nil {
		return statement{}, err
	}
	if len(whole) > maxStatement {
		return statement{}, newException(codeSyntaxError, "SYNTAX_ERROR", "the statement is longer than 16 MiB")
	}
	whole = bytes.TrimSpace(whole)
	if len(whole) == 0 {
		return statement{}, newException(codeSyntaxError, "SYNTAX_ERROR", "Empty query")
	}
	return statement{sql: string(whole), format: format}, nil
}

// insertHead holds the offsets of the parts of an INSERT with data.
type insertHead struct {
	sql    int // end of the statement without FORMAT or VALUES
	format string
	data   int // start of the data
}

// splitInsert finds the data of an INSERT statement: what follows VALUES or
// FORMAT name. It reports false for any other statement, INSERT … SELECT
// included.
func splitInsert(text string) (insertHead, bool) {
	scan := scanner{text: text}
	if !scan.next() || !scan.is("INSERT") || !scan.next() || !scan.is("INTO") {
		return insertHead{}, false
	}
	named := false // the table's name has been read; it may be a keyword itself
	for depth := 0; scan.next(); {
		switch {
		case scan.is("("):
			depth++
		case scan.is(")"):
			depth--
		case depth > 0:
		case !named:
			named = !scan.is("TABLE") && !scan.is("FUNCTION")
		case scan.is("SELECT"), scan.is("WITH"), scan.is("INFILE"), scan.is("EXPLAIN"), scan.is(";"):
			return insertHead{}, false
		case scan.is("VALUES"):
			return insertHead{sql: scan.start, format: "Values", data: scan.end}, true
		case scan.is("FORMAT"):
			head := insertHead{sql: scan.start}
			if !scan.next() {
				return insertHead{}, false
			}
			head.format, head.data = text[scan.start:scan.end], dataStart(text, scan.end)
			return head, true
		}
	}
	return insertHead{}, false
}

// changes returns the table into which an INSERT inserts, and "" for any other statement that may
// change tables or whose table has no plain name. It returns false for one that only reads.
func (st statement) changes() (table string, changes bool) {
	scan := scanner{text: st.sql}
	scan.next()
	reads := slices.ContainsFunc([]string{"SELECT", "DESCRIBE", "SHOW", "EXISTS", "EXPLAIN"}, scan.is)
	if reads || st.readonly != "" {
		return "", false
	}
	if !scan.is("INSERT") || !scan.next() || !scan.is("INTO") || !scan.next() || !wordByte(st.sql[scan.start]) || scan.is("TABLE") || scan.is("FUNCTION") {
		return "", true
	}
	table = st.sql[scan.start:scan.end]
	if scan.next() && scan.is(".") {
		return "", true
	}
	return table, true
}

// dataStart skips what ClickHouse skips between FORMAT name and the data: a
// semicolon, blanks, and one line end.
func dataStart(text string, at int) int {
	at += len(text[at:]) - len(strings.TrimPrefix(text[at:], ";"))
	at += len(text[at:]) - len(strings.TrimLeft(text[at:], " \t\f"))
	at += len(text[at:]) - len(strings.TrimPrefix(text[at:], "\r"))
	at += len(text[at:]) - len(strings.TrimPrefix(text[at:], "\n"))
	return at
}

// scanner reads the tokens of SQL text, as far as is needed to find keywords: it does not take
// quoted text, heredocs or comments for keywords.
type scanner struct {
	text       string
	start, end int  // of the current token
	canonical  bool // the text has neither comments nor heredocs
}

// is reports whether the token is this keyword or sign, in upper or lower case.
func (s *scanner) is(word string) bool { return strings.EqualFold(s.text[s.start:s.end], word) }

// next moves to the next token and reports whether there is one.
func (s *scanner) next() bool {
	s.skipBlanks()
	s.start = s.end
	if s.start >= len(s.text) {
		return false
	}
	switch c := s.text[s.start]; {
	case c == '\'' || c == '"' || c == '`':
		s.quoted(c)
	case c == '$' && !s.canonical:
		s.heredoc()
	case wordByte(c):
		for s.end < len(s.text) && wordByte(s.text[s.end]) {
			s.end++
		}
	default:
		s.end++
	}
	return true
}

func wordByte(c byte) bool {
	return c == '_' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// skipBlanks skips white space and comments.
func (s *scanner) skipBlanks() {
	for s.end < len(s.text) {
		rest := s.text[s.end:]
		switch {
		case strings.IndexByte(" \t\r\n\v\f\x00", rest[0]) >= 0:
			s.end++
		case s.canonical:
			return
		case strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "//"), strings.HasPrefix(rest, "# "), strings.HasPrefix(rest, "#!"):
			s.skipPast("\n", 1)
		case strings.HasPrefix(rest, "/*"):
			s.skipPast("*/", 2)
		default:
			return
		}
	}
}

// skipPast moves to after the next mark that starts at least from bytes ahead, or to the end.
func (s *scanner) skipPast(mark string, from int) {
	if i := strings.Index(s.text[s.end+from:], mark); i >= 0 {
		s.end += from + i + len(mark)
		return
	}
	s.end = len(s.text)
}

// quoted skips quoted text, in which a quote is doubled or escaped.
func (s *scanner) quoted(quote byte) {
	for s.end++; s.end < len(s.text); s.end++ {
		switch s.text[s.end] {
		case '\\':
			s.end++
		case quote:
			s.end++
			if s.end >= len(s.text) || s.text[s.end] != quote {
				return
			}
		}
	}
	s.end = len(s.text)
}

// heredoc skips $tag$ … $tag$, or a lone dollar sign.
func (s *scanner) heredoc() {
	i := s.end + 1
	for i < len(s.text) && wordByte(s.text[i]) {
		i++
	}
	if i < len(s.text) && s.text[i] == '$' {
		s.skipPast(s.text[s.end:i+1], i+1-s.end)
		return
	}
	s.end++
}

// clientSide returns the clause of the statement, if it has one, that only clickhouse-client
// handles: ClickHouse's HTTP interface refuses it or, for input(), passes data in a way that
// this engine can't.
func (st statement) clientSide() string {
	scan := scanner{text: st.sql}
	if !scan.next() {
		return ""
	}
	insert := scan.is("INSERT")
	for {
		previous := scan
		switch {
		case !scan.next():
			return ""
		case previous.is("INTO") && scan.is("OUTFILE"):
			return "INTO OUTFILE"
		case insert && previous.is("FROM") && scan.is("INFILE"):
			return "FROM INFILE"
		case insert && previous.is("input") && scan.is("("):
			return "input()"
		}
	}
}

// several reports whether text follows a semicolon.
func (st statement) several() bool {
	for scan := (scanner{text: st.sql}); scan.next(); {
		if scan.is(";") {
			return scan.next()
		}
	}
	return false
}
