package spool

import (
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/fotspor/fotspor/hit"
)

// MaxRow is the space in bytes that Reserve reserves for a row, and for the title that may
// come with it. Those of the collector are smaller: four paths of at most 1,024 bytes, a
// name, a host and a title of 255 each, six texts on the source of 400 each, and a few
// hundred bytes of short texts.
const MaxRow = 8 << 10

// A Reservation is reserved space in the spool for the rows of one request. It is not
// safe for concurrent use. Its first Append or Release uses it up.
type Reservation struct {
	spool *Spool
	bytes int64
}

// Reserve reserves space for one Append of at most the given number of rows, of
// MaxRow each. It is for callers whose work before an Append can't be undone: an Append
// on the Reservation never fails because of the spool's limit, only if the disk fails.
// Release must be called, usually by defer.
//
// Reserve returns ErrFull if there is too little space, and an error for more rows than
// a segment may hold. Two concurrent calls may both get ErrFull although there is space
// for one of them.
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

// Append is Spool.Append into the reserved space. It releases what is left over. More or
// larger rows than were reserved take further space, or get ErrFull if there is too
// little.
func (r *Reservation) Append(b hit.Batch) error {
	bytes := r.bytes
	r.bytes = 0
	return r.spool.append(b, bytes)
}

// Release releases the space that no Append has used. It may be called at any time,
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

// Append puts the rows, ledger entries and titles of a batch at the end of the queue and
// returns once they are as durable as Options.Durability says. Calls that come during a write
// share the next one. Append does not wait for more calls, except that goroutines which
// are ready to run go first. Either all rows of a call are kept or none, even across a
// crash.
//
// Append returns ErrFull if the limit is reached or the disk is full, ErrClosed after
// Close, and an error for more rows than a segment may hold or if the disk fails.
// After an error the rows are not stored, unless removing them from the file fails too
// and the process dies after that.
func (s *Spool) Append(b hit.Batch) error { return s.append(b, 0) }

// records are the buffers in which appends encode their records.
var records = sync.Pool{New: func() any { return new([]byte) }}

// append is Append with a number of bytes reserved already.
func (s *Spool) append(data hit.Batch, reserved int64) error {
	rows := data.Len()
	if rows == 0 {
		s.used.Add(-reserved)
		return nil
	}
	if rows > s.opts.SegmentRows {
		s.used.Add(-reserved)
		return fmt.Errorf("append %d rows: at most %d at a time", rows, s.opts.SegmentRows)
	}
	record := records.Get().(*[]byte)
	*record = appendRecord((*record)[:0], data)
	b, leads, err := s.join(*record, rows, reserved)
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

// maxSpare is the capacity in bytes of the largest buffer that is reused, so that one
// huge call does not hold its memory for ever.
const maxSpare = 1 << 20

// batch is what one write adds to the open segment: the records of one or more
// calls of Append. The call that began the batch leads it: it yields to goroutines that
// are ready to run, waits for its turn and writes. Until it writes, other calls may join.
type batch struct {
	buf  []byte
	rows int
	err  error         // set before done is closed
	done chan struct{} // closed when the batch is written or has failed; nil if only the leader waits for it
}

// join adds a record to the current batch, or begins a new batch that the caller leads.
// It changes the reserved bytes to the size of the record, or releases them on an error.
func (s *Spool) join(record []byte, rows int, reserved int64) (b *batch, leads bool, err error) {
	size := int64(len(record))
	if size <= reserved {
		s.used.Add(size - reserved)
	} else if size > maxRecord || !s.take(size-reserved) {
		s.used.Add(-reserved)
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
	runtime.Gosched() // goroutines that are ready to run may have rows for this batch
	s.writing.Lock()
	s.mu.Lock()
	if s.batch == b {
		s.batch = nil // no call joins from here on
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

// write adds a batch to the open segment. If it fails, the segment holds nothing of the
// batch. s.writing is held.
func (s *Spool) write(b *batch) error {
	size := int64(len(b.buf))
	if o := s.open; o != nil && (o.rows+b.rows > s.opts.SegmentRows || o.size+size > s.opts.SegmentBytes) {
		s.seal()
	}
	start := time.Now()
	if err := s.put(b.buf); err != nil {
		err = fmt.Errorf("write segment: %w", orFull(err))
		s.failed(err)
		s.abandon()
		return err
	}
	s.metrics.writes.Observe(time.Since(start).Seconds())
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

// put writes data at the end of the open segment, or into a new one, and makes it as
// durable as Options.Durability says. s.writing is held.
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
	return s.fs.SyncDir(s.dir) // the file is new
}

// begin makes a new open segment. It enters the queue with its first rows.
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

// enqueue adds the open segment to the queue and wakes Drain.
func (s *Spool) enqueue(seg *segment) {
	s.mu.Lock()
	s.queue = append(s.queue, seg)
	s.count(int64(headerSize))
	s.mu.Unlock()
	s.wakeDrain()
}

// abandon ends the open segment after a write or sync of it has failed. It is unknown
// how much of the write is on disk, and a second sync could report success without
// writing the data. So abandon cuts off the unacknowledged end, and nothing is written
// to this file again. s.writing is held.
func (s *Spool) abandon() {
	seg := s.open
	if seg == nil {
		return
	}
	if seg.rows == 0 {
		// If this fails too, look removes the file later.
		s.open = nil
		seg.file.Truncate(0)
		seg.file.Close()
		s.fs.Remove(seg.path)
		return
	}
	if err := seg.file.Truncate(seg.size); err != nil {
		// This process reads no more than seg.size. The next process sees by the
		// suffix that the segment was left open, and skips an unfinished end.
		s.opts.Logger.Error("failed write can't be cut off the segment", "segment", seg.id, "err", err)
		s.end()
		return
	}
	s.seal()
}

// seal ends the open segment, if there is one, and gives the file its final name. If
// renaming fails, the file keeps its name; the segment id is the same in both.
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
