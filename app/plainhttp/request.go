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

	// Of the header that the next request may use again: its names as they were sent, each
	// with a colon, and as net/http writes them. names is "" if there is none.
	names string
	keys  []string
	sent  []byte // names while they are read
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
	if r.names != "" {
		if r.refill(lines) {
			return r.Host != ""
		}
		r.names, r.Host = "", ""
	}
	clear(r.header)
	r.keys, r.sent = r.keys[:0], r.sent[:0]
	for lines != "" {
		name, value, rest, ok := cutLine(lines)
		if !ok || len(r.keys) == maxHeaders {
			return false
		}
		key := name
		if !isCanonical(name) { // as nearly all are
			if !httpguts.ValidHeaderFieldName(name) {
				return false
			}
			key = textproto.CanonicalMIMEHeaderKey(name)
		}
		if !r.readValue(key, len(r.keys), value) {
			return false
		}
		r.keys, r.sent, lines = append(r.keys, key), append(append(r.sent, name...), ':'), rest
	}
	r.makeHeader()
	return r.Host != ""
}

// makeHeader makes the header of the lines that were read. Its names are copies, so that
// they may outlive the head.
func (r *request) makeHeader() {
	r.names = string(r.sent)
	repeated := false
	sizes := uint64(0) // has a bit for the length of each name so far, modulo 64
	for n, left := 0, r.names; n < len(r.keys); n++ {
		var name string
		if name, left, _ = strings.Cut(left, ":"); name == r.keys[n] {
			r.keys[n] = name
		}
		key := r.keys[n]
		if key == "Host" {
			continue
		}
		values, size := r.values[n:n+1:n+1], uint64(1)<<(len(key)%64)
		if sizes&size != 0 { // else it stands here for the first time
			if known := r.header[key]; known != nil {
				values, repeated = append(known, values...), true
			}
		}
		r.header[key] = values
		sizes |= size
	}
	if repeated { // a list of copies would not follow the next values
		r.names = ""
	}
}

// refill reads the lines of a header that has the same names as the last one on this
// connection, in the same order, and reports whether it was one: then the map is right as
// it is, with the new values. To fill a map takes longer than to read all lines.
func (r *request) refill(lines string) bool {
	names := r.names
	for n := 0; lines != ""; n++ {
		name, value, rest, ok := cutLine(lines)
		if !ok {
			return false
		}
		if names, ok = strings.CutPrefix(names, lines[:len(name)+1]); !ok || !r.readValue(r.keys[n], n, value) {
			return false
		}
		lines = rest
	}
	return names == ""
}

// cutLine returns name and value of the first of some lines, the value with the spaces
// around it, and the lines behind.
func cutLine(lines string) (name, value, rest string, ok bool) {
	end := strings.IndexByte(lines, '\r')
	if end < 0 || end+1 == len(lines) || lines[end+1] != '\n' {
		return "", "", "", false
	}
	colon := strings.IndexByte(lines[:end], ':')
	if colon < 0 {
		return "", "", "", false
	}
	return lines[:colon], lines[colon+1 : end], lines[end+2:], true
}

// readValue reads the value of the line with a number.
func (r *request) readValue(key string, n int, value string) bool {
	if !printable(value) {
		return false
	}
	value = strings.Trim(value, " ")
	switch key {
	case "Host":
		if r.Host != "" || value == "" || !httpguts.ValidHostHeader(value) {
			return false
		}
		r.Host = value
		return true
	case "Connection":
		if !strings.EqualFold(value, "keep-alive") {
			return false
		}
	case "Expect", "Pragma", "Trailer", "Transfer-Encoding", "Upgrade":
		return false // these change what the request is to net/http, each in its own way
	}
	r.values[n] = value
	return true
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

// clear lets go of what the request held, but for the names in its header.
func (r *request) clear() {
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
