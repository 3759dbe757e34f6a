package body

import (
	"container/list"
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

// Body is a body in memory of a Budget.
type Body struct {
	budget  *Budget
	control *http.ResponseController
	began   time.Time

	chunks [][]byte
	length int
	at     int // where Read goes on

	// The rest belongs to the lock of the budget.
	network      *network
	held         int64
	want         int64         // more, while it waits
	settled      chan error    // whether it has got that
	since        time.Time     // when the step under way began, or it began to wait
	cut          bool          // it has to leave
	wait         *list.Element // its place among those who wait
	inAll, inOwn *list.Element // its places among those whose step is under way
}

var _ Whole = (*Body)(nil)

// read reads the body of r, whose network has the given key.
func (b *Body) read(r *http.Request, key uint64, limit int64) error {
	if r.ContentLength > limit {
		return &http.MaxBytesError{Limit: limit}
	}
	b.budget.enter(b, key)
	for {
		size := step
		if b.length == 0 {
			size = firstStep
		}
		if r.ContentLength >= 0 { // at least one byte, behind which is the end
			size = max(1, min(size, int(r.ContentLength)-b.length))
		}
		if err := b.budget.take(r.Context(), b, int64(size)); err != nil {
			return err
		}
		whole, err := b.fill(r.Body, size)
		switch {
		case err != nil:
			return err
		case int64(b.length) > limit:
			return &http.MaxBytesError{Limit: limit}
		case whole:
			r.ContentLength = int64(b.length)
			return nil
		}
	}
}

// fill reads the next step of the body, of size bytes, and reports whether it was the
// last one.
func (b *Body) fill(from io.Reader, size int) (last bool, err error) {
	if !b.begin() {
		return false, ErrMemory
	}
	var chunk []byte
	if size == step {
		chunk = b.budget.chunks.Get().(*[step]byte)[:]
	} else {
		chunk = make([]byte, size)
	}
	n := 0
	for n < size && err == nil {
		var more int
		more, err = from.Read(chunk[n:])
		n += more
	}
	b.chunks = append(b.chunks, chunk[:n])
	b.length += n
	switch {
	case err == nil:
		return false, nil
	case err == io.EOF:
		b.end()
		return true, nil
	case b.end():
		return false, ErrMemory
	case errors.Is(err, os.ErrDeadlineExceeded):
		return false, ErrSlow
	default:
		return false, ErrIncomplete // err may tell an address
	}
}

// begin sets the time for a step. It returns false if the body has to leave.
func (b *Body) begin() bool {
	b.budget.mu.Lock()
	defer b.budget.mu.Unlock()
	if b.cut {
		return false
	}
	deadline := time.Now().Add(stepTime)
	if last := b.began.Add(wholeTime); last.Before(deadline) {
		deadline = last
	}
	b.control.SetReadDeadline(deadline) // what knows no deadlines, as in tests, takes its time
	return true
}

// end ends the last step, and reports whether the body had to leave.
func (b *Body) end() (cut bool) {
	b.budget.mu.Lock()
	defer b.budget.mu.Unlock()
	b.budget.pause(b)
	return b.cut
}

// Len implements Whole.
func (b *Body) Len() int { return b.length - b.at }

// Read implements Whole.
func (b *Body) Read(p []byte) (n int, err error) {
	for n < len(p) {
		chunk := b.rest()
		if len(chunk) == 0 {
			break
		}
		more := copy(p[n:], chunk)
		n += more
		b.at += more
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// rest returns what has not been read of the chunk that Read has come to. The first
// chunk may be shorter than the others, which are full but for the last.
func (b *Body) rest() []byte {
	if len(b.chunks) == 0 {
		return nil
	}
	first := len(b.chunks[0])
	if b.at < first {
		return b.chunks[0][b.at:]
	}
	at := b.at - first
	if i := 1 + at/step; i < len(b.chunks) {
		return b.chunks[i][at%step:]
	}
	return nil
}

// ReadByte implements Whole.
func (b *Body) ReadByte() (byte, error) {
	chunk := b.rest()
	if len(chunk) == 0 {
		return 0, io.EOF
	}
	b.at++
	return chunk[0], nil
}

// UnreadByte implements Whole.
func (b *Body) UnreadByte() error {
	if b.at == 0 {
		return errors.New("body: nothing has been read")
	}
	b.at--
	return nil
}

// Close gives the memory of the body back. What was not read is gone. It may be called
// twice.
func (b *Body) Close() error {
	if b.network == nil {
		return nil
	}
	for _, chunk := range b.chunks {
		if cap(chunk) == step {
			b.budget.chunks.Put((*[step]byte)(chunk[:step]))
		}
	}
	b.chunks, b.length, b.at = nil, 0, 0
	b.budget.leave(b)
	b.network = nil
	return nil
}
