package collector

import (
	"net/http"
	"net/netip"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Senders are the kinds of connections that CountSenders tells apart: all that it keeps of where
// they come from.
var Senders = []string{"trusted", "this_machine", "private", "public"}

// ClientHeaders are the headers on the client's address in the order in which ClientAddr heeds
// them, as labels, and what a request without one has.
var ClientHeaders = []string{"x_forwarded_for", "forwarded", "x_real_ip", "none"}

// CountSenders counts requests by where their connection comes from and by the header on the
// client's address that they bring, and passes them on to next. So somebody can see which proxy
// is not trusted, or sends no header, without an address.
func CountSenders(next http.Handler, trusted []netip.Prefix, r prometheus.Registerer) http.Handler {
	vec := promauto.With(r).NewCounterVec(prometheus.CounterOpts{
		Name: "fotspor_client_address_requests_total",
		Help: "Requests on --listen, by where their connection comes from (trusted: one of --trusted-proxies), and by the header on the client's address that they bring. Only that of trusted is believed.",
	}, []string{"from", "header"})
	counts := map[string]map[string]prometheus.Counter{}
	for _, from := range Senders {
		counts[from] = map[string]prometheus.Counter{}
		for _, header := range ClientHeaders {
			counts[from][header] = vec.WithLabelValues(from, header)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		counts[sender(r, trusted)][clientHeader(r.Header)].Inc()
		next.ServeHTTP(w, r)
	})
}

// sender returns which of Senders the connection of a request comes from.
func sender(r *http.Request, trusted []netip.Prefix) string {
	switch peer, ok := parseAddr(r.RemoteAddr); {
	case ok && contains(trusted, peer):
		return "trusted"
	case peer.IsLoopback():
		return "this_machine"
	case peer.IsPrivate(), peer.IsLinkLocalUnicast(), shared.Contains(peer):
		return "private"
	}
	return "public"
}

// shared are the addresses between networks that carriers and overlays use (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")

// clientHeader returns which of ClientHeaders a request has.
func clientHeader(h http.Header) string {
	switch {
	case len(h["X-Forwarded-For"]) > 0:
		return "x_forwarded_for"
	case len(h["Forwarded"]) > 0:
		return "forwarded"
	case len(h["X-Real-Ip"]) > 0:
		return "x_real_ip"
	}
	return "none"
}
