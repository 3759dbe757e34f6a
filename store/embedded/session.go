package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"unsafe"
)

// insertChunk is how many bytes of an insert's data are passed to the engine at once.
const insertChunk = 1 << 20

var errRefused = errors.New("the engine did not start a session")

// pair is a query parameter or a setting: a name and its value as text.
type pair struct{ name, value string }

// session is one connection inside the engine, with its own current
// database and settings. It runs one statement at a time and is not safe for
// concurrent use.
type session struct {
	lib  *library
	conn *unsafe.Pointer
}

// newSession opens a session. The first one starts the engine, which takes its
// server options from args; every "--setting=value" among args holds for this
// session alone.
func newSession(lib *library, args []string) (*session, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	argv := make([]*byte, len(args))
	for i, arg := range args {
		argv[i] = unsafe.StringData(arg + "\x00")
		pin.Pin(argv[i])
	}
	conn := lib.connect(int32(len(argv)), unsafe.Pointer(unsafe.SliceData(argv)))
	runtime.KeepAlive(argv)
	if conn == nil {
		return nil, errRefused
	}
	return &session{lib, conn}, nil
}

func (s *session) close() {
	s.lib.close(s.conn)
	s.conn = nil
}

// prepare sets the database and the settings of a statement. readonly is set last, since no
// setting can be changed after it.
func (s *session) prepare(st statement) error {
	if st.database != "" {
		if _, err := s.query("USE "+quoteName(st.database), "Null", nil); err != nil {
			return err
		}
	}
	if len(st.settings) > 0 {
		assignments := make([]string, len(st.settings))
		for i, setting := range st.settings {
			assignments[i] = setting.name + " = " + quoteText(setting.value)
		}
		if _, err := s.query("SET "+strings.Join(assignments, ", "), "Null", nil); err != nil {
			return err
		}
	}
	if st.readonly != "" {
		_, err := s.query("SET readonly = "+st.readonly, "Null", nil)
		return err
	}
	return nil
}

// query runs one statement and returns its whole result, written in format
// unless the statement names another. An error of the engine is an *exception.
func (s *session) query(sql, format string, params []pair) ([]byte, error) {
	bound := bind(params)
	defer bound.pin.Unpin()
	result := s.lib.query(*s.conn, textPointer(sql), uintptr(len(sql)), textPointer(format), uintptr(len(format)),
		slicePointer(bound.names), slicePointer(bound.nameLens), slicePointer(bound.values), slicePointer(bound.valueLens), uintptr(len(params)))
	runtime.KeepAlive(sql)
	runtime.KeepAlive(format)
	runtime.KeepAlive(bound)
	return s.take(result)
}

// take copies a result out of C memory and frees it.
func (s *session) take(result unsafe.Pointer) ([]byte, error) {
	defer s.lib.destroy(result)
	if message := s.lib.resultError(result); message != "" {
		return nil, parseException(message)
	}
	size := s.lib.length(result)
	if size == 0 {
		return nil, nil
	}
	body := make([]byte, size)
	copy(body, unsafe.Slice((*byte)(s.lib.buffer(result)), size))
	return body, nil
}

// insert runs an INSERT that stops before its FORMAT or VALUES, and feeds it
// data in that format. Nothing is committed when reading data fails or ctx
// ends first, except what the engine had already cut into whole blocks.
func (s *session) insert(ctx context.Context, sql, format string, params []pair, data io.Reader) error {
	bound := bind(params)
	defer bound.pin.Unpin()
	stream := s.lib.insert(*s.conn, textPointer(sql), uintptr(len(sql)), textPointer(format), uintptr(len(format)),
		slicePointer(bound.names), slicePointer(bound.nameLens), slicePointer(bound.values), slicePointer(bound.valueLens), uintptr(len(params)))
	runtime.KeepAlive(sql)
	runtime.KeepAlive(format)
	runtime.KeepAlive(bound)
	defer s.lib.insertDestroy(stream)
	if message := s.lib.insertError(stream); message != "" {
		return parseException(message)
	}
	if err := s.feed(ctx, stream, data); err != nil {
		s.lib.insertCancel(stream)
		return err
	}
	_, err := s.take(s.lib.insertDone(stream))
	return err
}

// feed passes all of data to the engine. Only io.EOF is its end: if a client goes away in
// between, the error is io.ErrUnexpectedEOF.
func (s *session) feed(ctx context.Context, stream unsafe.Pointer, data io.Reader) error {
	chunk := make([]byte, 0, insertChunk)
	for ended := false; !ended; {
		chunk = chunk[:0]
		for len(chunk) < cap(chunk) && !ended {
			n, err := data.Read(chunk[len(chunk):cap(chunk)])
			chunk = chunk[:len(chunk)+n]
			ended = err == io.EOF
			if err != nil && !ended {
				return fmt.Errorf("read the data of an insert: %w", err)
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(chunk) > 0 && s.lib.insertAppend(stream, unsafe.Pointer(unsafe.SliceData(chunk)), uintptr(len(chunk))) != 0 {
			return parseException(s.lib.insertError(stream))
		}
	}
	return nil
}

// classify asks the engine's parser what a statement would do.
func (s *session) classify(sql string) (analysis, error) {
	a := analysis{structSize: uint32(unsafe.Sizeof(analysis{}))}
	if s.lib.classify(*s.conn, textPointer(sql), uintptr(len(sql)), nil, 0, unsafe.Pointer(&a)) != 0 {
		return a, errors.New("the engine did not classify the statement")
	}
	runtime.KeepAlive(sql)
	return a, nil
}

// analysis is chdb_query_analysis_v1 of chdb.h.
type analysis struct {
	structSize uint32
	statements uint32
	flags      uint32
	class      uint32
}

// Values of analysis.class.
const (
	classReadOnly = 0
	classUnknown  = 4
)

// bound holds parameters in the shape of the C interface.
type bound struct {
	pin                 runtime.Pinner
	names, values       []*byte
	nameLens, valueLens []uintptr
}

func bind(params []pair) *bound {
	b := new(bound)
	for _, p := range params {
		name, value := textBytes(p.name), textBytes(p.value)
		b.pin.Pin(name)
		b.pin.Pin(value)
		b.names, b.values = append(b.names, name), append(b.values, value)
		b.nameLens, b.valueLens = append(b.nameLens, uintptr(len(p.name))), append(b.valueLens, uintptr(len(p.value)))
	}
	return b
}

// textBytes returns a pointer to the bytes of text. It is never nil, which the engine takes
// for a mistake.
func textBytes(text string) *byte {
	if text == "" {
		return new(byte)
	}
	return unsafe.StringData(text)
}

func textPointer(text string) unsafe.Pointer { return unsafe.Pointer(textBytes(text)) }

func slicePointer[T any](list []T) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(list)) }

var (
	textEscapes = strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	nameEscapes = strings.NewReplacer(`\`, `\\`, "`", "\\`")
)

// quoteText writes a string literal of ClickHouse SQL.
func quoteText(text string) string { return "'" + textEscapes.Replace(text) + "'" }

// quoteName writes an identifier of ClickHouse SQL.
func quoteName(name string) string { return "`" + nameEscapes.Replace(name) + "`" }

func unsupported(clause string) *exception {
	return newException(codeNotImplemented, "NOT_IMPLEMENTED", "The embedded engine does not support "+clause)
}

// permit refuses more than one statement, as ClickHouse's HTTP interface does,
// and clauses that only make sense in a client. The engine itself checks that a
// read-only statement only reads tables, but not whether it writes a file.
func (s *session) permit(st statement) error {
	a := analysis{class: classUnknown}
	if st.readonly != "" || strings.Contains(st.sql, ";") { // to parse a long statement once more takes milliseconds
		var err error
		if a, err = s.classify(st.sql); err != nil {
			return err
		}
	}
	clause := st.clientSide()
	switch {
	case a.statements > 1 || a.class == classUnknown && st.several():
		return newException(codeSyntaxError, "SYNTAX_ERROR", "Multi-statements are not allowed")
	case clause != "":
		return unsupported(clause)
	case st.readonly != "" && a.class != classReadOnly && a.class != classUnknown:
		return newException(codeReadonly, "READONLY", "Cannot execute query in readonly mode")
	}
	return nil
}
