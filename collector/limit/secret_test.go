package limit

import (
	"bytes"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/hit"
)

// TestSecret: no printer, logger or encoder of the standard library gets anything
// about a network out of a Limiter.
func TestSecret(t *testing.T) {
	l := New(Options{Rate: 1, Networks: ways})
	a := netip.MustParseAddr("203.0.113.77")
	l.Allow(hit.NewAddr(a), 1)
	s := l.state()
	network := geo.Network(hit.NewAddr(a), bits4, bits6)
	hash := maphash.Comparable(s.seed, network)
	if s.sets[0].buckets[0].network != hash {
		t.Fatal("the network is not where the test looks for it")
	}
	seed := reflect.ValueOf(s.seed).Field(0).Uint()
	secrets := []string{
		"203.0.113", fmt.Sprint(hash), fmt.Sprintf("%x", hash), fmt.Sprint(seed), fmt.Sprintf("%x", seed),
		hex.EncodeToString(a.AsSlice()[:3]), "203 0 113",
	}

	var said bytes.Buffer
	holder := struct {
		limiter *Limiter
		Public  *Limiter
	}{l, l}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		fmt.Fprintf(&said, verb+"\n", l)
		fmt.Fprintf(&said, verb+"\n", holder)
		fmt.Fprintf(&said, verb+"\n", reflect.ValueOf(l).Elem())
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&said, nil), slog.NewJSONHandler(&said, nil)} {
		slog.New(handler).Info("limiter", "limiter", l, "holder", holder)
	}
	for _, v := range []any{l, holder} {
		if err := json.NewEncoder(&said).Encode(v); err != nil {
			t.Error(err)
		}
		if err := gob.NewEncoder(&said).Encode(v); err == nil {
			t.Error("gob encodes a Limiter")
		}
	}
	for _, secret := range secrets {
		if strings.Contains(said.String(), secret) {
			t.Errorf("%q is in what the limiter says:\n%s", secret, said.String())
		}
	}
	for i := range reflect.TypeFor[Limiter]().NumField() {
		if f := reflect.TypeFor[Limiter]().Field(i); f.IsExported() {
			t.Errorf("field %s is exported", f.Name)
		}
	}
}
