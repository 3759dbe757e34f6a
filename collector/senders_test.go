package collector_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/fotspor/fotspor/collector"
)

// TestCountSenders: requests are counted by the kind of their connection and by the header that
// ClientAddr would heed, and no address is told.
func TestCountSenders(t *testing.T) {
	registry := prometheus.NewRegistry()
	passed := 0
	handler := collector.CountSenders(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed++ }),
		[]netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("2001:db8:1::/48")}, registry)
	want := map[string]int{}
	for _, c := range []struct{ peer, headers, from, header string }{
		{"10.1.2.3:44", "X-Forwarded-For", "trusted", "x_forwarded_for"},
		{"[::ffff:10.1.2.3]:44", "X-Forwarded-For,Forwarded,X-Real-Ip", "trusted", "x_forwarded_for"},
		{"[2001:db8:1::5]:44", "", "trusted", "none"},
		{"10.2.2.3:44", "Forwarded,X-Real-Ip", "private", "forwarded"},
		{"192.168.7.8:44", "X-Real-Ip", "private", "x_real_ip"},
		{"100.64.7.8:44", "", "private", "none"},
		{"[fd00::7]:44", "", "private", "none"},
		{"[fe80::7%eth0]:44", "", "private", "none"},
		{"127.0.0.1:44", "X-Forwarded-For", "this_machine", "x_forwarded_for"},
		{"[::1]:44", "", "this_machine", "none"},
		{"203.0.113.77:44", "", "public", "none"},
		{"[2001:db8:2::5]:44", "Forwarded", "public", "forwarded"},
		{"@", "", "public", "none"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.peer
		for _, name := range strings.Split(c.headers, ",") {
			if name != "" {
				r.Header.Set(name, "198.51.100.9")
			}
		}
		handler.ServeHTTP(httptest.NewRecorder(), r)
		want[c.from+" "+c.header]++
	}
	if passed != 13 {
		t.Errorf("%d requests were passed on", passed)
	}
	var text strings.Builder
	text.WriteString("# HELP fotspor_client_address_requests_total Requests on --listen, by where their connection comes from (trusted: one of --trusted-proxies), and by the header on the client's address that they bring. Only that of trusted is believed.\n# TYPE fotspor_client_address_requests_total counter\n")
	for _, from := range collector.Senders {
		for _, header := range collector.ClientHeaders {
			fmt.Fprintf(&text, "fotspor_client_address_requests_total{from=%q,header=%q} %d\n", from, header, want[from+" "+header])
		}
	}
	if err := testutil.GatherAndCompare(registry, strings.NewReader(text.String())); err != nil {
		t.Error(err)
	}
}
