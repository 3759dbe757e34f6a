package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"math/bits"
	"time"

	"github.com/fotspor/fotspor/hit"
)

// A segment is a header and any number of records. Integers of fixed size are
// little-endian; varint and uvarint are those of encoding/binary.
//
//	header   "fotspor" (7 bytes), version (1 byte)
//	record   CRC-32C of what follows (4 bytes), length of payload (4 bytes), payload
//	payload  one or more rows, those of one call of Append
//	row      site (uvarint), time (varint, Unix seconds), day (varint),
//	         value (uvarint of the bytes of the float64 in reverse order),
//	         every text (uvarint length, bytes), every measure (varint)
//
// The order of texts and measures is that of the functions texts and measures. A
// change of anything here takes a new version.
const (
	magic            = "fotspor"
	version          = 1
	headerSize       = len(magic) + 1
	recordHeaderSize = 8
	maxRecord        = math.MaxUint32
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	// errShort: the data end inside of a header or record.
	errShort = errors.New("record is cut short")

	// errVersion: another version of the program wrote it.
	errVersion = errors.New("segment has a format that this version does not read")

	errMagic    = errors.New("not a segment")
	errChecksum = errors.New("checksum of record does not match")
	errRow      = errors.New("row does not decode")
)

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
func measures(r *hit.Row) [6]*int32 {
	return [...]*int32{&r.Pageviews, &r.Visits, &r.Visitors, &r.PageVisitors, &r.Bounces, &r.Seconds}
}

func appendHeader(b []byte) []byte { return append(append(b, magic...), version) }

// checkHeader says whether data begin as a segment does.
func checkHeader(data []byte) error {
	n := min(len(data), len(magic))
	switch {
	case string(data[:n]) != magic[:n]:
		return errMagic
	case len(data) < headerSize:
		return errShort
	case data[len(magic)] != version:
		return fmt.Errorf("%w: format %d", errVersion, data[len(magic)])
	}
	return nil
}

// appendRecord appends one record that holds rows.
func appendRecord(b []byte, rows []hit.Row) []byte {
	start := len(b)
	b = append(b, make([]byte, recordHeaderSize)...)
	for i := range rows {
		b = appendRow(b, &rows[i])
	}
	record := b[start:]
	binary.LittleEndian.PutUint32(record[4:], uint32(len(record)-recordHeaderSize))
	binary.LittleEndian.PutUint32(record, crc32.Checksum(record[4:], castagnoli))
	return b
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
	return b
}

// decodeSegment returns the rows of every record up to the first that is not
// whole, and the number of bytes that they take. The error says what is wrong
// behind them, nil if nothing is: errShort if the data just end, another if they
// are damaged. It never fails otherwise, whatever the data.
func decodeSegment(data []byte) (rows []hit.Row, good int, err error) {
	if err := checkHeader(data); err != nil {
		return nil, 0, err
	}
	good = headerSize
	rows = make([]hit.Row, 0, countRecords(data[headerSize:]))
	text := string(data) // the texts of all rows share this copy
	for good < len(data) {
		payload, err := payloadOf(data[good:])
		if err != nil {
			return rows, good, err
		}
		n := len(rows)
		end := good + recordHeaderSize + len(payload)
		if rows, err = appendRows(rows, text[good+recordHeaderSize:end]); err != nil {
			return rows[:n], good, err
		}
		good = end
	}
	return rows, good, nil
}

// countRecords returns the number of records in data as their headers tell it,
// which is mostly that of rows. It is no more than a segment ever holds, whatever
// the data.
func countRecords(data []byte) int {
	n := 0
	for n < DefaultSegmentRows && len(data) >= recordHeaderSize {
		n++
		size := int64(binary.LittleEndian.Uint32(data[4:]))
		if size > int64(len(data)-recordHeaderSize) {
			break
		}
		data = data[recordHeaderSize+int(size):]
	}
	return n
}

// payloadOf returns the payload of the record at the start of data.
func payloadOf(data []byte) ([]byte, error) {
	if len(data) < recordHeaderSize {
		return nil, errShort
	}
	size := int64(binary.LittleEndian.Uint32(data[4:]))
	if size > int64(len(data)-recordHeaderSize) {
		return nil, errShort
	}
	end := recordHeaderSize + int(size)
	if crc32.Checksum(data[4:end], castagnoli) != binary.LittleEndian.Uint32(data) {
		return nil, errChecksum
	}
	return data[recordHeaderSize:end], nil
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
	r.Day = hit.Day(d.varint(math.MinInt32, math.MaxInt32))
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
