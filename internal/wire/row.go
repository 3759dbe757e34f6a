package wire

import (
	"fmt"
	"math"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
)

// Rows encodes fields of rows as a message with their numbers. It is safe for concurrent
// use.
type Rows struct {
	// The fields by type: a hit calls each accessor once, and nothing else by pointer.
	texts  []field[string]
	ints   []field[int32]
	days   []field[calendar.Day]
	uint32 []field[uint32]
	uint64 []field[uint64]
	floats []field[float64]
	times  []field[time.Time]

	byNumber [64]any // nil, or the accessor of the field
}

type field[T any] struct {
	number int
	at     func(*hit.Row) *T
}

// NewRows returns the encoding of some fields of rows.
func NewRows(fields []hit.Field) *Rows {
	rows := new(Rows)
	for _, f := range fields {
		n := f.Number
		rows.byNumber[n] = f.At
		switch at := f.At.(type) {
		case func(*hit.Row) *string:
			rows.texts = append(rows.texts, field[string]{n, at})
		case func(*hit.Row) *int32:
			rows.ints = append(rows.ints, field[int32]{n, at})
		case func(*hit.Row) *calendar.Day:
			rows.days = append(rows.days, field[calendar.Day]{n, at})
		case func(*hit.Row) *uint32:
			rows.uint32 = append(rows.uint32, field[uint32]{n, at})
		case func(*hit.Row) *uint64:
			rows.uint64 = append(rows.uint64, field[uint64]{n, at})
		case func(*hit.Row) *float64:
			rows.floats = append(rows.floats, field[float64]{n, at})
		case func(*hit.Row) *time.Time:
			rows.times = append(rows.times, field[time.Time]{n, at})
		default:
			panic(fmt.Sprintf("field %s is found by %T", f.Name, f.At))
		}
	}
	return rows
}

// Append appends the fields of a row that are not zero.
func (rows *Rows) Append(b []byte, r *hit.Row) []byte {
	for _, f := range rows.texts {
		b = AppendText(b, f.number, *f.at(r))
	}
	for _, f := range rows.ints {
		b = AppendInt(b, f.number, int64(*f.at(r)))
	}
	for _, f := range rows.days {
		b = AppendInt(b, f.number, int64(*f.at(r)))
	}
	for _, f := range rows.uint32 {
		b = AppendUint(b, f.number, uint64(*f.at(r)))
	}
	for _, f := range rows.uint64 {
		b = AppendUint(b, f.number, *f.at(r))
	}
	for _, f := range rows.floats {
		b = AppendFixed(b, f.number, math.Float64bits(*f.at(r)))
	}
	for _, f := range rows.times {
		if t := *f.at(r); !t.IsZero() { // in Unix seconds, of which 0 is a moment too
			b = appendVarint(appendTag(b, f.number, protowire.VarintType), protowire.EncodeZigZag(t.Unix()))
		}
	}
	return b
}

// Read sets the fields of a row that are in a message. The texts of the row are parts of
// the message. It returns an error that matches ErrDecode if the message does not decode.
func (rows *Rows) Read(message string, r *hit.Row) error {
	m := Read(message)
	for m.Next() {
		if m.Number >= len(rows.byNumber) {
			continue
		}
		switch at := rows.byNumber[m.Number].(type) {
		case func(*hit.Row) *string:
			*at(r) = m.Text(math.MaxInt)
		case func(*hit.Row) *int32:
			*at(r) = m.Int32()
		case func(*hit.Row) *calendar.Day:
			*at(r) = calendar.Day(m.Int32())
		case func(*hit.Row) *uint32:
			*at(r) = uint32(m.Uint(math.MaxUint32))
		case func(*hit.Row) *uint64:
			*at(r) = m.Uint(math.MaxUint64)
		case func(*hit.Row) *float64:
			*at(r) = math.Float64frombits(m.Fixed())
		case func(*hit.Row) *time.Time:
			*at(r) = time.Unix(m.Int(math.MinInt64, math.MaxInt64), 0).UTC()
		}
	}
	return m.err
}

// AppendEntry appends the fields of an entry of the ledger.
func AppendEntry(b []byte, e *hit.LedgerEntry) []byte {
	b = AppendUint(b, 1, uint64(e.Site))
	b = AppendInt(b, 2, int64(e.Day))
	b = AppendText(b, 3, e.Reason)
	b = AppendText(b, 4, e.Rule)
	b = AppendText(b, 5, e.Name)
	return AppendInt(b, 6, e.Count)
}

// ReadEntry sets the fields of an entry that are in a message, as Rows.Read does.
func ReadEntry(message string, e *hit.LedgerEntry) error {
	m := Read(message)
	for m.Next() {
		switch m.Number {
		case 1:
			e.Site = uint32(m.Uint(math.MaxUint32))
		case 2:
			e.Day = calendar.Day(m.Int32())
		case 3:
			e.Reason = m.Text(math.MaxInt)
		case 4:
			e.Rule = m.Text(math.MaxInt)
		case 5:
			e.Name = m.Text(math.MaxInt)
		case 6:
			e.Count = m.Int(math.MinInt64, math.MaxInt64)
		}
	}
	return m.err
}

// AppendTitle appends the fields of a title.
func AppendTitle(b []byte, t *hit.PageTitle) []byte {
	b = AppendUint(b, 1, uint64(t.Site))
	b = AppendText(b, 2, t.Path)
	b = AppendText(b, 3, t.Title)
	b = AppendInt(b, 4, int64(t.Day))
	return AppendUint(b, 5, uint64(t.Visitors))
}

// ReadTitle sets the fields of a title that are in a message, as Rows.Read does.
func ReadTitle(message string, t *hit.PageTitle) error {
	m := Read(message)
	for m.Next() {
		switch m.Number {
		case 1:
			t.Site = uint32(m.Uint(math.MaxUint32))
		case 2:
			t.Path = m.Text(math.MaxInt)
		case 3:
			t.Title = m.Text(math.MaxInt)
		case 4:
			t.Day = calendar.Day(m.Int32())
		case 5:
			t.Visitors = uint8(m.Uint(math.MaxUint8))
		}
	}
	return m.err
}
