package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/hit"
)

// fullRow returns a row in which every field has a value of its own.
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
func segmentOf(records ...[]hit.Row) []byte {
	var all []byte
	for _, rows := range records {
		all = appendRecord(all, rows)
	}
	number(all, markOf(token), 0)
	return append(appendHeader(nil), all...)
}

func TestRoundTrip(t *testing.T) {
	full := fullRow(t)
	tests := map[string][]hit.Row{
		"every field": {full},
		"zero":        {{Time: time.Unix(0, 0).UTC()}},
		"no time":     {{}},
		"several":     {full, {Time: time.Unix(1, 0).UTC()}, full},
		"extremes": {{
			Site: math.MaxUint32, Time: time.Unix(-1, 0).UTC(), Day: math.MinInt32, Value: math.Inf(-1),
			Pageviews: math.MaxInt32, Bounces: math.MinInt32,
		}},
		"smallest value": {{Value: math.SmallestNonzeroFloat64, Path: string([]byte{0xff, 0})}},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			for _, rows := range []int{unknown, len(want)} {
				got := decodeSegment(segmentOf(want), token, rows)
				if got.err != nil {
					t.Fatalf("decodeSegment: %v", got.err)
				}
				if diff := cmp.Diff(want, got.rows); diff != "" {
					t.Errorf("rows (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// TestFormat pins the bytes: a segment must be readable by the next version.
func TestFormat(t *testing.T) {
	row := hit.Row{
		Site: 300, Time: time.Unix(1_780_000_000, 0).UTC(), Day: 20601, Kind: hit.Pageview, Value: 1.5,
		Path: "/a", PreviousPath: "/b", Pageviews: 1, Bounces: -1, Seconds: 90,
	}
	got := fmt.Sprintf("%x", segmentOf([]hit.Row{row}))
	want := "666f7473706f7203" + // header
		"e17e557d" + "00000000" + "38000000" + "8bf9aae6" + "b8ffc8f8" + // mark, rows before, length, checksums
		"ac02" + "8094c5a10d" + "f2c102" + "bff003" + // site, time, day, value
		"08" + "7061676576696577" + "02" + "2f61" + // kind, path
		"00000000000000000000" + "00000000000000" + "00" + // host to campaign content, entry path
		"02" + "2f62" + // previous path
		"02" + "00" + "00" + "00" + "00" + "01" + "b401" + "00" + "00" + // measures, other
		"1e81aa82" // the mark, inverted
	if got != want {
		t.Errorf("segment\n got %s\nwant %s", got, want)
	}
}

func TestDecodeDamage(t *testing.T) {
	row := hit.Row{Site: 1, Time: time.Unix(1_780_000_000, 0).UTC(), Kind: hit.Pageview, Path: "/a"}
	header, rows := appendHeader(nil), []hit.Row{row}
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
	// record returns one whose checksums are right, whatever the payload.
	record := func(payload string) []byte {
		m := markOf(token)
		b := append([]byte(nil), m[:]...)
		b = binary.LittleEndian.AppendUint32(b, 0)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
		b = binary.LittleEndian.AppendUint32(b, crc32.Checksum([]byte(payload), castagnoli))
		b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
		end := m.end()
		return append(append(append(header[:len(header):len(header)], b...), payload...), end[:]...)
	}
	tests := map[string]struct {
		data       []byte
		known      int // number of rows
		rows, lost int
		err        error
	}{
		"empty":                       {nil, unknown, 0, 0, errShort},
		"empty, sealed":               {nil, 1, 0, 1, errDamaged},
		"part of header":              {[]byte("fots"), unknown, 0, 0, errShort},
		"header only":                 {header, unknown, 0, 0, nil},
		"another file":                {[]byte("%PDF-1.7 and so on"), unknown, 0, 1, errDamaged},
		"another version":             {append([]byte("fotspor\x63"), "of another form"...), 3, 0, 0, errVersion},
		"header changed":              {edit(one, 0, 9), unknown, 1, 0, nil},
		"version changed":             {edit(one, headerSize-1, 99), 1, 1, 0, nil},
		"header gone":                 {one[headerSize:], unknown, 1, 0, nil},
		"first payload changed":       {edit(two, len(one)-5, 9), unknown, 1, 1, errDamaged},
		"last payload changed":        {edit(two, len(two)-5, 9), unknown, 1, 1, errDamaged},
		"mark changed":                {edit(two, len(one), two[len(one)]+1), unknown, 1, 1, errDamaged},
		"end changed":                 {edit(two, len(two)-1, two[len(two)-1]+1), unknown, 2, 0, nil},
		"inner end changed":           {edit(two, len(one)-1, two[len(one)-1]+1), unknown, 2, 0, nil},
		"inner end gone":              {cut(two, len(one)-4, len(one)), unknown, 2, 0, nil},
		"length too small":            {edit(two, len(one)+8, 3), unknown, 1, 1, errDamaged},
		"length beyond the end":       {edit(two, len(one)+11, 0xff), unknown, 1, 1, errDamaged},
		"one of three gone":           {cut(three, len(one), len(two)), unknown, 2, 1, errDamaged},
		"the first gone":              {cut(three, headerSize, len(one)), unknown, 2, 1, errDamaged},
		"the last gone":               {two, 3, 2, 1, errDamaged},
		"the last gone, left open":    {two, unknown, 2, 0, nil},
		"twice":                       {append(two[:len(two):len(two)], two[headerSize:]...), 2, 2, 0, errShort},
		"the last cut":                {three[:len(three)-9], unknown, 2, 0, errShort},
		"the last cut, sealed":        {three[:len(three)-9], 3, 2, 1, errDamaged},
		"the last cut in its header":  {three[:len(two)+7], unknown, 2, 0, errShort},
		"the last cut in its end":     {three[:len(three)-2], unknown, 3, 0, errShort},
		"cut inside of the last":      {cut(three, len(two)+30, len(two)+40), unknown, 2, 1, errDamaged},
		"cut over two":                {cut(three, len(one)+30, len(two)+10), unknown, 1, 1, errDamaged},
		"never acknowledged, sealed":  {three, 2, 2, 0, nil},
		"bytes behind":                {append(one[:len(one):len(one)], make([]byte, 100)...), unknown, 1, 1, errDamaged},
		"bytes behind, sealed":        {append(one[:len(one):len(one)], make([]byte, 100)...), 1, 1, 0, errShort},
		"zeros":                       {make([]byte, 2*size), 2, 0, 2, errDamaged},
		"no row in record":            {record(""), unknown, 0, 1, errDamaged},
		"text longer than the record": {record("\x01\x00\x00\x00\x7f"), unknown, 0, 1, errDamaged},
		"varint without end":          {record("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), unknown, 0, 1, errDamaged},
		"varint above 64 bits":        {record("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), unknown, 0, 1, errDamaged},
		"site above 32 bits":          {record("\xff\xff\xff\xff\x7f" + string(make([]byte, 40))), unknown, 0, 1, errDamaged},
		"half a row behind a row":     {record(string(appendRow(nil, &row)) + "\x01"), unknown, 0, 1, errDamaged},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := decodeSegment(tt.data, token, tt.known)
			if !errors.Is(c.err, tt.err) {
				t.Errorf("err = %v, want %v", c.err, tt.err)
			}
			if len(c.rows) != tt.rows || c.lost != tt.lost {
				t.Errorf("%d rows, %d lost, want %d and %d", len(c.rows), c.lost, tt.rows, tt.lost)
			}
		})
	}
	t.Run("of another segment", func(t *testing.T) {
		if c := decodeSegment(two, token+"D", 2); len(c.rows) != 0 || c.lost != 2 {
			t.Errorf("%d rows, %d lost, want none and 2", len(c.rows), c.lost)
		}
	})
}

func FuzzDecodeSegment(f *testing.F) {
	seed := segmentOf([]hit.Row{fullRow(f), {}})
	f.Add(seed, unknown)
	f.Add(segmentOf([]hit.Row{fullRow(f), {}}, []hit.Row{{Path: "/"}}), 3)
	f.Add(seed[:len(seed)-3], unknown)
	f.Add([]byte(magic), 1)
	f.Fuzz(func(t *testing.T, data []byte, known int) {
		c := decodeSegment(data, token, max(unknown, known))
		if (c.lost > 0) != errors.Is(c.err, errDamaged) || c.at > len(data) || c.torn > len(data) || known >= 0 && len(c.rows)+c.lost != known && !errors.Is(c.err, errVersion) {
			t.Fatalf("%d rows, %d lost of %d, torn %d, at %d: %v", len(c.rows), c.lost, known, c.torn, c.at, c.err)
		}
		if len(c.rows) == 0 {
			return
		}
		own := segmentOf(c.rows)
		if again := decodeSegment(own, token, len(c.rows)); again.err != nil || string(segmentOf(again.rows)) != string(own) {
			t.Fatalf("rows change in a round trip: %v", again.err)
		}
	})
}

// FuzzDecodePayload gets past the checksum.
func FuzzDecodePayload(f *testing.F) {
	row := fullRow(f)
	f.Add(appendRow(nil, &row))
	f.Fuzz(func(t *testing.T, payload []byte) {
		rows, err := appendRows(nil, string(payload))
		if err == nil && len(rows) == 0 {
			t.Fatal("neither rows nor an error")
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	row := fullRow(b)
	const n = 10_000
	data := segmentOf(slices.Repeat([][]hit.Row{{row}}, n)...)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if c := decodeSegment(data, token, n); c.err != nil {
			b.Fatal(len(c.rows), c.err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkEncode(b *testing.B) {
	row := []hit.Row{{
		Site: 1, Time: time.Unix(1_780_000_000, 0), Day: 20639, Kind: hit.Pageview, Path: "/om-oss/personvern", Host: "www.example.org",
		Network: "192.0.0.0/16", Country: "NO", Region: "NO-46", Browser: "Firefox", BrowserVersion: "141",
		OS: "Windows", Device: "desktop", Language: "nb", Channel: "search", Source: "Google",
		EntryPath: "/", PreviousPath: "/om-oss", Pageviews: 1, PageVisitors: 1, Seconds: 37,
	}}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = appendRecord(buf[:0], row)
	}
}
