package plainhttp

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// largestKept is how large an answer may be for its memory to be kept for the next one.
const largestKept = 4 << 10

// response gathers an answer. It is used again for the next one on its connection.
type response struct {
	header http.Header
	status int
	body   []byte
	date   []byte // as it was last told
	second int64  // when that was
}

var _ http.ResponseWriter = (*response)(nil)

func (w *response) Header() http.Header { return w.header }

// WriteHeader sets the status. Only the first call counts, and news of an answer to
// come (1xx) is not sent.
func (w *response) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
}

func (w *response) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if !w.hasBody() {
		return 0, http.ErrBodyNotAllowed
	}
	w.body = append(w.body, b...)
	return len(b), nil
}

// hasBody reports whether an answer of this status has one (RFC 9110, 6.4.1).
func (w *response) hasBody() bool {
	return w.status != http.StatusNoContent && w.status != http.StatusNotModified
}

// last reports whether the handler wants the connection to end with this answer.
func (w *response) last() bool { return w.header.Get("Connection") == "close" }

// appendTo appends the whole answer to b, given now. It tells the client that it is the
// last on its connection if it is. The handler has no say in length, coding
// and time.
func (w *response) appendTo(b []byte, now time.Time, last bool) []byte {
	w.WriteHeader(http.StatusOK)
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(w.status), 10)
	b = append(append(b, ' '), http.StatusText(w.status)...)
	b = append(append(b, "\r\nDate: "...), w.dateOf(now)...)
	if last {
		b = append(b, "\r\nConnection: close"...)
	}
	if w.hasBody() {
		b = append(b, "\r\nContent-Length: "...)
		b = strconv.AppendInt(b, int64(len(w.body)), 10)
		if len(w.body) > 0 && w.header["Content-Type"] == nil && w.header["Content-Encoding"] == nil {
			b = append(append(b, "\r\nContent-Type: "...), http.DetectContentType(w.body)...)
		}
	}
	for name, values := range w.header {
		switch name {
		case "Content-Length", "Transfer-Encoding", "Date", "Connection":
			continue
		}
		for _, value := range values {
			b = append(append(b, "\r\n"...), name...)
			b = append(append(b, ": "...), oneLine(value)...)
		}
	}
	return append(append(b, "\r\n\r\n"...), w.body...)
}

// dateOf returns a time as answers tell it, to the second.
func (w *response) dateOf(now time.Time) []byte {
	if now.Unix() != w.second {
		w.second = now.Unix()
		w.date = now.UTC().AppendFormat(w.date[:0], http.TimeFormat)
	}
	return w.date
}

// clear makes room for the next answer.
func (w *response) clear() {
	clear(w.header)
	w.status, w.body = 0, w.body[:0]
	if cap(w.body) > largestKept {
		w.body = nil
	}
}

var lineEnds = strings.NewReplacer("\r", " ", "\n", " ")

// oneLine returns the value of a header without line ends, behind which a client would
// read another one.
func oneLine(value string) string {
	for i := range len(value) {
		if value[i] == '\r' || value[i] == '\n' {
			return lineEnds.Replace(value)
		}
	}
	return value
}
