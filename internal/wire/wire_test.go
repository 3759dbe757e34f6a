package wire_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/wire"
)

// draw returns any row, by way of the declaration of its fields.
func draw(t *rapid.T) hit.Row {
	var r hit.Row
	for _, f := range hit.Fields {
		if rapid.Bool().Draw(t, "zero "+f.Name) {
			continue
		}
		switch at := f.At.(type) {
		case func(*hit.Row) *string:
			*at(&r) = rapid.OneOf(rapid.String(), rapid.StringN(200, 400, -1)).Draw(t, f.Name)
		case func(*hit.Row) *int32:
			*at(&r) = rapid.Int32().Draw(t, f.Name)
		case func(*hit.Row) *uint32:
			*at(&r) = rapid.Uint32().Draw(t, f.Name)
		case func(*hit.Row) *uint64:
			*at(&r) = rapid.Uint64().Draw(t, f.Name)
		case func(*hit.Row) *float64:
			*at(&r) = rapid.Float64().Draw(t, f.Name)
		case func(*hit.Row) *time.Time:
			*at(&r) = time.Unix(rapid.Int64Range(-1<<40, 1<<40).Draw(t, f.Name), 0).UTC()
		case func(*hit.Row) *calendar.Day:
			*at(&r) = calendar.Day(rapid.Int32().Draw(t, f.Name))
		default:
			t.Fatalf("field %s has a type that the test does not know", f.Name)
		}
	}
	return r
}

// TestRows: any row comes back as it was, and so do some of its fields alone.
func TestRows(t *testing.T) {
	all, some := wire.NewRows(hit.Fields), wire.NewRows(hit.Fields[10:20])
	rapid.Check(t, func(t *rapid.T) {
		row := draw(t)
		message := string(all.Append(nil, &row))
		var got hit.Row
		if err := all.Read(message, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(row, got); diff != "" {
			t.Fatalf("row (-want +got):\n%s", diff)
		}
		want := row
		for _, f := range append(hit.Fields[:10:10], hit.Fields[20:]...) {
			f.Clear(&want)
		}
		for _, message := range []string{message, string(some.Append(nil, &row))} {
			var part hit.Row
			if err := some.Read(message, &part); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, part); diff != "" {
				t.Fatalf("some fields (-want +got):\n%s", diff)
			}
		}
	})
}

func TestEntry(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := hit.LedgerEntry{
			Site: rapid.Uint32().Draw(t, "site"), Day: calendar.Day(rapid.Int32().Draw(t, "day")), Reason: rapid.String().Draw(t, "reason"),
			Rule: rapid.String().Draw(t, "rule"), Name: rapid.String().Draw(t, "name"), Count: rapid.Int64().Draw(t, "count"),
		}
		var got hit.LedgerEntry
		if err := wire.ReadEntry(string(wire.AppendEntry(nil, &e)), &got); err != nil || got != e {
			t.Fatalf("%+v, %v, want %+v", got, err, e)
		}
	})
}

func TestTitle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := hit.PageTitle{
			Site: rapid.Uint32().Draw(t, "site"), Path: rapid.String().Draw(t, "path"), Title: rapid.String().Draw(t, "title"),
			Day: calendar.Day(rapid.Int32().Draw(t, "day")), Visitors: rapid.Uint8().Draw(t, "visitors"),
		}
		var got hit.PageTitle
		if err := wire.ReadTitle(string(wire.AppendTitle(nil, &want)), &got); err != nil || got != want {
			t.Fatalf("%+v, %v, want %+v", got, err, want)
		}
	})
}

// TestMessage: what does not decode is an error that matches ErrDecode, and reads as zero.
func TestMessage(t *testing.T) {
	for name, message := range map[string]string{
		"tag without end":         "\x80",
		"tag of number 0":         "\x02\x00",
		"value missing":           "\x08",
		"varint without end":      "\x08\xff\xff",
		"varint above 64 bits":    "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
		"text longer than it is":  "\x0a\x05abc",
		"length above 63 bits":    "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
		"eight bytes cut short":   "\x09abcdefg",
		"group without end":       "\x0b\x08\x01",
		"unknown kind":            "\x0f",
		"number above the bound":  string(wire.AppendUint(nil, 1, 101)),
		"number below the bound":  string(wire.AppendInt(nil, 2, -101)),
		"text above the bound":    string(wire.AppendText(nil, 3, "abcdef")),
		"text where a number is":  string(wire.AppendText(nil, 1, "a")),
		"number where a text is":  string(wire.AppendUint(nil, 3, 1)),
		"number where a fixed is": string(wire.AppendUint(nil, 4, 1)),
	} {
		t.Run(name, func(t *testing.T) {
			m := wire.Read(message)
			for m.Next() {
				var zero bool
				switch m.Number {
				case 1:
					zero = m.Uint(100) == 0
				case 2:
					zero = m.Int(-100, 100) == 0
				case 3:
					zero = m.Text(5) == ""
				case 4:
					zero = m.Fixed() == 0
				}
				if m.Err() != nil && !zero {
					t.Error("what does not decode has a value")
				}
			}
			if err := m.Err(); !errors.Is(err, wire.ErrDecode) {
				t.Errorf("error = %v, want %v", err, wire.ErrDecode)
			}
		})
	}
}

// TestEncoding pins the bytes, which are those of protocol buffers.
func TestEncoding(t *testing.T) {
	var b []byte
	b = wire.AppendUint(b, 1, 150)
	b = wire.AppendInt(b, 2, -2)
	b = wire.AppendText(b, 3, "testing")
	b = wire.AppendFixed(b, 16, math.Float64bits(1))
	b = wire.AppendMessage(b, 5, func(b []byte) []byte { return wire.AppendUint(b, 1, 1) })
	b = wire.AppendMessage(b, 6, func(b []byte) []byte { return b })
	b = wire.AppendUint(b, 7, 0)
	const want = "\x08\x96\x01" + "\x10\x03" + "\x1a\x07testing" + "\x81\x01\x00\x00\x00\x00\x00\x00\xf0\x3f" + "\x2a\x02\x08\x01" + "\x32\x00"
	if string(b) != want {
		t.Errorf("message\n got %x\nwant %x", b, want)
	}
}

func FuzzRead(f *testing.F) {
	row := hit.Row{Path: "/a", Value: 1, Bounces: -1, Time: time.Unix(1, 0)}
	rows := wire.NewRows(hit.Fields)
	f.Add(string(rows.Append(nil, &row)))
	f.Fuzz(func(t *testing.T, message string) {
		var got, again hit.Row
		if rows.Read(message, &got) != nil {
			return
		}
		if err := rows.Read(string(rows.Append(nil, &got)), &again); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(rows.Append(nil, &got)), string(rows.Append(nil, &again))); diff != "" {
			t.Fatalf("a row changes in a round trip:\n%s", diff)
		}
	})
}
