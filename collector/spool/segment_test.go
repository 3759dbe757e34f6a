package spool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/wire"
)

// fullRow returns a row in which every field has a different value.
func fullRow(t testing.TB) hit.Row {
	t.Helper()
	var row hit.Row
	v := reflect.ValueOf(&row).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		switch f := v.Field(i); f.Kind() {
		case reflect.String:
			f.SetString(name + " – æøå")
		case reflect.Int32:
			f.SetInt(int64(-1000 - i))
		case reflect.Uint32, reflect.Uint64:
			f.SetUint(uint64(1000 + i))
		case reflect.Float64:
			f.SetFloat(float64(i) + 0.1)
		default:
			if name != "Time" {
				t.Fatalf("field %s has type %s, which the test does not know", name, f.Type())
			}
			row.Time = time.Date(2026, 7, 5, 12, 30, 59, 0, time.UTC)
		}
	}
	return row
}

const token = "20260705T100000.000000Z-ABC"

// segmentOf returns a segment of records.
func segmentOf(records ...hit.Batch) []byte {
	var all []byte
	for _, b := range records {
		all = appendRecord(all, b)
	}
	number(all, markOf(token), 0)
	return append(appendHeader(nil), all...)
}

func rowsOf(rows ...hit.Row) hit.Batch { return hit.Batch{Rows: rows} }

func TestRoundTrip(t *testing.T) {
	full := fullRow(t)
	entry := hit.LedgerEntry{Site: 7, Day: 20639, Reason: "bot", Rule: "crawler", Name: "Googlebot", Count: 3}
	title := hit.PageTitle{Site: 7, Path: "/å", Title: "Åpent", Day: 20639, Visitors: 5}
	tests := map[string]hit.Batch{
		"every field": rowsOf(full),
		"zero":        rowsOf(hit.Row{Time: time.Unix(0, 0).UTC()}),
		"no time":     rowsOf(hit.Row{}),
		"several":     rowsOf(full, hit.Row{Time: time.Unix(1, 0).UTC()}, full),
		"extremes": rowsOf(hit.Row{
			Site: math.MaxUint32, Time: time.Unix(-1, 0).UTC(), Day: math.MinInt32, Value: math.Inf(-1),
			Pageviews: math.MaxInt32, Bounces: math.MinInt32, Other: math.MaxUint64,
		}),
		"smallest value": rowsOf(hit.Row{Value: math.SmallestNonzeroFloat64, Path: string([]byte{0xff, 0})}),
		"negative zero":  rowsOf(hit.Row{Value: math.Copysign(0, -1)}),
		"ledger":         {Ledger: []hit.LedgerEntry{entry, {}, {Site: math.MaxUint32, Day: math.MinInt32, Count: math.MinInt64}}},
		"titles":         {Titles: []hit.PageTitle{title, {}, {Site: math.MaxUint32, Day: math.MinInt32, Visitors: math.MaxUint8}}},
		"all":            {Rows: []hit.Row{full, {}}, Ledger: []hit.LedgerEntry{entry}, Titles: []hit.PageTitle{title}},
		"long":           rowsOf(hit.Row{Path: strings.Repeat("x", 1<<20)}, full),
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			for _, rows := range []int{unknown, want.Len()} {
				got := decoded(segmentOf(want), token, rows)
				if got.err != nil {
					t.Fatalf("decodeSegment: %v", got.err)
				}
				if diff := cmp.Diff(want, got.batch, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("batch (-want +got):\n%s", diff)
				}
				if name == "negative zero" && !math.Signbit(got.batch.Rows[0].Value) {
					t.Error("zero changes its sign")
				}
			}
		})
	}
}

// TestFormat3 holds that a segment of format 3 is readable by every later version. The
// file was written by the first program with this format. It never changes.
func TestFormat3(t *testing.T) {
	want := hit.Batch{
		Rows: []hit.Row{
			{
				Site: 300, Time: time.Unix(1_780_000_000, 0).UTC(), Day: 20601, Kind: hit.Event, Path: "/a/æ", Host: "example.org",
				Name: "Video / play", Value: 1.5, Network: "192.0.0.0/16", Country: "NO", Region: "NO-50", Browser: "Firefox",
				BrowserVersion: "141", OS: "Windows", Device: "desktop", Language: "nb", Channel: "campaign", Source: "brev",
				Campaign: "c", CampaignSource: "cs", CampaignMedium: "cm", CampaignTerm: "ct", CampaignContent: "cc",
				EntryPath: "/", PreviousPath: "/b", Pageviews: 1, Visits: 2, Visitors: 3, PageVisitors: 4, SectionVisitors: 5,
				Bounces: -1, Seconds: 90, Conversions: 6, Other: 1<<5 | 1<<63,
			},
			{},
		},
		Ledger: []hit.LedgerEntry{{Site: 300, Day: 20601, Reason: "foreign_host", Rule: "r", Name: "example.com", Count: 2}},
	}
	const file = "testdata/" + token + ".3" + sealedSuffix
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got := decoded(data, token, 3)
	if diff := cmp.Diff(want, got.batch); diff != "" || got.err != nil {
		t.Errorf("%s: %v, (-want +got):\n%s", file, got.err, diff)
	}
	// A program that knows the same fields writes the same bytes today.
	if own := segmentOf(want); !bytes.Equal(own, data) {
		t.Errorf("segment\n got %x\nwant %x", own, data)
	}
}

// TestLaterProgram: of a segment that a later version of the program wrote, everything is
// read but the fields that this version does not know.
func TestLaterProgram(t *testing.T) {
	row := fullRow(t)
	later := rowCodec.Append(nil, &row)
	later = wire.AppendText(later, 62, "a later field")
	later = wire.AppendInt(later, 63, -7)
	later = wire.AppendFixed(later, 64, 7)
	later = wire.AppendText(later, 5000, "a much later field")
	got, n, err := decodePayload(hit.Batch{}, string(wire.AppendText(nil, rowField, string(later))))
	if diff := cmp.Diff(rowsOf(row), got); diff != "" || n != 1 || err != nil {
		t.Errorf("%d rows, %v, (-want +got):\n%s", n, err, diff)
	}

	// A row of an unknown kind is skipped and counted as lost.
	payload := wire.AppendText(wire.AppendText(nil, rowField, string(later)), 4, "a later kind of row")
	for _, known := range []int{unknown, 2} {
		c := decoded(segmentWith(string(payload)), token, known)
		if diff := cmp.Diff(rowsOf(row), c.batch); diff != "" || c.lost != 1 || !errors.Is(c.err, errDamaged) {
			t.Errorf("%d lost, %v, (-want +got):\n%s", c.lost, c.err, diff)
		}
	}
}

// decoded is what decodeSegment reads, with the rows in the batch.
func decoded(data []byte, id string, known int) content {
	var rows []hit.Row
	c := decodeSegment(data, id, known, func(some []hit.Row) { rows = append(rows, some...) })
	c.batch.Rows = rows
	return c
}

// segmentWith returns a segment of one record with any payload and the right checksums.
func segmentWith(payload string) []byte {
	m := markOf(token)
	end := m.end()
	b := append([]byte(nil), m[:]...)
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum([]byte(payload), castagnoli))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	return slices.Concat(appendHeader(nil), b, []byte(payload), end[:])
}

func TestDecodeDamage(t *testing.T) {
	row := hit.Row{Site: 1, Time: time.Unix(1_780_000_000, 0).UTC(), Kind: hit.Pageview, Path: "/a"}
	header, rows := appendHeader(nil), rowsOf(row)
	one, two, three := segmentOf(rows), segmentOf(rows, rows), segmentOf(rows, rows, rows)
	size := len(two) - len(one)
	edit := func(data []byte, at int, to byte) []byte {
		data = append([]byte(nil), data...)
		data[at] = to
		return data
	}
	cut := func(data []byte, from, to int) []byte {
		return append(append([]byte(nil), data[:from]...), data[to:]...)
	}
	tests := map[string]struct {
		data       []byte
		known      int // number of rows
		rows, lost int
		err        error
	}{
		"empty":                      {nil, unknown, 0, 0, errShort},
		"empty, sealed":              {nil, 1, 0, 1, errDamaged},
		"part of header":             {[]byte("fots"), unknown, 0, 0, errShort},
		"header only":                {header, unknown, 0, 0, nil},
		"another file":               {[]byte("%PDF-1.7 and so on"), unknown, 0, 1, errDamaged},
		"another version":            {append([]byte("fotspor\x63"), "of another form"...), 3, 0, 0, errVersion},
		"header changed":             {edit(one, 0, 9), unknown, 1, 0, nil},
		"version changed":            {edit(one, headerSize-1, 99), 1, 1, 0, nil},
		"header gone":                {one[headerSize:], unknown, 1, 0, nil},
		"first payload changed":      {edit(two, len(one)-5, 9), unknown, 1, 1, errDamaged},
		"last payload changed":       {edit(two, len(two)-5, 9), unknown, 1, 1, errDamaged},
		"mark changed":               {edit(two, len(one), two[len(one)]+1), unknown, 1, 1, errDamaged},
		"end changed":                {edit(two, len(two)-1, two[len(two)-1]+1), unknown, 2, 0, nil},
		"inner end changed":          {edit(two, len(one)-1, two[len(one)-1]+1), unknown, 2, 0, nil},
		"inner end gone":             {cut(two, len(one)-4, len(one)), unknown, 2, 0, nil},
		"length too small":           {edit(two, len(one)+8, 3), unknown, 1, 1, errDamaged},
		"length beyond the end":      {edit(two, len(one)+11, 0xff), unknown, 1, 1, errDamaged},
		"one of three gone":          {cut(three, len(one), len(two)), unknown, 2, 1, errDamaged},
		"the first gone":             {cut(three, headerSize, len(one)), unknown, 2, 1, errDamaged},
		"the last gone":              {two, 3, 2, 1, errDamaged},
		"the last gone, left open":   {two, unknown, 2, 0, nil},
		"twice":                      {append(two[:len(two):len(two)], two[headerSize:]...), 2, 2, 0, errShort},
		"the last cut":               {three[:len(three)-9], unknown, 2, 0, errShort},
		"the last cut, sealed":       {three[:len(three)-9], 3, 2, 1, errDamaged},
		"the last cut in its header": {three[:len(two)+7], unknown, 2, 0, errShort},
		"the last cut in its end":    {three[:len(three)-2], unknown, 3, 0, errShort},
		"cut inside of the last":     {cut(three, len(two)+30, len(two)+40), unknown, 2, 1, errDamaged},
		"cut over two":               {cut(three, len(one)+30, len(two)+10), unknown, 1, 1, errDamaged},
		"never acknowledged, sealed": {three, 2, 2, 0, nil},
		"bytes behind":               {append(one[:len(one):len(one)], make([]byte, 100)...), unknown, 1, 1, errDamaged},
		"bytes behind, sealed":       {append(one[:len(one):len(one)], make([]byte, 100)...), 1, 1, 0, errShort},
		"zeros":                      {make([]byte, 2*size), 2, 0, 2, errDamaged},
		"no row in record":           {segmentWith(""), unknown, 0, 1, errDamaged},
		"text longer than its row":   {segmentWith("\x0a\x03\x2a\x7fx"), unknown, 0, 1, errDamaged},
		"row longer than the record": {segmentWith("\x0a\x7f\x08"), unknown, 0, 1, errDamaged},
		"varint without end":         {segmentWith("\x0a\x02\x08\xff"), unknown, 0, 1, errDamaged},
		"varint above 64 bits":       {segmentWith("\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), unknown, 0, 1, errDamaged},
		"site above 32 bits":         {segmentWith("\x0a\x06\x08\xff\xff\xff\xff\x7f"), unknown, 0, 1, errDamaged},
		"text in place of a number":  {segmentWith("\x0a\x03\x0a\x01x"), unknown, 0, 1, errDamaged},
		"number in place of a row":   {segmentWith("\x08\x01"), unknown, 0, 1, errDamaged},
		"half a row behind a row":    {segmentWith("\x0a\x02\x08\x01\x0a"), unknown, 0, 1, errDamaged},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := decoded(tt.data, token, tt.known)
			if !errors.Is(c.err, tt.err) {
				t.Errorf("err = %v, want %v", c.err, tt.err)
			}
			if c.batch.Len() != tt.rows || c.lost != tt.lost {
				t.Errorf("%d rows, %d lost, want %d and %d", c.batch.Len(), c.lost, tt.rows, tt.lost)
			}
		})
	}
	t.Run("of another segment", func(t *testing.T) {
		if c := decoded(two, token+"D", 2); c.batch.Len() != 0 || c.lost != 2 {
			t.Errorf("%d rows, %d lost, want none and 2", c.batch.Len(), c.lost)
		}
	})
}

func FuzzDecodeSegment(f *testing.F) {
	seed := segmentOf(rowsOf(fullRow(f), hit.Row{}))
	f.Add(seed, unknown)
	f.Add(segmentOf(rowsOf(fullRow(f), hit.Row{}), rowsOf(hit.Row{Path: "/"}), hit.Batch{Ledger: []hit.LedgerEntry{{Site: 1, Reason: "bot", Count: 1}}}), 4)
	f.Add(seed[:len(seed)-3], unknown)
	f.Add([]byte(magic), 1)
	f.Fuzz(func(t *testing.T, data []byte, known int) {
		c := decoded(data, token, max(unknown, known))
		if (c.lost > 0) != errors.Is(c.err, errDamaged) || c.at > len(data) || c.torn > len(data) || known >= 0 && c.batch.Len()+c.lost != known && !errors.Is(c.err, errVersion) {
			t.Fatalf("%d rows, %d lost of %d, torn %d, at %d: %v", c.batch.Len(), c.lost, known, c.torn, c.at, c.err)
		}
		if c.batch.Len() == 0 {
			return
		}
		own := segmentOf(c.batch)
		if again := decoded(own, token, c.batch.Len()); again.err != nil || string(segmentOf(again.batch)) != string(own) {
			t.Fatalf("rows change in a round trip: %v", again.err)
		}
	})
}

// FuzzDecodePayload decodes payloads whose checksums are right.
func FuzzDecodePayload(f *testing.F) {
	row := fullRow(f)
	f.Add(wire.AppendText(nil, rowField, string(rowCodec.Append(nil, &row))))
	f.Add(wire.AppendText(nil, entryField, string(wire.AppendEntry(nil, &hit.LedgerEntry{Site: 1, Day: 2, Reason: "bot", Rule: "other", Name: "x", Count: 3}))))
	f.Fuzz(func(t *testing.T, payload []byte) {
		b, n, err := decodePayload(hit.Batch{}, string(payload))
		if err == nil && (n == 0 || b.Len() > n) {
			t.Fatalf("%d of %d rows, and no error", b.Len(), n)
		}
	})
}

// typical is a row like most rows in production.
var typical = hit.Row{
	Site: 1, Time: time.Unix(1_780_000_000, 0), Day: 20639, Kind: hit.Pageview, Path: "/om-oss/personvern", Host: "www.example.org",
	Network: "192.0.0.0/16", Country: "NO", Region: "NO-46", Browser: "Firefox", BrowserVersion: "141",
	OS: "Windows", Device: "desktop", Language: "nb", Channel: "search", Source: "Google",
	EntryPath: "/", PreviousPath: "/om-oss", Pageviews: 1, PageVisitors: 1, Seconds: 37,
}

func BenchmarkDecode(b *testing.B) {
	const n = 10_000
	data := segmentOf(slices.Repeat([]hit.Batch{rowsOf(typical)}, n)...)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if c := decoded(data, token, n); c.err != nil {
			b.Fatal(c.batch.Len(), c.err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkEncode(b *testing.B) {
	row := rowsOf(typical)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = appendRecord(buf[:0], row)
	}
}
