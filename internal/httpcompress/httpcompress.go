// Package httpcompress compresses answers by gzip or zstd, whichever the client accepts.
package httpcompress

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// The codings, by their names in Content-Encoding; "" is none.
const (
	plain  = ""
	gzipc  = "gzip"
	zstdc  = "zstd"
	window = 256 << 10 // bytes of an answer that zstd looks back; browsers take 8 MB
)

// least is the size below which an answer stays as it is, in bytes: it fits into a packet.
const least = 1 << 10

// Bytes returns the body of an answer to r as r accepts it, and sets Content-Encoding and
// Vary in header. A body below 1 kB is returned unchanged. The memory of the encoders does
// not grow with the number of requests: there are as many of each kind as processors, and
// who needs one waits for it.
//
// An answer that holds a secret must not be compressed if another site began the request
// and can choose a part of the answer: its size would tell of the secret (BREACH,
// https://breachattack.com). FromElsewhere tells.
func Bytes(header http.Header, r *http.Request, body []byte) []byte {
	if len(body) < least {
		return body
	}
	header.Add("Vary", "Accept-Encoding")
	liked := accepted(r)
	if len(liked) == 0 {
		return body
	}
	coding := liked[len(liked)-1] // zstd before gzip: it takes less time
	header.Set("Content-Encoding", coding)
	if coding == zstdc {
		return fast().zstd.EncodeAll(body, make([]byte, 0, len(body)/2))
	}
	return fast().gzip(body)
}

// FromElsewhere reports whether a page of another site began a request, as its browser
// says (https://www.w3.org/TR/fetch-metadata/).
func FromElsewhere(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "cross-site" || site == "same-site"
}

// encoders are what compresses while clients wait.
type encoders struct {
	zstd  *zstd.Encoder     // has as many encoders in it as processors
	gzips chan *gzip.Writer // as many
}

// fast makes the encoders when they are first needed.
var fast = sync.OnceValue(func() encoders {
	n := runtime.GOMAXPROCS(0)
	e := encoders{newZstd(zstd.SpeedDefault, n), make(chan *gzip.Writer, n)}
	for range n {
		e.gzips <- newGzip(5) // beyond it the size falls by less than a hundredth
	}
	return e
})

func (e encoders) gzip(body []byte) []byte {
	w := <-e.gzips
	defer func() { e.gzips <- w }()
	return packed(w, body)
}

func packed(w *gzip.Writer, body []byte) []byte {
	out := bytes.NewBuffer(make([]byte, 0, len(body)/2))
	w.Reset(out)
	w.Write(body) // a buffer takes everything
	w.Close()
	return out.Bytes()
}

func newGzip(level int) *gzip.Writer {
	w, err := gzip.NewWriterLevel(nil, level)
	if err != nil {
		panic("httpcompress: " + err.Error()) // the levels are constant
	}
	return w
}

func newZstd(level zstd.EncoderLevel, concurrency int) *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(concurrency),
		zstd.WithWindowSize(window), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic("httpcompress: " + err.Error()) // the options are constant
	}
	return e
}

// accepted returns those of gzip and zstd that a request likes best (RFC 9110, section
// 12.5.3): both, one or, if it accepts neither or rather has no coding, none.
func accepted(r *http.Request) []string {
	weights := map[string]float64{} // one that can't be read is 0
	for _, field := range r.Header.Values("Accept-Encoding") {
		for one := range strings.SplitSeq(field, ",") {
			coding, parameter, weighed := strings.Cut(one, ";")
			weight := 1.0
			if weighed {
				weight = weightOf(parameter)
			}
			weights[strings.ToLower(strings.TrimSpace(coding))] = weight
		}
	}
	weight := func(coding string) float64 {
		if q, ok := weights[coding]; ok {
			return q
		}
		return weights["*"]
	}
	most := max(weight(gzipc), weight(zstdc))
	if most == 0 || most < weights["identity"] {
		return nil
	}
	return slices.DeleteFunc([]string{gzipc, zstdc}, func(coding string) bool { return weight(coding) < most })
}

// weightOf reads a parameter such as q=0.5.
func weightOf(parameter string) float64 {
	name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || !strings.EqualFold(strings.TrimSpace(name), "q") || !(q >= 0 && q <= 1) {
		return 0
	}
	return q
}

// Static is an answer that is always the same, compressed once, when somebody first asks for
// it. It is safe for concurrent use.
type Static struct {
	bodies map[string]func() []byte // by coding
	hash   string
}

// NewStatic returns an answer that is compressed as well as can be.
func NewStatic(body []byte) *Static {
	sum := sha256.Sum256(body)
	return &Static{map[string]func() []byte{
		plain: func() []byte { return body },
		gzipc: sync.OnceValue(func() []byte { return packed(newGzip(gzip.BestCompression), body) }),
		zstdc: sync.OnceValue(func() []byte { return newZstd(zstd.SpeedBetterCompression, 1).EncodeAll(body, nil) }),
	}, hex.EncodeToString(sum[:8])}
}

// ServeHTTP answers with the smallest of the forms that the request likes best, as
// http.ServeContent does. Content-Type is to be set. Each form has its own ETag.
func (s *Static) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Add("Vary", "Accept-Encoding")
	best, tag := s.bodies[plain](), s.hash
	for _, coding := range accepted(r) {
		if body := s.bodies[coding](); len(body) < len(best) {
			best, tag = body, s.hash+"-"+coding
			header.Set("Content-Encoding", coding)
		}
	}
	header.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(best))
}
