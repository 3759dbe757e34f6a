package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"reflect"
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
		case reflect.Uint32:
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
			data := appendRecord(appendHeader(nil), want)
			got, good, err := decodeSegment(data)
			if err != nil || good != len(data) {
				t.Fatalf("decodeSegment = %d bytes, %v; want %d bytes", good, err, len(data))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
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
	got := fmt.Sprintf("%x", appendRecord(appendHeader(nil), []hit.Row{row}))
	want := "666f7473706f7201" + // header
		"df4c7669" + "35000000" + // checksum, length
		"ac02" + "8094c5a10d" + "f2c102" + "bff003" + // site, time, day, value
		"08" + "7061676576696577" + "02" + "2f61" + // kind, path
		"00000000000000000000" + "00000000000000" + "00" + // host to campaign content, entry path
		"02" + "2f62" + // previous path
		"02" + "00" + "00" + "00" + "01" + "b401" // measures
	if got != want {
		t.Errorf("segment\n got %s\nwant %s", got, want)
	}
}

func TestDecodeDamage(t *testing.T) {
	row := hit.Row{Site: 1, Time: time.Unix(1_780_000_000, 0).UTC(), Kind: hit.Pageview, Path: "/a"}
	header := appendHeader(nil)
	one := appendRecord(header[:len(header):len(header)], []hit.Row{row})
	two := appendRecord(one[:len(one):len(one)], []hit.Row{row})
	edit := func(data []byte, at int, to byte) []byte {
		data = append([]byte(nil), data...)
		data[at] = to
		return data
	}
	// record returns one whose checksum is right, whatever the payload.
	record := func(payload string) []byte {
		b := binary.LittleEndian.AppendUint32(nil, uint32(len(payload)))
		b = append(b, payload...)
		return append(binary.LittleEndian.AppendUint32(header[:len(header):len(header)],
			crc32.Checksum(b, castagnoli)), b...)
	}
	tests := map[string]struct {
		data []byte
		rows int
		err  error
	}{
		"empty":                       {nil, 0, errShort},
		"part of header":              {[]byte("fots"), 0, errShort},
		"header only":                 {header, 0, nil},
		"another file":                {[]byte("%PDF-1.7 and so on"), 0, errMagic},
		"another short file":          {[]byte("x"), 0, errMagic},
		"another version":             {edit(one, headerSize-1, 99), 0, errVersion},
		"payload changed":             {edit(two, len(one)-1, 9), 0, errChecksum},
		"checksum changed":            {edit(two, len(one), two[len(one)]+1), 1, errChecksum},
		"length too small":            {edit(two, len(one)+4, 3), 1, errChecksum},
		"length beyond the end":       {edit(two, len(one)+7, 0xff), 1, errShort},
		"zeros behind":                {append(one[:len(one):len(one)], make([]byte, 100)...), 1, errChecksum},
		"no row in record":            {record(""), 0, errRow},
		"text longer than the record": {record("\x01\x00\x00\x00\x7f"), 0, errRow},
		"varint without end":          {record("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), 0, errRow},
		"varint above 64 bits":        {record("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), 0, errRow},
		"site above 32 bits":          {record("\xff\xff\xff\xff\x7f" + string(make([]byte, 40))), 0, errRow},
		"half a row behind a row":     {record(string(appendRow(nil, &row)) + "\x01"), 0, errRow},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rows, good, err := decodeSegment(tt.data)
			if !errors.Is(err, tt.err) {
				t.Errorf("err = %v, want %v", err, tt.err)
			}
			if len(rows) != tt.rows {
				t.Errorf("%d rows, want %d", len(rows), tt.rows)
			}
			if tt.rows > 0 && good != len(one) {
				t.Errorf("%d good bytes, want %d", good, len(one))
			}
		})
	}
}

func FuzzDecodeSegment(f *testing.F) {
	seed := appendRecord(appendHeader(nil), []hit.Row{fullRow(f), {}})
	f.Add(seed)
	f.Add(appendRecord(seed, []hit.Row{{Path: "/"}}))
	f.Add(seed[:len(seed)-3])
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, good, err := decodeSegment(data)
		if good > len(data) || err == nil && good != len(data) {
			t.Fatalf("%d of %d bytes are good, err %v", good, len(data), err)
		}
		if good == 0 {
			return
		}
		again, n, err := decodeSegment(data[:good])
		if err != nil || n != good || len(again) != len(rows) {
			t.Fatalf("the good part: %d rows of %d bytes, %v; want %d of %d", len(again), n, err, len(rows), good)
		}
		if len(rows) == 0 {
			return
		}
		own := appendRecord(appendHeader(nil), rows)
		if again, _, err = decodeSegment(own); err != nil || string(appendRecord(appendHeader(nil), again)) != string(own) {
			t.Fatalf("rows change in a round trip: %v", err)
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
	data := appendHeader(nil)
	const n = 10_000
	for range n {
		data = appendRecord(data, []hit.Row{row})
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if rows, _, err := decodeSegment(data); err != nil || len(rows) != n {
			b.Fatal(len(rows), err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkEncode(b *testing.B) {
	row := []hit.Row{{
		Site: 1, Time: time.Unix(1_780_000_000, 0), Day: 20639, Kind: hit.Pageview, Path: "/om-oss/personvern", Host: "www.example.org",
		Network: "192.0.0.0/16", Country: "NO", Region: "Vestland", Browser: "Firefox", BrowserVersion: "141",
		OS: "Windows", Device: "desktop", Language: "nb", Channel: "search", Source: "Google",
		EntryPath: "/", PreviousPath: "/om-oss", Pageviews: 1, PageVisitors: 1, Seconds: 37,
	}}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = appendRecord(buf[:0], row)
	}
}
