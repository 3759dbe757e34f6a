package hit_test

import (
	"bytes"
	"encoding"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html/template"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/hit"
)

// forms are the ways in which an address might be written.
func forms(a netip.Addr) []string {
	b := a.AsSlice()
	all := []string{a.String(), a.StringExpanded(), string(b), fmt.Sprintf("%x", b), fmt.Sprintf("%X", b), fmt.Sprint(b)}
	wide := a.As16()
	return append(all, string(wide[:]), fmt.Sprintf("%x", wide))
}

// TestNothingTellsAnAddress prints, logs and encodes an address and a hit, bare and
// inside of other values, in every way of the standard library.
func TestNothingTellsAnAddress(t *testing.T) {
	for _, text := range []string{"203.0.113.77", "2001:db8:3c4d:15::1a2f"} {
		real := netip.MustParseAddr(text)
		addr := hit.NewAddr(real)
		h := hit.Hit{Site: 7, Kind: hit.Pageview, Addr: addr, UserAgent: "agent-of-someone", URL: "https://example.org/?mail=kari"}
		values := map[string]any{
			"addr": addr, "pointer to addr": &addr, "hit": h, "pointer to hit": &h,
			"in a field":           struct{ A hit.Addr }{addr},
			"in a hidden field":    struct{ a hit.Addr }{addr},
			"behind hidden fields": struct{ a *hit.Addr }{&addr},
			"in a slice":           []hit.Addr{addr},
			"as a key":             map[string]hit.Addr{"a": addr},
			"hits in a slice":      []hit.Hit{h},
			"as any":               []any{addr, &h},
		}
		for name, v := range values {
			var out bytes.Buffer
			for _, verb := range "vsdqxXbotTcUeEfFgGpw" {
				for _, flag := range []string{"", "+", "#", "# ", "0", "-20"} {
					fmt.Fprintf(&out, "%"+flag+string(verb), v)
				}
			}
			fmt.Fprintln(&out, v)
			for _, handler := range []slog.Handler{
				slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}),
				slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}),
			} {
				slog.New(handler).Debug("hit", "value", v, slog.Group("in", "it", v))
			}
			if b, err := json.Marshal(v); err == nil {
				out.Write(b)
			}
			if b, err := xml.Marshal(v); err == nil {
				out.Write(b)
			}
			gob.NewEncoder(&out).Encode(v)
			template.Must(template.New("").Parse("{{.}} {{printf `%v` .}}")).Execute(&out, v)
			if m, ok := v.(encoding.TextMarshaler); ok {
				if b, err := m.MarshalText(); err == nil {
					t.Errorf("%s became text %q", name, b)
				}
			}
			for _, form := range forms(real) {
				if strings.Contains(out.String(), form) {
					t.Errorf("%s told the address as %q", name, form)
				}
			}
		}
	}
}

// TestHitPrintsAsItsSiteAndKind covers what else of a hit is not for the log. The
// verb %p goes around every method, so only the address is safe from it.
func TestHitPrintsAsItsSiteAndKind(t *testing.T) {
	h := hit.Hit{Site: 7, Kind: hit.Pageview, UserAgent: "agent", URL: "https://example.org/?mail=kari"}
	const want = "hit(site 7, pageview)"
	for _, verb := range "vsdqxXt" {
		if got := fmt.Sprintf("%+"+string(verb), h); got != want {
			t.Errorf("%%+%c = %q, want %q", verb, got, want)
		}
		if got := fmt.Sprintf("%#"+string(verb), &h); got != want {
			t.Errorf("%%#%c of a pointer = %q, want %q", verb, got, want)
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "hit", h, "list", []hit.Hit{h})
	if strings.Contains(log.String(), "agent") || strings.Contains(log.String(), "kari") || !strings.Contains(log.String(), want) {
		t.Errorf("log says %s", log.String())
	}
}

func TestEncodersRefuse(t *testing.T) {
	addr := hit.NewAddr(netip.MustParseAddr("203.0.113.77"))
	for _, v := range []any{addr, &addr, hit.Hit{Addr: addr}, &hit.Hit{Addr: addr}} {
		if b, err := json.Marshal(v); err == nil {
			t.Errorf("%T became %s", v, b)
		}
		if err := gob.NewEncoder(new(bytes.Buffer)).Encode(v); err == nil {
			t.Errorf("%T was encoded by gob", v)
		}
	}
}

func TestAddr(t *testing.T) {
	for text, want := range map[string]string{
		"203.0.113.77":           "203.0.113.77",
		"::ffff:203.0.113.77":    "203.0.113.77",
		"fe80::1%eth0":           "fe80::1",
		"2001:db8:3c4d:15::1a2f": "2001:db8:3c4d:15::1a2f",
	} {
		if got := hit.NewAddr(netip.MustParseAddr(text)).Reveal().String(); got != want {
			t.Errorf("NewAddr(%s) holds %s, want %s", text, got, want)
		}
	}
	var none hit.Addr
	if none.IsValid() || none.Reveal().IsValid() || hit.NewAddr(netip.Addr{}).IsValid() {
		t.Error("the zero address is known")
	}
	if !hit.NewAddr(netip.MustParseAddr("::")).IsValid() {
		t.Error("a known address is not known")
	}
}
