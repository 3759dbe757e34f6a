package collector_test

import (
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/collector"
)

var trusted = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("fd00::/8"),
}

func isTrusted(a netip.Addr) bool {
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(a) })
}

func TestClientAddr(t *testing.T) {
	xff := func(lines ...string) http.Header { return http.Header{"X-Forwarded-For": lines} }
	forwarded := func(lines ...string) http.Header { return http.Header{"Forwarded": lines} }
	const unknown = "invalid IP"

	tests := []struct {
		name   string
		peer   string
		header http.Header
		want   string
	}{
		// The connection alone.
		{"visitor", "203.0.113.7:4711", nil, "203.0.113.7"},
		{"visitor by IPv6", "[2001:db8::7]:4711", nil, "2001:db8::7"},
		{"IPv4-mapped", "[::ffff:203.0.113.7]:4711", nil, "203.0.113.7"},
		{"zone", "[fe80::7%eth0]:4711", nil, "fe80::7"},
		{"no connection", "", nil, unknown},
		{"Unix socket", "@", xff("203.0.113.7"), unknown},

		// Strangers who claim something.
		{"X-Forwarded-For of a stranger", "203.0.113.7:1", xff("198.51.100.1"), "203.0.113.7"},
		{"Forwarded of a stranger", "203.0.113.7:1", forwarded("for=198.51.100.1"), "203.0.113.7"},
		{"X-Real-IP of a stranger", "203.0.113.7:1", http.Header{"X-Real-Ip": {"198.51.100.1"}}, "203.0.113.7"},
		{"other headers of a proxy", "10.0.0.1:1", http.Header{"True-Client-Ip": {"198.51.100.1"}, "Client-Ip": {"198.51.100.1"}}, "10.0.0.1"},

		// X-Forwarded-For.
		{"one proxy", "10.0.0.1:1", xff("203.0.113.7"), "203.0.113.7"},
		{"mapped proxy", "[::ffff:10.0.0.1]:1", xff("203.0.113.7"), "203.0.113.7"},
		{"proxy by IPv6", "[fd00::1%eth0]:1", xff("2001:db8::7"), "2001:db8::7"},
		{"two proxies", "10.0.0.1:1", xff("203.0.113.7, 10.0.0.2"), "203.0.113.7"},
		{"two headers", "10.0.0.1:1", xff("203.0.113.7", "10.0.0.2"), "203.0.113.7"},
		{"claim before the truth", "10.0.0.1:1", xff("198.51.100.1, 203.0.113.7"), "203.0.113.7"},
		{"claim in a header of its own", "10.0.0.1:1", xff("198.51.100.1", "203.0.113.7"), "203.0.113.7"},
		{"claim to be a proxy", "10.0.0.1:1", xff("198.51.100.1, 10.0.0.9, 203.0.113.7"), "203.0.113.7"},
		{"proxies only", "10.0.0.1:1", xff("10.0.0.3, 192.0.2.1, fd00::2"), "10.0.0.3"},
		{"a proxy that tells nothing", "10.0.0.1:1", nil, "10.0.0.1"},
		{"port", "10.0.0.1:1", xff("203.0.113.7:4711"), "203.0.113.7"},
		{"brackets and port", "10.0.0.1:1", xff("[2001:db8::7]:4711"), "2001:db8::7"},
		{"brackets", "10.0.0.1:1", xff("[2001:db8::7]"), "2001:db8::7"},
		{"mapped entries", "10.0.0.1:1", xff("::ffff:203.0.113.7, ::ffff:10.0.0.2"), "203.0.113.7"},
		{"zone of an entry", "10.0.0.1:1", xff("2001:db8::7%1"), "2001:db8::7"},
		{"space and tabs", "10.0.0.1:1", xff(" 203.0.113.7\t,\t10.0.0.2 "), "203.0.113.7"},
		{"empty header", "10.0.0.1:1", xff(""), "10.0.0.1"},
		{"empty elements", "10.0.0.1:1", xff(",203.0.113.7, ,", ""), "203.0.113.7"},
		{"no address", "10.0.0.1:1", xff("203.0.113.7, unknown"), unknown},
		{"no address behind a proxy", "10.0.0.1:1", xff("203.0.113.7, <script>, 10.0.0.2"), unknown},
		{"no address that matters", "10.0.0.1:1", xff("unknown, 203.0.113.7"), "203.0.113.7"},
		{"host name", "10.0.0.1:1", xff("localhost"), unknown},
		{"octal", "10.0.0.1:1", xff("0203.0.113.7"), unknown},
		{"semicolon", "10.0.0.1:1", xff("203.0.113.7; 198.51.100.1"), unknown},

		// Forwarded.
		{"node", "10.0.0.1:1", forwarded("for=203.0.113.7"), "203.0.113.7"},
		{"quoted node with port", "10.0.0.1:1", forwarded(`For="[2001:db8::7]:4711";proto=https;by=10.0.0.1`), "2001:db8::7"},
		{"node without the quotes it needs", "10.0.0.1:1", forwarded("proto=https;for=203.0.113.7:4711"), "203.0.113.7"},
		{"elements", "10.0.0.1:1", forwarded("for=198.51.100.1, for=203.0.113.7;host=example.org ; proto=https,for=10.0.0.2"), "203.0.113.7"},
		{"lines", "10.0.0.1:1", forwarded("for=198.51.100.1", "for=203.0.113.7", "for=10.0.0.2"), "203.0.113.7"},
		{"nodes that are proxies", "10.0.0.1:1", forwarded(`for=10.0.0.3, for="[fd00::2]"`), "10.0.0.3"},
		{"empty Forwarded", "10.0.0.1:1", forwarded(" , ;,"), "10.0.0.1"},
		{"hidden node", "10.0.0.1:1", forwarded("for=198.51.100.1, for=_hidden"), unknown},
		{"unknown node", "10.0.0.1:1", forwarded("for=198.51.100.1, for=unknown"), unknown},
		{"element without a node", "10.0.0.1:1", forwarded("for=198.51.100.1, proto=https"), unknown},
		{"two nodes in an element", "10.0.0.1:1", forwarded("for=203.0.113.7;for=198.51.100.1"), unknown},
		{"by is not for", "10.0.0.1:1", forwarded("by=198.51.100.1"), unknown},
		{"separators in quotes", "10.0.0.1:1", forwarded(`for=203.0.113.7;host="a,b;c=\",d"`), "203.0.113.7"},
		{"claim in a quoted host", "10.0.0.1:1", forwarded(`for=203.0.113.7;host="x,for=198.51.100.1"`), "203.0.113.7"},
		{"claim in a host after an escape", "10.0.0.1:1", forwarded(`for=203.0.113.7;host="x\",for=198.51.100.1;y=\""`), "203.0.113.7"},
		{"quote left open before the truth", "10.0.0.1:1", forwarded(`for=198.51.100.1;x=", for="[2001:db8::7]:80"`), unknown},
		{"quote left open in a line of its own", "10.0.0.1:1", forwarded(`for=198.51.100.1;x="`, `for="[2001:db8::7]:80"`), "2001:db8::7"},
		{"text behind quotes", "10.0.0.1:1", forwarded(`for="203.0.113.7"x`), unknown},
		{"no pair", "10.0.0.1:1", forwarded("203.0.113.7"), unknown},

		{"forty proxies", "10.0.0.1:1", forwarded("for=203.0.113.7", strings.Repeat(`for="[fd00::2]:8080";proto=https;host="stats.example.org",`, 40)), "203.0.113.7"},
		{"more than any chain has", "10.0.0.1:1", forwarded(strings.Repeat("for=203.0.113.7,", 300)), unknown},
		{"in many lines", "10.0.0.1:1", forwarded(slices.Repeat([]string{"for=203.0.113.7"}, 300)...), unknown},

		// One header before the other.
		{"X-Real-IP", "10.0.0.1:1", http.Header{"X-Real-Ip": {"203.0.113.7"}}, "203.0.113.7"},
		{"X-Real-IP that is none", "10.0.0.1:1", http.Header{"X-Real-Ip": {"-"}}, unknown},
		{
			"all at once", "10.0.0.1:1",
			http.Header{"X-Forwarded-For": {"203.0.113.7"}, "Forwarded": {"for=198.51.100.1"}, "X-Real-Ip": {"198.51.100.2"}},
			"203.0.113.7",
		},
		{
			"Forwarded and X-Real-IP", "10.0.0.1:1",
			http.Header{"Forwarded": {"for=203.0.113.7"}, "X-Real-Ip": {"198.51.100.2"}},
			"203.0.113.7",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: tt.peer, Header: tt.header}
			if got := collector.ClientAddr(r, trusted).Reveal(); got.String() != tt.want {
				t.Errorf("ClientAddr from %s with %v = %v, want %s", tt.peer, tt.header, got, tt.want)
			}
		})
	}
	r := &http.Request{RemoteAddr: "10.0.0.1:1", Header: xff("203.0.113.7")}
	if got := collector.ClientAddr(r, nil).Reveal().String(); got != "10.0.0.1" {
		t.Errorf("ClientAddr without proxies = %s", got)
	}
}

var addressLike = regexp.MustCompile(`[0-9A-Fa-f:.]+`)

// literals are the addresses that stand in a text.
func literals(text string) []netip.Addr {
	var found []netip.Addr
	for _, word := range addressLike.FindAllString(text, -1) {
		if ap, err := netip.ParseAddrPort(word); err == nil {
			found = append(found, ap.Addr().Unmap())
		}
		if a, err := netip.ParseAddr(word); err == nil {
			found = append(found, a.Unmap())
		}
	}
	return found
}

// FuzzClientAddr: an address is that of the peer or is in a header that a proxy sent. It is
// that of a proxy only if all addresses are proxies.
func FuzzClientAddr(f *testing.F) {
	for _, s := range []string{
		"203.0.113.7", "203.0.113.7, 10.0.0.2", "[2001:db8::7%eth0]:80, ::ffff:10.1.1.1", "unknown,,", " ,",
		`for=203.0.113.7;host="a,for=10.0.0.1"`, `for="[2001:db8::7]:80", for=_x;by="\"`, `for=1.2.3.4;x="`,
	} {
		f.Add("10.0.0.1:1", s, s, s)
		f.Add("203.0.113.9:1", s, s, s)
		f.Add("10.0.0.1:1", "", s, s)
	}
	f.Fuzz(func(t *testing.T, peer, xff, forwarded, realIP string) {
		h := http.Header{}
		for name, value := range map[string]string{"X-Forwarded-For": xff, "Forwarded": forwarded, "X-Real-Ip": realIP} {
			if value != "" {
				h.Set(name, value)
			}
		}
		r := &http.Request{RemoteAddr: peer, Header: h}
		got := collector.ClientAddr(r, trusted).Reveal()
		connection := collector.ClientAddr(r, nil).Reveal()
		switch {
		case !isTrusted(connection):
			if got != connection {
				t.Errorf("%v was believed by a stranger %v", got, connection)
			}
		case got.IsValid() && got != connection && !slices.Contains(literals(xff+" "+forwarded+" "+realIP), got):
			t.Errorf("%v stands in no header of %v", got, h)
		case isTrusted(got):
			for entry := range collector.ForwardedFor(h) {
				if a := literals(entry); len(a) == 0 || !isTrusted(a[len(a)-1]) {
					t.Errorf("%v, though %q is no proxy", got, entry)
				}
			}
		}
	})
}
