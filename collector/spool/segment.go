package spool

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"math/bits"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
)

// A segment is a header and any number of records. Integers of fixed size are
// little-endian; varint and uvarint are those of encoding/binary.
//
//	header   "fotspor" (7 bytes), version (1 byte)
//	record   mark of the segment (4 bytes), rows before it in the segment (4 bytes),
//	         length of payload (4 bytes), CRC-32C of payload (4 bytes),
//	         CRC-32C of these 16 bytes (4 bytes), payload, the mark with all bits
//	         inverted (4 bytes)
//	payload  one or more rows, those of one call of Append
//	row      site (uvarint), time (varint, Unix seconds), day (varint),
//	         value (uvarint of the bytes of the float64 in reverse order),
//	         every text (uvarint length, bytes), every measure (varint),
//	         other (uvarint)
//
// The mark follows from the name of the segment, which is random: it shows where a
// record begins behind damage, and nobody who sends hits can put one into a text. At the
// end of a file its inversion tells a damaged record from one whose write was cut short.
// The number of rows before a record tells when there is one missing. That of all rows
// is part of a sealed segment's name.
//
// The order of texts and measures is that of the functions texts and measures. A
// change of anything here takes a new version.
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
	// errShort: the data end inside of a header or record, as after a write that was
	// cut short. Nothing of that was acknowledged.
	errShort = errors.New("record is cut short")

	// errVersion: another version of the program wrote it.
	errVersion = errors.New("segment has a format that this version does not read")

	// errDamaged: acknowledged rows are missing.
	errDamaged = errors.New("segment is damaged")

	errRow = errors.New("row does not decode")
)

// mark is that of a segment.
type mark [markSize]byte

// markOf returns the mark of the segment with a token.
func markOf(token string) (m mark) {
	sum := sha256.Sum256(append([]byte{version}, token...))
	copy(m[:], sum[:])
	return m
}

// end returns what stands at the end of each record.
func (m mark) end() mark {
	for i := range m {
		m[i] = ^m[i]
	}
	return m
}

// texts lists every string of a row, in the order in which they are stored.
func texts(r *hit.Row) [21]*string {
	return [...]*string{
		(*string)(&r.Kind), &r.Path, &r.Host, &r.Name, &r.Network, &r.Country, &r.Region,
		&r.Browser, &r.BrowserVersion, &r.OS, &r.Device, &r.Language,
		&r.Channel, &r.Source, &r.Campaign, &r.CampaignSource, &r.CampaignMedium,
		&r.CampaignTerm, &r.CampaignContent, &r.EntryPath, &r.PreviousPath,
	}
}

// measures lists every measure of a row, in the order in which they are stored.
func measures(r *hit.Row) [8]*int32 {
	return [...]*int32{&r.Pageviews, &r.Visits, &r.Visitors, &r.PageVisitors, &r.SectionVisitors, &r.Bounces, &r.Seconds, &r.Conversions}
}

func appendHeader(b []byte) []byte { return append(append(b, magic...), version) }

// appendRecord appends one record that holds rows, for number to complete.
func appendRecord(b []byte, rows []hit.Row) []byte {
	start := len(b)
	b = append(b, make([]byte, recordHeaderSize)...)
	for i := range rows {
		b = appendRow(b, &rows[i])
	}
	record := b[start:]
	payload := record[recordHeaderSize:]
	binary.LittleEndian.PutUint32(record[4:], uint32(len(rows)))
	binary.LittleEndian.PutUint32(record[8:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(record[12:], crc32.Checksum(payload, castagnoli))
	return append(b, make([]byte, markSize)...)
}

// number makes records as appendRecord leaves them those of a segment that has a
// number of rows already.
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

func appendRow(b []byte, r *hit.Row) []byte {
	b = binary.AppendUvarint(b, uint64(r.Site))
	b = binary.AppendVarint(b, r.Time.Unix())
	b = binary.AppendVarint(b, int64(r.Day))
	// The low bytes of most values are zero: reversed, they cost nothing.
	b = binary.AppendUvarint(b, bits.ReverseBytes64(math.Float64bits(r.Value)))
	for _, s := range texts(r) {
		b = binary.AppendUvarint(b, uint64(len(*s)))
		b = append(b, *s...)
	}
	for _, n := range measures(r) {
		b = binary.AppendVarint(b, int64(*n))
	}
	b = binary.AppendUvarint(b, r.Other)
	return b
}

// unknown is the number of rows of a segment that was left open.
const unknown = -1

// content is what could be read of a segment.
type content struct {
	rows []hit.Row // in order
	lost int       // acknowledged rows that are missing; without a known number, at least so many
	torn int       // bytes of an unfinished write at the end
	at   int       // offset of the first damage, if there is any
	err  error     // nil if all is well; else errShort, errDamaged or errVersion, or it wraps one
}

// decodeSegment reads a segment: every record that is whole, behind damage too. The
// same data give the same rows. rows is their number if that is known. It never fails,
// whatever the data; content.err says what is wrong:
//
//   - errDamaged if acknowledged rows are missing. Without their number that is so if a
//     record is missing in between, or the end is neither a record nor the beginning of
//     one.
//   - errShort if the segment ends in the beginning of a record, which a process that
//     was killed leaves.
//   - errVersion if it can't be read for being of another version.
func decodeSegment(data []byte, token string, rows int) (c content) {
	m := markOf(token)
	end := m.end()
	headed := len(data) >= headerSize && string(data[:len(magic)]) == magic
	marks := bytes.Count(data, m[:])
	c.rows = make([]hit.Row, 0, min(marks, DefaultSegmentRows))
	text := string(data) // the texts of all rows share this copy
	next, good := 0, 0   // rows so far, those missing included, and the end of the last record
	if headed {
		good = headerSize
	}
	first := -1  // where the first damage is
	headers := 0 // seen since the last record
	at := 0      // not behind the header, a part of which may be gone
	for at < len(data) {
		h, ok := headerOf(data[at:], m)
		if ok {
			headers++
		}
		if ok && h.before >= next && h.whole(data[at:]) {
			from, to := at+recordHeaderSize, at+recordHeaderSize+h.length
			n := len(c.rows)
			if all, err := appendRows(c.rows, text[from:to]); err == nil {
				if h.before > next && first < 0 {
					first = good
				}
				c.lost += h.before - next
				c.rows, next = all, h.before+len(all)-n
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
	tail := data[good:]
	if rows != unknown {
		c.rows = c.rows[:min(rows, len(c.rows))] // what is more was never acknowledged
		c.lost = rows - len(c.rows)
	} else if len(tail) > 0 && !unfinished(tail, m, next, headers) {
		c.lost++
	}
	switch {
	case marks == 0 && headed && data[len(magic)] != version:
		c.lost, c.err = 0, fmt.Errorf("%w: format %d", errVersion, data[len(magic)])
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

// unfinished reports whether tail, behind the last record of a segment that was left
// open, is what a process that is killed leaves of a write: the end of the last record,
// or the beginning of the next one. headers is the number of record headers in it.
func unfinished(tail []byte, m mark, next, headers int) bool {
	end := m.end()
	switch {
	case next == 0 && len(tail) <= headerSize: // not even the header of the segment
		return true
	case bytes.HasSuffix(tail, end[:]): // it was written to its end
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

// recordHeader is what stands in front of a payload.
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

// whole reports whether the payload of the record at the start of data is.
func (h recordHeader) whole(data []byte) bool {
	data = data[recordHeaderSize:]
	return h.length <= len(data) && crc32.Checksum(data[:h.length], castagnoli) == h.sum
}

// appendRows appends the rows of a payload, of which there is at least one. Their
// texts are parts of it.
func appendRows(rows []hit.Row, payload string) ([]hit.Row, error) {
	d := decoder{rest: payload}
	for first := true; first || d.rest != ""; first = false {
		rows = append(rows, hit.Row{})
		d.row(&rows[len(rows)-1])
		if d.failed {
			return rows, fmt.Errorf("%w, %d bytes before the end of its record", errRow, len(d.rest))
		}
	}
	return rows, nil
}

// decoder reads a payload. After a failure it reads zeros.
type decoder struct {
	rest   string
	failed bool
}

func (d *decoder) row(r *hit.Row) {
	r.Site = uint32(d.uvarint(math.MaxUint32))
	r.Time = time.Unix(d.varint(math.MinInt64, math.MaxInt64), 0).UTC()
	r.Day = calendar.Day(d.varint(math.MinInt32, math.MaxInt32))
	r.Value = math.Float64frombits(bits.ReverseBytes64(d.uvarint(math.MaxUint64)))
	for _, s := range texts(r) {
		n := d.uvarint(uint64(len(d.rest)))
		if n > uint64(len(d.rest)) { // the length itself took bytes of the rest
			d.fail()
			return
		}
		*s, d.rest = d.rest[:n], d.rest[n:]
	}
	for _, n := range measures(r) {
		*n = int32(d.varint(math.MinInt32, math.MaxInt32))
	}
	r.Other = d.uvarint(math.MaxUint64)
}

func (d *decoder) fail() { d.failed, d.rest = true, "" }

func (d *decoder) uvarint(max uint64) uint64 {
	if len(d.rest) > 0 && d.rest[0] < 0x80 && uint64(d.rest[0]) <= max { // as most are
		n := uint64(d.rest[0])
		d.rest = d.rest[1:]
		return n
	}
	var n uint64
	for i := range min(len(d.rest), binary.MaxVarintLen64) {
		c := d.rest[i]
		if i == binary.MaxVarintLen64-1 && c > 1 {
			break
		}
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			if n > max {
				break
			}
			d.rest = d.rest[i+1:]
			return n
		}
	}
	d.fail()
	return 0
}

func (d *decoder) varint(min, max int64) int64 {
	u := d.uvarint(math.MaxUint64)
	n := int64(u>>1) ^ -int64(u&1)
	if n < min || n > max {
		d.fail()
		return 0
	}
	return n
}
