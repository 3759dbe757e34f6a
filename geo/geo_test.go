package geo_test

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/hit"
)

func addr(s string) hit.Addr { return hit.NewAddr(netip.MustParseAddr(s)) }

func TestCut(t *testing.T) {
	for _, c := range []struct {
		addr         string
		bits4, bits6 int
		want         string
	}{
		{"192.0.2.129", 16, 32, "192.0.0.0/16"},
		{"192.0.2.129", 24, 48, "192.0.2.0/24"},
		{"192.0.2.129", 8, 16, "192.0.0.0/8"},
		{"192.0.2.129", 0, 0, "0.0.0.0/0"},
		{"2001:db8:1234:5678::1", 16, 32, "2001:db8::/32"},
		{"2001:db8:1234:5678::1", 24, 48, "2001:db8:1234::/48"},
		{"2001:db8:1234:5678::1", 0, 0, "::/0"},
		// no policy keeps more than /24 and /48, or fewer than none
		{"192.0.2.129", 25, 49, "192.0.2.0/24"},
		{"192.0.2.129", 32, 128, "192.0.2.0/24"},
		{"192.0.2.129", -1, -1, "0.0.0.0/0"},
		{"2001:db8:1234:5678::1", 32, 128, "2001:db8:1234::/48"},
		{"2001:db8:1234:5678::1", -5, -5, "::/0"},
		// IPv4 in other clothes
		{"::ffff:192.0.2.129", 16, 32, "192.0.0.0/16"},
		{"::192.0.2.129", 16, 48, "::/48"},
		{"64:ff9b::192.0.2.129", 24, 48, "64:ff9b::/48"},
		{"2002:c000:281::1", 16, 32, "2002:c000::/32"},
		{"2002:c000:281::1", 16, 48, "2002:c000::/32"},
		{"2002:c000:281::1", 24, 48, "2002:c000:200::/40"},
		{"2002:c000:281::1", 24, 20, "2002:c000::/20"},
		// a zone names an interface, not a network
		{"fe80::1%eth0", 16, 32, "fe80::/32"},
	} {
		if got := geo.Cut(addr(c.addr), c.bits4, c.bits6); got != c.want {
			t.Errorf("Cut(%s, %d, %d) = %q, want %q", c.addr, c.bits4, c.bits6, got, c.want)
		}
	}
	if got := geo.Cut(hit.Addr{}, 16, 32); got != "" {
		t.Errorf("Cut of no address = %q, want none", got)
	}
}

// TestPlaceHoldsNoMore keeps the promise that nothing finer than a region leaves
// this package: a field more is a change of the privacy statement.
func TestPlaceHoldsNoMore(t *testing.T) {
	var got []string
	for _, field := range reflect.VisibleFields(reflect.TypeFor[geo.Place]()) {
		got = append(got, field.Name+" "+field.Type.String())
	}
	if want := "Country string, Region string"; strings.Join(got, ", ") != want {
		t.Errorf("Place has %v, want %s", got, want)
	}
}

func FuzzCut(f *testing.F) {
	f.Add([]byte{192, 0, 2, 129}, 16, 32)
	f.Add([]byte{0x20, 0x02, 192, 0, 2, 129, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 24, 48)
	f.Add([]byte{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, -1, 129)
	f.Fuzz(func(t *testing.T, raw []byte, bits4, bits6 int) {
		a, ok := netip.AddrFromSlice(raw)
		got := geo.Cut(hit.NewAddr(a), bits4, bits6)
		if !ok {
			if got != "" {
				t.Fatalf("Cut of no address = %q", got)
			}
			return
		}
		network, err := netip.ParsePrefix(got)
		if err != nil {
			t.Fatal(err)
		}
		most := geo.MaxBits6
		if network.Addr().Is4() {
			most = geo.MaxBits4
		}
		if network.Bits() > most || network.Masked() != network || !network.Contains(a.Unmap()) {
			t.Fatalf("Cut(%v, %d, %d) = %s", a, bits4, bits6, got)
		}
	})
}

func BenchmarkCut(b *testing.B) {
	v4, v6 := addr("192.0.2.129"), addr("2001:db8:1234:5678::1")
	b.ReportAllocs()
	for b.Loop() {
		geo.Cut(v4, 16, 32)
		geo.Cut(v6, 16, 32)
	}
}
