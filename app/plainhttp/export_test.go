package plainhttp

import "net/http"

// Read reads the request at the start of data after others on its connection, and returns
// nil and 0 if it is not plain.
func Read(data []byte, plain func(path string) bool, before ...[]byte) (*http.Request, int) {
	r := &request{header: http.Header{}}
	for _, data := range before {
		r.read(data, plain)
		r.clear()
	}
	size := r.read(data, plain)
	if size == 0 {
		return nil, 0
	}
	return &r.Request, size
}

// Reader reads requests as a connection does, one into the memory of the other.
type Reader struct {
	request
	plain func(path string) bool
}

func NewReader(plain func(path string) bool) *Reader {
	return &Reader{request{header: http.Header{}}, plain}
}

func (r *Reader) Read(data []byte) (size int) {
	defer r.clear()
	return r.read(data, r.plain)
}

// IsCanonical is isCanonical.
var IsCanonical = isCanonical

// H2 returns how many connections of HTTP/2 are counted.
func (s *Server) H2() int64 { return s.h2.Load() }

// FillH2 counts n times as many connections as may be more.
func (s *Server) FillH2(n int64) { s.h2.Add(n * mostH2) }
