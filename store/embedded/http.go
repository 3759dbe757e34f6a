package embedded

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/ch-go/compress"
)

var (
	_ http.RoundTripper = (*Engine)(nil)
)

// answer is a response before it is returned as an http.Response or written to a connection.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// RoundTrip answers a request of ClickHouse's HTTP interface inside the
// process. Give the engine to clickhouse-go as the TransportFunc of
// clickhouse.Options{Protocol: clickhouse.HTTP}. The only errors are those of
// the request's context and ErrClosed; any other failure is an HTTP status and
// a ClickHouse exception. A result is held in memory as a whole.
func (e *Engine) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r = r.Clone(r.Context())
		r.Body = http.NoBody
	}
	defer r.Body.Close()
	// Ends a read of the body when the caller's context ends.
	defer context.AfterFunc(r.Context(), func() { r.Body.Close() })()
	a, err := e.serve(r.Context(), r, false)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status:        strconv.Itoa(a.status) + " " + http.StatusText(a.status),
		StatusCode:    a.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        a.header,
		Body:          io.NopCloser(bytes.NewReader(a.body)),
		ContentLength: int64(len(a.body)),
		Request:       r,
	}, nil
}

// serve answers a request. outside means that it comes from another process. Its error is
// that of ctx, or ErrClosed.
func (e *Engine) serve(ctx context.Context, r *http.Request, outside bool) (answer, error) {
	_, unreadable := url.ParseQuery(r.URL.RawQuery)
	switch {
	case unreadable != nil: // a setting that is left out, readonly perhaps, changes what is asked
		return plain(http.StatusBadRequest, "The parameters of the URL can't be read\n"), nil
	case r.URL.Path != "" && r.URL.Path != "/" && r.URL.Path != "/ping":
		return plain(http.StatusNotFound, "There is no handle "+r.URL.Path+"\n"), nil
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		return plain(http.StatusMethodNotAllowed, "Use GET or POST\n"), nil
	case r.Method == http.MethodGet && r.URL.Path != "/ping" && !r.URL.Query().Has("query") && r.ContentLength != 0:
		return plain(http.StatusBadRequest, "A GET has its statement in the URL: use POST for one in the body\n"), nil
	case isPing(r):
		return plain(http.StatusOK, "Ok.\n"), nil
	}
	a, err := e.answer(ctx, r, outside)
	if err == nil {
		return a, nil
	}
	if ctx.Err() != nil {
		return answer{}, ctx.Err()
	}
	if errors.Is(err, ErrClosed) {
		return answer{}, err
	}
	return failure(err), nil
}

// isPing reports whether a request is a ping.
func isPing(r *http.Request) bool {
	return r.URL.Path == "/ping" || r.Method == http.MethodGet && !r.URL.Query().Has("query")
}

func (e *Engine) answer(ctx context.Context, r *http.Request, outside bool) (answer, error) {
	parameters := r.URL.Query()
	st, err := readRequest(r, parameters)
	if err != nil {
		return answer{}, err
	}
	// Read-only statements are guarded from inside too: people type those of Store.Query.
	st.guarded = outside || st.readonly != ""
	var body []byte
	if st.sql == helloQuery && st.format == "Native" && parameters.Get("client_protocol_version") != "" {
		body, err = e.hello.block()
	} else {
		body, err = e.run(ctx, st)
	}
	if err != nil {
		return answer{}, err
	}
	if enabled(parameters.Get("compress")) {
		if body, err = compressBlocks(body, parameters.Get("network_compression_method")); err != nil {
			return answer{}, err
		}
	}
	a := answer{http.StatusOK, make(http.Header), body}
	a.header.Set("Content-Type", contentType(st.format))
	if id := parameters.Get("query_id"); id != "" {
		a.header.Set("X-ClickHouse-Query-Id", id)
	}
	return a, nil
}

// Parameters of a request that are not settings. Those of the first list have no effect here:
// results are sent as a whole and uncompressed, unless "compress" asks for ClickHouse's own
// framing, and the client is authenticated already.
var (
	ignoredParameters = []string{
		"query", "database", "default_format", "query_id", "compress", "decompress", "enable_http_compression",
		"client_protocol_version", "wait_end_of_query", "buffer_size", "user", "password", "quota_key", "stacktrace",
		"readonly", // read by readOnly
	}
	refusedParameters = []string{"session_id", "session_timeout", "session_check", "role", "profile", "log_comment"}
)

// settingName matches the name of a setting in a SET statement.
var settingName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// readRequest reads the statement of a request and what the URL says about it.
func readRequest(r *http.Request, parameters url.Values) (statement, error) {
	body, err := decodeBody(r, enabled(parameters.Get("decompress")))
	if err != nil {
		return statement{}, err
	}
	format := parameters.Get("default_format")
	if format == "" {
		format = r.Header.Get("X-ClickHouse-Format")
	}
	if format == "" {
		format = "TabSeparated"
	}
	st, err := readStatement(parameters.Get("query"), body, format)
	if err != nil {
		return statement{}, err
	}
	st.database = parameters.Get("database")
	if st.database == "" {
		st.database = r.Header.Get("X-ClickHouse-Database")
	}
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		value := parameters.Get(name)
		switch parameter, isParameter := strings.CutPrefix(name, "param_"); {
		case isParameter:
			st.params = append(st.params, pair{parameter, value})
		case slices.Contains(ignoredParameters, name):
		case slices.Contains(refusedParameters, name):
			return statement{}, newException(codeNotImplemented, "NOT_IMPLEMENTED", fmt.Sprintf("The embedded engine does not take the URL parameter %q", name))
		case !settingName.MatchString(name):
			return statement{}, newException(codeBadArguments, "BAD_ARGUMENTS", fmt.Sprintf("%q is not the name of a setting", name))
		default:
			st.settings = append(st.settings, pair{name, value})
		}
	}
	st.readonly, err = readOnly(r.Method, parameters["readonly"])
	return st, err
}

// readOnly returns how a statement is restricted to reading, as in statement.readonly. The
// URL can make it stricter than the method, and not less strict.
func readOnly(method string, asked []string) (string, error) {
	level := ""
	if method == http.MethodGet {
		level = "2"
	}
	for _, value := range asked {
		switch value {
		case "0":
		case "1":
			level = "1"
		case "2":
			level = cmp.Or(level, "2")
		default:
			return "", newException(codeBadArguments, "BAD_ARGUMENTS", fmt.Sprintf("readonly is 0, 1 or 2, not %q", value))
		}
	}
	return level, nil
}

// decodeBody returns the request's body without its compression.
func decodeBody(r *http.Request, blocks bool) (io.Reader, error) {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		return nil, newException(codeNotImplemented, "NOT_IMPLEMENTED", "The embedded engine takes no external tables (multipart requests)")
	}
	body := io.Reader(r.Body)
	var err error
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
	case "gzip":
		body, err = gzip.NewReader(body)
	case "deflate":
		body, err = zlib.NewReader(body)
	default:
		return nil, newException(codeNotImplemented, "NOT_IMPLEMENTED", fmt.Sprintf("The embedded engine does not read Content-Encoding %q: use gzip or deflate", encoding))
	}
	if err != nil {
		return nil, newException(codeBadArguments, "BAD_ARGUMENTS", "The body is not what its Content-Encoding says: "+err.Error())
	}
	if blocks {
		source := &countingReader{Reader: body}
		body = &blockReader{source, compress.NewReader(source)}
	}
	return body, nil
}

// blockReader reads ClickHouse's own compression (decompress=1). Unlike compress.Reader it
// distinguishes the end of the blocks from a block that is cut short.
type blockReader struct {
	source *countingReader
	blocks *compress.Reader
}

func (b *blockReader) Read(p []byte) (int, error) {
	b.source.count = 0
	n, err := b.blocks.Read(p)
	if errors.Is(err, io.EOF) {
		if b.source.count == 0 {
			return n, io.EOF
		}
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

type countingReader struct {
	io.Reader
	count int
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.count += n
	return n, err
}

// compressedBlock is how many bytes of a result ClickHouse compresses at once.
const compressedBlock = 1 << 20

// compressBlocks frames a result as ClickHouse does for compress=1.
func compressBlocks(body []byte, name string) ([]byte, error) {
	method := compress.LZ4
	switch strings.ToUpper(name) {
	case "", "LZ4":
	case "ZSTD":
		method = compress.ZSTD
	default:
		return nil, newException(codeNotImplemented, "NOT_IMPLEMENTED", fmt.Sprintf("The embedded engine does not compress with %q: use LZ4 or ZSTD", name))
	}
	var (
		out    []byte
		writer = compress.NewWriter(compress.LevelZero, method)
	)
	for block := range slices.Chunk(body, compressedBlock) {
		if err := writer.Compress(block); err != nil {
			return nil, fmt.Errorf("compress a result: %w", err)
		}
		out = append(out, writer.Data...)
	}
	return out, nil
}

func enabled(flag string) bool { return flag == "1" || strings.EqualFold(flag, "true") }

func contentType(format string) string {
	if format == "TabSeparated" {
		return "text/tab-separated-values; charset=UTF-8"
	}
	return "application/octet-stream"
}

func plain(status int, text string) answer {
	header := http.Header{"Content-Type": {"text/plain; charset=UTF-8"}}
	return answer{status, header, []byte(text)}
}

// failure answers with an exception in the form clients parse.
func failure(err error) answer {
	var ex *exception
	if !errors.As(err, &ex) {
		ex = newException(codeEngine, "UNKNOWN_EXCEPTION", err.Error())
	}
	a := plain(ex.status(), ex.message+"\n")
	a.header.Set("X-ClickHouse-Exception-Code", strconv.Itoa(ex.code))
	return a
}
