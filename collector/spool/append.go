package spool

import (
	"fmt"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/fotspor/fotspor/hit"
)

// MaxRow is the room in bytes that Reserve takes for a row. A row of the collector
// is smaller: three paths of at most 1,024 bytes, a name and a host of 255 each,
// six texts on the source of 400 each, and a few hundred bytes of short ones.
const MaxRow = 8 << 10

// A Reservation is room in the spool for the rows of one request. It is for one
// goroutine, and is used up by its Append or Release.
type Reservation struct {
	spool *Spool
	bytes int64
}

// Reserve reserves space for one Append of at most the given number of rows, of
// MaxRow each. Whoever does work that can't be taken back before an Append asks
// first: an Append on the Reservation does not fail for the limit of the spool,
// only if the disk fails. Release must be called, mostly by defer.
//
// It returns ErrFull where there is no such room, and an error for more rows than a
// segment may hold. Two calls that race for the last room may both be refused.
func (s *Spool) Reserve(rows int) (Reservation, error) {
	if rows > s.opts.SegmentRows {
		return Reservation{}, fmt.Errorf("append %d rows: at most %d at a time", rows, s.opts.SegmentRows)
	}
	size := recordOverhead + int64(rows)*MaxRow
	if !s.take(size) {
		return Reservation{}, ErrFull
	}
	return Reservation{s, size}, nil
}

// Append is Spool.Append in the room that is reserved, the rest of which it gives
// back. More rows than that, or larger ones, need more room, and get ErrFull if
// there is none.
func (r *Reservation) Append(b hit.Batch) error {
	bytes := r.bytes
	r.bytes = 0
	return r.spool.append(b, bytes)
}

// Release gives back room that no Append has used. It may be called at any time,
// and on the zero Reservation.
func (r *Reservation) Release() {
	if r.bytes > 0 {
		r.spool.used.Add(-r.bytes)
		r.bytes = 0
	}
}

// take counts n bytes against the limit if they fit.
func (s *Spool) take(n int64) bool {
	if s.used.Add(n) <= s.opts.MaxBytes {
		return true
	}
	s.used.Add(-n)
	return false
}

// Append puts the rows and ledger entries of a batch at the end of the queue and returns
// once they are as durable as Options.Durability says. Appends that come while another is being written
// share the next write; there is no wait for more to come, save that goroutines
// which are ready to run go first. Of one call either all rows are kept or none,
// even across a crash.
//
// It returns ErrFull where the limit or the disk is full, ErrClosed after Close,
// and an error for more rows than a segment may hold or where the disk fails.
// After an error the rows are not stored, unless the disk fails again when they
// are taken back and the process dies after that.
func (s *Spool) Append(b hit.Batch) error { return s.append(b, 0) }

// records are buffers in which single records are made.
var records = sync.Pool{New: func() any { return new([]byte) }}

// append is Append, for which room is taken already.
func (s *Spool) append(data hit.Batch, room int64) error {
	rows := data.Len()
	if rows == 0 {
		s.used.Add(-room)
		return nil
	}
	if rows > s.opts.SegmentRows {
		s.used.Add(-room)
		return fmt.Errorf("append %d rows: at most %d at a time", rows, s.opts.SegmentRows)
	}
	record := records.Get().(*[]byte)
	*record = appendRecord((*record)[:0], data)
	b, leads, err := s.join(*record, rows, room)
	if cap(*record) <= maxSpare {
		records.Put(record)
	}
	if err != nil {
		return err
	}
	if leads {
		s.commit(b)
	} else {
		<-b.done
	}
	return b.err
}

// maxSpare is the size of the largest buffer that is used again: one huge call
// shall not hold its memory for ever.
const maxSpare = 1 << 20

// batch is what one write puts into the open segment: the records of one or more
// calls of Append. The call that began it leads: it lets those that are ready to run
// go first, waits for its turn to write, and until then others join.
type batch struct {
	buf  []byte
	rows int
	err  error         // set before done is closed
	done chan struct{} // closed when the batch is written, or has failed; nil while none waits
}

// join adds a record to the batch at hand, or leads a new one. It changes the room
// that is taken to the size of the record, or gives it back.
func (s *Spool) join(record []byte, rows int, room int64) (b *batch, leads bool, err error) {
	size := int64(len(record))
	if size <= room {
		s.used.Add(size - room)
	} else if size > maxRecord || !s.take(size-room) {
		s.used.Add(-room)
		return nil, false, ErrFull
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		s.used.Add(-size)
		return nil, false, ErrClosed
	}
	b = s.batch
	if b == nil || b.rows+rows > s.opts.SegmentRows || int64(len(b.buf)) >= s.opts.SegmentBytes {
		leads = true
		b = &batch{buf: s.spare[:0]}
		s.batch, s.spare = b, nil
	} else if b.done == nil {
		b.done = make(chan struct{})
	}
	b.buf = append(b.buf, record...)
	b.rows += rows
	return b, leads, nil
}

// commit writes a batch that this goroutine leads.
func (s *Spool) commit(b *batch) {
	runtime.Gosched() // whoever is ready to run may have rows too; nobody else is waited for
	s.writing.Lock()
	s.mu.Lock()
	if s.batch == b {
		s.batch = nil // nobody joins from here on
	}
	closed := s.closed
	s.mu.Unlock()
	if closed {
		b.err = ErrClosed
	} else {
		b.err = s.write(b)
	}
	s.writing.Unlock()

	size := int64(len(b.buf))
	s.mu.Lock()
	if b.err == nil {
		s.bytes += size
	} else {
		s.used.Add(-size)
	}
	if cap(b.buf) <= maxSpare {
		s.spare = b.buf
	}
	s.mu.Unlock()
	if b.done != nil {
		close(b.done)
	}
}

// write puts a batch into the open segment whole, or leaves no trace of it.
// s.writing is held.
func (s *Spool) write(b *batch) error {
	size := int64(len(b.buf))
	if o := s.open; o != nil && (o.rows+b.rows > s.opts.SegmentRows || o.size+size > s.opts.SegmentBytes) {
		s.seal()
	}
	if err := s.put(b.buf); err != nil {
		err = fmt.Errorf("write segment: %w", orFull(err))
		s.failed(err)
		s.abandon()
		return err
	}
	s.worked()
	seg := s.open
	seg.size += size
	seg.rows += b.rows
	if seg.rows == b.rows {
		s.enqueue(seg)
	}
	if seg.rows >= s.opts.SegmentRows || seg.size >= s.opts.SegmentBytes {
		s.seal()
	}
	return nil
}

// put writes data behind what is in the open segment, or in a new one, and makes
// it as durable as it shall be. s.writing is held.
func (s *Spool) put(data []byte) error {
	if s.open == nil {
		if err := s.begin(); err != nil {
			return err
		}
	}
	seg := s.open
	number(data, seg.mark, seg.rows)
	if _, err := seg.file.WriteAt(data, seg.size); err != nil || s.opts.Durability == Process {
		return err
	}
	if err := seg.file.Sync(); err != nil || seg.rows > 0 {
		return err
	}
	return s.fs.SyncDir(s.dir) // of a new file
}

// begin makes a new open segment. It is not in the queue before it has rows.
// s.writing is held.
func (s *Spool) begin() error {
	now := s.opts.Now()
	id := newID(now)
	seg := &segment{id: id, path: filepath.Join(s.dir, id+openSuffix), born: now, size: int64(headerSize), mark: markOf(id)}
	f, err := s.fs.Create(seg.path)
	if err != nil {
		return err
	}
	seg.file = f
	s.open = seg
	_, err = f.WriteAt(appendHeader(nil), 0)
	return err
}

// enqueue lets Drain know of the open segment.
func (s *Spool) enqueue(seg *segment) {
	s.mu.Lock()
	s.queue = append(s.queue, seg)
	s.count(int64(headerSize))
	s.mu.Unlock()
	s.wakeDrain()
}

// abandon ends the open segment after a write or sync of it has failed. How much
// of that is on disk can't be known, and a second sync would say yes without
// having done it: the unacknowledged end is cut off, and nothing is written to
// this file again. s.writing is held.
func (s *Spool) abandon() {
	seg := s.open
	if seg == nil {
		return
	}
	if seg.rows == 0 {
		// If this fails too, look finds the file, and finds nothing in it.
		s.open = nil
		seg.file.Truncate(0)
		seg.file.Close()
		s.fs.Remove(seg.path)
		return
	}
	if err := seg.file.Truncate(seg.size); err != nil {
		// This process reads no more than seg.size. One that comes after it
		// leaves out an unfinished end, by the suffix of a segment left open.
		s.opts.Logger.Error("segment keeps a write that failed", "segment", seg.id, "err", err)
		s.end()
		return
	}
	s.seal()
}

// seal ends the open segment, if there is one, and gives it its final name. Where
// that fails it is used under the name that it has; the id is the same.
// s.writing is held.
func (s *Spool) seal() {
	seg := s.open
	if seg == nil {
		return
	}
	path := s.pathOf(seg, sealedSuffix)
	if err := s.fs.Rename(seg.path, path); err != nil {
		s.opts.Logger.Warn("rename sealed segment", "segment", seg.id, "err", err)
	} else {
		seg.path = path
	}
	s.end()
}

// end hands the open segment to Drain. s.writing is held.
func (s *Spool) end() {
	seg := s.open
	s.open = nil
	if err := seg.file.Close(); err != nil {
		s.opts.Logger.Warn("close segment", "segment", seg.id, "err", err)
	}
	seg.file = nil
	s.mu.Lock()
	seg.sealed = true
	s.mu.Unlock()
	s.wakeDrain()
}
