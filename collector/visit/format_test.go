package visit

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/race"
	"github.com/fotspor/fotspor/internal/wire"
)

var noon = time.Date(2026, 7, 5, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

// crowd returns a tracker with visitors on two sites, today and three days ago, who
// have seen a page each.
func crowd(n int, path func(who int) string) *Tracker {
	tr := New(Options{Now: atNoon})
	for who := range n {
		h := &hit.Hit{
			Site: uint32(1 + who%2), Time: noon, Kind: hit.Pageview, UserAgent: "Secret-Agent", Goals: uint32(who) | 1<<31,
			Addr: hit.NewAddr(netip.AddrFrom4([4]byte{10, byte(who >> 16), byte(who >> 8), byte(who)})),
		}
		if who%4 == 3 {
			h.Time = noon.AddDate(0, 0, -3)
		}
		tr.Observe(h, &hit.Row{Path: path(who), Source: path(who)}, time.UTC)
	}
	return tr
}

func encoded(t testing.TB, tr *Tracker) []byte {
	t.Helper()
	var b bytes.Buffer
	defer tr.state().hold()()
	if err := tr.state().encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestFormat: a decoded state equals the encoded one, and encodes to as many bytes.
func TestFormat(t *testing.T) {
	race.Skip(t)
	for name, path := range map[string]func(int) string{
		"few texts":   func(who int) string { return fmt.Sprint("/", who%7) },
		"many texts":  func(who int) string { return fmt.Sprint("/", who) }, // the lists overflow
		"large texts": func(who int) string { return strings.Repeat("æx", who*29%2000) },
		"no texts":    func(int) string { return "" },
	} {
		t.Run(name, func(t *testing.T) {
			n := 300
			if name == "many texts" {
				n = maxShared + 100
			}
			tr, again := crowd(n, path), New(Options{Now: atNoon})
			data := encoded(t, tr)
			body, err := verify(bytes.NewReader(data), int64(len(data)))
			if err != nil {
				t.Fatal(err)
			}
			if err := again.state().decode(body, body.Size(), noon); err != nil {
				t.Fatal(err)
			}
			for who := range n {
				h := &hit.Hit{
					Site: uint32(1 + who%2), Time: noon, Kind: hit.Event, UserAgent: "Secret-Agent", Goals: math.MaxUint32,
					Addr: hit.NewAddr(netip.AddrFrom4([4]byte{10, byte(who >> 16), byte(who >> 8), byte(who)})),
				}
				if who%4 == 3 {
					h.Time = noon.AddDate(0, 0, -3)
				}
				var row hit.Row
				again.Observe(h, &row, time.UTC)
				if want := cut(path(who)); row.Visitors != 0 || row.EntryPath != want || row.PreviousPath != want || row.Source != want || h.Goals != ^(uint32(who)|1<<31) {
					t.Fatalf("visitor %d: %+v, goals %b", who, row, h.Goals)
				}
			}
		})
	}
}

// TestLaterProgram: a hand-over of a later version of the program, with further fields, is
// taken over without them.
func TestLaterProgram(t *testing.T) {
	const n = 40
	tr, again := crowd(n, func(who int) string { return fmt.Sprint("/", who%7) }), New(Options{Now: atNoon})
	data := encoded(t, tr)
	file := wire.Read(data[len(magic)+1 : len(data)-4])
	later := wire.AppendText(nil, 60, "a later field of the file")
	for file.Next() {
		message := bytes.Clone(file.Text(chunk))
		message = wire.AppendInt(wire.AppendText(message, 60, "a later field of it"), 61, -1)
		later = wire.AppendBytes(later, file.Number, message)
	}
	if err := again.state().decode(bytes.NewReader(later), int64(len(later)), noon); err != nil {
		t.Fatal(err)
	}
	if got := again.state().visitors(); got != n || !bytes.Equal(encoded(t, again)[:35], data[:35]) {
		t.Errorf("%d visitors are taken over, want %d", got, n)
	}
}

// TestEveryByte: a hand-over that is cut anywhere, or has any byte changed, is rejected.
// With a right checksum it does no harm.
func TestEveryByte(t *testing.T) {
	race.Skip(t)
	data := encoded(t, crowd(8, func(who int) string { return fmt.Sprint("/", who%3) }))
	try := func(data []byte) {
		body, err := verify(bytes.NewReader(data), int64(len(data)))
		if err == nil || body != nil {
			t.Fatal("a damaged file is verified")
		}
		if len(data) > len(magic)+5 {
			tryDecode(t, data[len(magic)+1:len(data)-4])
		}
	}
	for i := range data {
		try(data[:i])
		damaged := bytes.Clone(data)
		for _, change := range []byte{1, 0xff} {
			damaged[i] = data[i] ^ change
			try(damaged)
		}
	}
}

// tryDecode decodes data with a right checksum.
func tryDecode(t testing.TB, body []byte) {
	s := New(Options{Now: atNoon}).state()
	release := s.hold()
	err := s.decode(bytes.NewReader(body), int64(len(body)), noon)
	if err != nil {
		s.forget()
	}
	known := s.known()
	release()
	if n := s.visitors(); err != nil && (n > 0 || known) {
		t.Errorf("%v visitors after %v", n, err)
	}
	if err != nil && !errors.Is(err, errDecode) {
		t.Errorf("error = %v", err)
	}
	if err == nil { // then the tracker works
		tr := &Tracker{state: func() *state { return s }}
		for site := range uint32(3) {
			tr.Observe(&hit.Hit{Site: site, Time: noon, Kind: hit.Pageview}, &hit.Row{Path: "/"}, time.UTC)
		}
		encoded(t, tr)
		tr.Sweep(noon.AddDate(0, 0, 1))
	}
}

func FuzzDecode(f *testing.F) {
	for _, n := range []int{0, 1, 9} {
		data := encoded(f, crowd(n, func(who int) string { return fmt.Sprint("/", who%3) }))
		f.Add(data[len(magic)+1 : len(data)-4])
	}
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1, 2, 3})
	f.Fuzz(func(t *testing.T, body []byte) { tryDecode(t, body) })
}

// TestMemoryOfHandOver: the memory that encode takes does not grow with the number of
// visitors, even if no two share a text.
func TestMemoryOfHandOver(t *testing.T) {
	race.Skip(t)
	tr := crowd(maxShared+20_000, func(who int) string { return fmt.Sprint("/", who) })
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	release := tr.state().hold()
	err := tr.state().encode(io.Discard)
	release()
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 8<<20 {
		t.Errorf("encode took %d bytes", n)
	}
}

// keeper is a file that keeps the buffers it was given.
type keeper struct {
	bytes.Buffer
	seen [][]byte
}

func (k *keeper) Write(p []byte) (int, error) {
	k.seen = append(k.seen, p[:cap(p)])
	return k.Buffer.Write(p)
}

func (k *keeper) Read(p []byte) (int, error) {
	k.seen = append(k.seen, p[:cap(p)])
	return k.Buffer.Read(p)
}

// TestNothingStaysBehind: the buffers of a hand-over are overwritten, and its errors
// hold nothing of a visitor.
func TestNothingStaysBehind(t *testing.T) {
	tr := crowd(2000, func(who int) string { return fmt.Sprint("/secret-page/", who%3) })
	salt, pages := tr.state().sites[1].salt, tr.state().sites[1].pages
	var k keeper
	release := tr.state().hold()
	if err := tr.state().encode(&k); err != nil {
		t.Fatal(err)
	}
	tr.state().forget()
	release()
	if tr.state().sites[1].salt != [32]byte{} || tr.state().sites[1].pages != [16]byte{} || tr.state().visitors() != 0 {
		t.Error("the tracker still has the state")
	}
	if !bytes.Contains(k.Bytes(), salt[:]) || !bytes.Contains(k.Bytes(), pages[:]) {
		t.Fatal("the test looks for the wrong thing")
	}
	body := k.Bytes()[len(magic)+1 : k.Len()-4]
	k.Buffer = *bytes.NewBuffer(bytes.Clone(body))
	again := New(Options{Now: atNoon})
	if err := again.state().decode(&k, int64(len(body)), noon); err != nil {
		t.Fatal(err)
	}
	for _, buf := range k.seen {
		if !bytes.Equal(buf, make([]byte, len(buf))) {
			t.Error("a buffer is not overwritten")
		}
	}

	body[len(body)-1] ^= 1 // decodes as another page
	for i := range 50 {
		damaged := bytes.Clone(body)
		damaged[i] ^= 0xff
		err := New(Options{}).state().decode(bytes.NewReader(damaged), int64(len(body)), noon)
		if said := fmt.Sprintf("%v %+v %#v %x", err, err, err, err); strings.Contains(said, "secret-page") ||
			strings.Contains(said, hex.EncodeToString(salt[:4])) || strings.Contains(said, string(salt[:4])) {
			t.Errorf("the error tells: %s", said)
		}
	}
}

// full is a device without space.
type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

func TestEncodeFails(t *testing.T) {
	tr := crowd(5000, func(int) string { return "/" })
	defer tr.state().hold()()
	for _, room := range []int{0, chunk, 2 * chunk} {
		if err := tr.state().encode(&full{room}); err != io.ErrShortWrite {
			t.Errorf("with room for %d bytes: %v", room, err)
		}
	}
}
