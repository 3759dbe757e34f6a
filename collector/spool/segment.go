package spool

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/wire"
)

// A segment is a header and any number of records. Integers of fixed size are
// little-endian.
//
//	header   "fotspor" (7 bytes), version (1 byte)
//	record   mark of the segment (4 bytes), rows before it in the segment (4 bytes),
//	         length of payload (4 bytes), CRC-32C of payload (4 bytes),
//	         CRC-32C of these 16 bytes (4 bytes), payload, the mark with all bits
//	         inverted (4 bytes)
//	payload  a message in the encoding of package wire: one field, rowField, entryField or
//	         titleField, for each row, ledger entry or title of one call of Append, and at
//	         least one
//
// Where the spool counts rows, ledger entries and titles count as rows.
//
// The mark is a hash of the segment id, which is random. It shows where a record begins
// after damage, and a sender of hits can't put it into a text. At the end of a file, the
// inverted mark tells a damaged record from one whose write was cut short. The number of
// rows before a record shows whether a record is missing. The number of all rows is part
// of a sealed segment's name.
//
// Every later program reads segments of this version. An earlier program that reads this
// version skips fields that it does not know, since its store has no column for them. It
// counts a row of an unknown kind as lost, so that the file is kept. A change that such
// fields can't express takes a new version.
const (
	magic            = "fotspor"
	version          = 3
	headerSize       = len(magic) + 1
	markSize         = 4
	recordHeaderSize = 20
	recordOverhead   = recordHeaderSize + markSize
	maxRecord        = math.MaxUint32
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	// errShort means that the data end inside of a header or record, as after a write
	// that was cut short. The unfinished record was never acknowledged.
	errShort = errors.New("record is cut short")

	// errVersion means that another version of the program wrote the segment.
	errVersion = errors.New("segment was written by another version of the program; use that version to store it")

	// errDamaged means that acknowledged rows are missing.
	errDamaged = errors.New("segment is damaged")

	errEmpty = errors.New("record has no rows")
)

// mark begins each record of a segment.
type mark [markSize]byte

// markOf returns the mark of the segment with an id.
func markOf(id string) (m mark) {
	sum := sha256.Sum256(append([]byte{version}, id...))
	copy(m[:], sum[:])
	return m
}

// end returns the inverted mark, which ends each record.
func (m mark) end() mark {
	for i := range m {
		m[i] = ^m[i]
	}
	return m
}

// The fields of a payload.
const (
	rowField   = 1
	entryField = 2
	titleField = 3
)

var rowCodec = wire.NewRows(hit.Fields)

func appendHeader(b []byte) []byte { return append(append(b, magic...), version) }

// appendRecord appends one record that holds a batch. number fills in what depends on the
// segment.
func appendRecord(b []byte, batch hit.Batch) []byte {
	start := len(b)
	b = append(b, make([]byte, recordHeaderSize)...)
	for i := range batch.Rows {
		b = wire.AppendMessage(b, rowField, func(b []byte) []byte { return rowCodec.Append(b, &batch.Rows[i]) })
	}
	for i := range batch.Ledger {
		b = wire.AppendMessage(b, entryField, func(b []byte) []byte { return wire.AppendEntry(b, &batch.Ledger[i]) })
	}
	for i := range batch.Titles {
		b = wire.AppendMessage(b, titleField, func(b []byte) []byte { return wire.AppendTitle(b, &batch.Titles[i]) })
	}
	record := b[start:]
	payload := record[recordHeaderSize:]
	binary.LittleEndian.PutUint32(record[4:], uint32(batch.Len()))
	binary.LittleEndian.PutUint32(record[8:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(record[12:], crc32.Checksum(payload, castagnoli))
	return append(b, make([]byte, markSize)...)
}

// number completes records of appendRecord for the segment with mark m, which has before
// rows already.
func number(records []byte, m mark, before int) {
	for end := m.end(); len(records) > 0; {
		rows := binary.LittleEndian.Uint32(records[4:])
		size := recordHeaderSize + int(binary.LittleEndian.Uint32(records[8:]))
		copy(records, m[:])
		binary.LittleEndian.PutUint32(records[4:], uint32(before))
		binary.LittleEndian.PutUint32(records[16:], crc32.Checksum(records[:16], castagnoli))
		copy(records[size:], end[:])
		before += int(rows)
		records = records[size+markSize:]
	}
}

// unknown stands for the number of rows of a segment that was left open.
const unknown = -1

// blockRows is how many rows decodeSegment hands over at a time, or those of one Append if
// they are more: few enough to stay in the processor's cache until they are taken.
const blockRows = 128

// copyBytes is how much of a segment decodeSegment copies at a time for the texts of rows, or
// one record if that is longer. One copy of all would be memory that the system has to provide
// anew for each segment.
const copyBytes = 64 << 10

// content is what decodeSegment reads in a segment.
type content struct {
	batch hit.Batch // ledger entries and titles in order; no rows
	read  int       // number of rows, ledger entries and titles
	lost  int       // acknowledged rows that are missing; at least so many if their number is unknown
	torn  int       // bytes of an unfinished write at the end
	at    int       // offset of the first damage, if there is any
	err   error     // nil, or an error that matches errShort, errDamaged or errVersion
}

// decodeSegment reads every complete record of a segment, also those after damage. The
// same data give the same rows. rows is the number of acknowledged rows, or unknown.
// add gets the rows in order, some at a time; they are good until it returns.
// decodeSegment accepts any data; content.err is
//
//   - errDamaged if acknowledged rows are missing. If rows is unknown, that is so if a
//     record is missing before another, or the end is neither a record nor the beginning
//     of one.
//   - errShort if the segment ends in the beginning of a record, as a killed process
//     leaves it.
//   - errVersion if the segment has the format of another version.
func decodeSegment(data []byte, id string, rows int, add func([]hit.Row)) (c content) {
	m := markOf(id)
	end := m.end()
	headed := len(data) >= headerSize && string(data[:len(magic)]) == magic
	block := make([]hit.Row, 0, blockRows)
	var text string    // a copy of some records, which the texts of their rows share
	copied := 0        // its offset in data
	next, good := 0, 0 // number of rows so far, missing ones included; end of the last record
	if headed {
		good = headerSize
	}
	first := -1  // offset of the first damage
	headers := 0 // record headers since the last record
	at := 0      // not headerSize: a part of the segment's header may be missing
	for at < len(data) {
		h, ok := headerOf(data[at:], m)
		if ok {
			headers++
		}
		if ok && h.before >= next && h.whole(data[at:]) {
			from, to := at+recordHeaderSize, at+recordHeaderSize+h.length
			if from < copied || to > copied+len(text) {
				copied, text = from, string(data[from:max(to, min(from+copyBytes, len(data)))])
			}
			c.batch.Rows = block
			if all, n, err := decodePayload(c.batch, text[from-copied:to-copied]); err == nil {
				if h.before > next && first < 0 {
					first = good
				}
				read := all.Len() - c.batch.Len()
				c.lost += h.before - next + n - read
				if next = h.before + n; rows == unknown || next <= rows { // further rows were never acknowledged
					c.batch, c.read = all, c.read+read
				}
				if block = c.batch.Rows; len(block) >= blockRows {
					add(block)
					block = block[:0]
				}
				if bytes.HasPrefix(data[to:], end[:]) || to+markSize == len(data) {
					to += markSize
				}
				at, good, headers = to, to, 0
				continue
			}
		}
		i := bytes.Index(data[at+1:], m[:])
		if i < 0 {
			break
		}
		at += 1 + i
	}
	if len(block) > 0 {
		add(block)
	}
	c.batch.Rows = nil
	tail := data[good:]
	if rows != unknown {
		c.lost = rows - c.read
	} else if len(tail) > 0 && !unfinished(tail, m, next, headers) {
		c.lost++
	}
	switch {
	case headed && data[len(magic)] != version && !bytes.Contains(data, m[:]):
		c.lost, c.err = 0, fmt.Errorf("%w: it has format %d, and this program reads %d", errVersion, data[len(magic)], version)
	case c.lost > 0:
		if c.at = first; first < 0 {
			c.at = good
		}
		c.err = errDamaged
	case len(tail) > 0 || len(data) < headerSize:
		c.torn, c.err = len(tail), errShort
	}
	return c
}

// unfinished reports whether tail is part of a write that was cut short because the
// process was killed: the end of the last record, or the beginning of the next one. tail
// follows the last record of a segment that was left open. headers is the number of
// record headers in it.
func unfinished(tail []byte, m mark, next, headers int) bool {
	end := m.end()
	switch {
	case next == 0 && len(tail) <= headerSize: // at most the header of the segment
		return true
	case bytes.HasSuffix(tail, end[:]): // the write was complete, so this is damage
		return false
	case bytes.HasPrefix(end[:], tail):
		return next > 0
	case len(tail) >= recordHeaderSize:
		h, ok := headerOf(tail, m)
		return ok && headers == 1 && h.before == next && h.length > len(tail)-recordHeaderSize
	}
	var want [8]byte
	copy(want[:], m[:])
	binary.LittleEndian.PutUint32(want[markSize:], uint32(next))
	n := min(len(tail), len(want))
	return bytes.Equal(tail[:n], want[:n])
}

// recordHeader is the header of a record, apart from its mark and own checksum.
type recordHeader struct {
	before, length int
	sum            uint32
}

// headerOf returns the header of the record at the start of data, if there is one.
func headerOf(data []byte, m mark) (h recordHeader, ok bool) {
	if len(data) < recordHeaderSize || mark(data[:markSize]) != m ||
		crc32.Checksum(data[:16], castagnoli) != binary.LittleEndian.Uint32(data[16:]) {
		return h, false
	}
	return recordHeader{
		before: int(binary.LittleEndian.Uint32(data[4:])),
		length: int(binary.LittleEndian.Uint32(data[8:])),
		sum:    binary.LittleEndian.Uint32(data[12:]),
	}, true
}

// whole reports whether the payload of the record at the start of data is complete and
// has the right checksum.
func (h recordHeader) whole(data []byte) bool {
	data = data[recordHeaderSize:]
	return h.length <= len(data) && crc32.Checksum(data[:h.length], castagnoli) == h.sum
}

// decodePayload appends the rows of a payload to a batch. n is their number, those of an
// unknown kind included. The texts of the rows share the memory of the payload.
func decodePayload(to hit.Batch, payload string) (all hit.Batch, n int, err error) {
	m := wire.Read(payload)
	for ; m.Next(); n++ {
		switch m.Number {
		case rowField:
			to.Rows = append(to.Rows, hit.Row{})
			err = rowCodec.Read(m.Text(len(payload)), &to.Rows[len(to.Rows)-1])
		case entryField:
			to.Ledger = append(to.Ledger, hit.LedgerEntry{})
			err = wire.ReadEntry(m.Text(len(payload)), &to.Ledger[len(to.Ledger)-1])
		case titleField:
			to.Titles = append(to.Titles, hit.PageTitle{})
			err = wire.ReadTitle(m.Text(len(payload)), &to.Titles[len(to.Titles)-1])
		}
		if err != nil {
			return to, n, err
		}
	}
	if m.Err() == nil && n == 0 {
		return to, 0, errEmpty
	}
	return to, n, m.Err()
}
