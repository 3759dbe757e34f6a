package visit

import (
	"bytes"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/hit"
)

// TestSecret: no printer, logger or encoder of the standard library gets anything
// about a visitor out of a Tracker.
func TestSecret(t *testing.T) {
	tr := New(Options{})
	addr := netip.MustParseAddr("203.0.113.77")
	h := &hit.Hit{
		Site: 1, Time: time.Date(2026, 7, 5, 12, 0, 0, 0, time.UTC), Kind: hit.Pageview,
		Addr: hit.NewAddr(addr), UserAgent: "Secret-Agent",
	}
	row := hit.Row{Path: "/secret-page"}
	if !tr.Observe(h, &row, time.UTC) {
		t.Fatal("dropped")
	}
	s := tr.state().sites[1]
	var keyOf key
	s.identify(h, &keyOf)

	secrets := []string{addr.String(), "Secret-Agent", "/secret-page"}
	for _, b := range [][]byte{s.salt[:], keyOf[:], addr.AsSlice()} {
		secrets = append(secrets,
			string(b), hex.EncodeToString(b), strings.Trim(fmt.Sprint(b), "[]"),
			strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", b), "[]byte{"), "}"))
	}

	var said bytes.Buffer
	holder := struct {
		tracker *Tracker
		Public  *Tracker
	}{tr, tr}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		fmt.Fprintf(&said, verb+"\n", tr)
		fmt.Fprintf(&said, verb+"\n", holder)
		fmt.Fprintf(&said, verb+"\n", reflect.ValueOf(tr).Elem())
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&said, nil), slog.NewJSONHandler(&said, nil)} {
		slog.New(handler).Info("tracker", "tracker", tr, "holder", holder)
	}
	for _, v := range []any{tr, holder} {
		if err := json.NewEncoder(&said).Encode(v); err != nil {
			t.Error(err)
		}
		if err := gob.NewEncoder(&said).Encode(v); err == nil {
			t.Error("gob encodes a Tracker")
		}
	}
	for _, secret := range secrets {
		if strings.Contains(said.String(), secret) {
			t.Errorf("%q is in what the tracker says:\n%s", secret, said.String())
		}
	}
	for i := range reflect.TypeFor[Tracker]().NumField() {
		if f := reflect.TypeFor[Tracker]().Field(i); f.IsExported() {
			t.Errorf("field %s is exported", f.Name)
		}
	}
}

// TestMidnightForgets: of a day that is over, neither the secret nor a visitor is
// left, not even where a pointer to it survived.
func TestMidnightForgets(t *testing.T) {
	tr := New(Options{})
	at := time.Date(2026, 7, 5, 12, 0, 0, 0, time.UTC)
	h := &hit.Hit{Site: 1, Time: at, Kind: hit.Pageview, UserAgent: "ua"}
	row := hit.Row{Path: "/a"}
	tr.Observe(h, &row, time.UTC)
	s := tr.state().sites[1]
	var before, after key
	s.identify(h, &before)
	salt := s.salt
	i := int(before[0]) % len(tr.state().shards)
	v := s.visitors[i][before]
	pages := v.pages

	tr.Sweep(at.Add(12 * time.Hour))
	s.identify(h, &after)
	if before == after || s.salt == salt {
		t.Error("the visitor is recognised the day after")
	}
	ends := &tr.state().shards[i].ends
	if !reflect.DeepEqual(*v, visitor{}) || pages[0] != 0 {
		t.Errorf("of the visitor is left: %+v", *v)
	}
	if n := tr.state().visitors(); n != 0 || ends.newer != ends {
		t.Errorf("%v visitors are left", n)
	}
}
