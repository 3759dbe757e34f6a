package plainhttp

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// maxHeaders is how many header lines a plain request may have.
const maxHeaders = 48

// request is a plain request. It is used again for the next one on its connection.
type request struct {
	http.Request
	blank  http.Request // with the context
	peer   string       // address of the connection
	url    url.URL
	header http.Header
	values [maxHeaders]string // what the lists in the header are made of
	body   body
}

// read reads the request at the start of data into r, which must be clear, and returns
// its size; 0 if it is not plain, and then nothing of r is of use. The strings of the
// request share one copy of its head, which lives as long as one of them; the body is
// data's.
func (r *request) read(data []byte, plain func(path string) bool) (size int) {
	end := bytes.Index(data, []byte("\r\n\r\n"))
	if end < 0 {
		return 0
	}
	head, size := string(data[:end+2]), end+4
	line, lines, _ := strings.Cut(head, "\r\n")
	if !printable(line) || !r.readLine(line, plain) || !r.readHeader(lines) {
		return 0
	}
	length, ok := r.length()
	if !ok || length > len(data)-size {
		return 0
	}
	r.ContentLength = int64(length)
	r.Body = http.NoBody
	if length > 0 {
		r.body.Reset(data[size : size+length])
		r.Body = &r.body
	}
	return size + length
}

// readLine reads the first line.
func (r *request) readLine(line string, plain func(path string) bool) bool {
	method, rest, _ := strings.Cut(line, " ")
	target, version, _ := strings.Cut(rest, " ")
	path, query, found := strings.Cut(target, "?")
	if method != http.MethodGet && method != http.MethodPost || version != "HTTP/1.1" || !plain(path) {
		return false
	}
	r.url = url.URL{Path: path, RawQuery: query, ForceQuery: found && query == ""}
	r.Request = r.blank
	r.Method, r.URL, r.RequestURI = method, &r.url, target
	r.Proto, r.ProtoMajor, r.ProtoMinor = version, 1, 1
	r.Header, r.RemoteAddr = r.header, r.peer
	return true
}

// readHeader reads the lines of the header.
func (r *request) readHeader(lines string) bool {
	sizes := uint64(0) // has a bit for the length of each name so far, modulo 64
	for n := 0; lines != ""; n++ {
		end := strings.IndexByte(lines, '\r')
		if end < 0 || end+1 == len(lines) || lines[end+1] != '\n' {
			return false
		}
		name, value, ok := strings.Cut(lines[:end], ":")
		lines = lines[end+2:]
		if n == maxHeaders || !ok || !printable(value) {
			return false
		}
		if !isCanonical(name) { // as nearly all are
			if !httpguts.ValidHeaderFieldName(name) {
				return false
			}
			name = textproto.CanonicalMIMEHeaderKey(name)
		}
		value = strings.Trim(value, " ")
		switch name {
		case "Host":
			if r.Host != "" || value == "" || !httpguts.ValidHostHeader(value) {
				return false
			}
			r.Host = value
			continue
		case "Connection":
			if !strings.EqualFold(value, "keep-alive") {
				return false
			}
		case "Expect", "Pragma", "Trailer", "Transfer-Encoding", "Upgrade":
			return false // these change what the request is to net/http, each in its own way
		}
		r.values[n] = value
		values, size := r.values[n:n+1:n+1], uint64(1)<<(len(name)%64)
		if sizes&size != 0 { // else it stands here for the first time
			if known := r.header[name]; known != nil {
				values = append(known, value)
			}
		}
		r.header[name] = values
		sizes |= size
	}
	return r.Host != ""
}

// isCanonical reports whether a name is of words of ASCII letters that hyphens part, each
// with a capital: what textproto.CanonicalMIMEHeaderKey returns of it is the name.
func isCanonical(name string) bool {
	first := true
	for i := range len(name) {
		switch c := name[i]; {
		case c == '-':
			first = true
		case first && 'A' <= c && c <= 'Z', !first && 'a' <= c && c <= 'z':
			first = false
		default:
			return false
		}
	}
	return name != ""
}

// length returns the length of the body. That of a GET must not be told.
func (r *request) length() (n int, ok bool) {
	told := r.header["Content-Length"]
	if len(told) == 0 {
		return 0, true
	}
	digits := told[0]
	if len(told) > 1 || len(digits) == 0 || len(digits) > 4 || r.Method == http.MethodGet {
		return 0, false
	}
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, true
}

// clear lets go of what the request held.
func (r *request) clear() {
	clear(r.header)
	r.Request = http.Request{}
	r.url = url.URL{}
	clear(r.values[:])
	r.body.Reset(nil)
}

// body is a body that has come already.
type body struct{ bytes.Reader }

var _ io.ReadCloser = (*body)(nil)

func (*body) Close() error { return nil }

// printable reports whether s is printable ASCII, space included.
func printable(s string) bool {
	// Eight bytes at a time. A byte is as wanted if its high bit is 0, and stays 0 when
	// the first byte that is allowed is taken away, and when 1 is added.
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for ; len(s) >= 8; s = s[8:] {
		w := binary.LittleEndian.Uint64([]byte(s[:8]))
		if (w|(w-' '*ones)|(w+ones))&high != 0 {
			return false
		}
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
