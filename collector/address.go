package collector

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/fotspor/fotspor/hit"
)

// ClientAddr returns the address of whoever sent r. It is the connection's, unless
// that is a trusted proxy: then the right-most entry of X-Forwarded-For, or of
// Forwarded (RFC 7239), that is not a trusted proxy itself, or else X-Real-IP. A
// proxy must therefore strip the ones of these headers that it does not set. An
// entry that is no address ends the search: the address is unknown then.
func ClientAddr(r *http.Request, trusted []netip.Prefix) hit.Addr {
	peer, ok := parseAddr(r.RemoteAddr)
	if !ok || !contains(trusted, peer) {
		return hit.NewAddr(peer)
	}
	entries := forwardedFor(r.Header)
	for _, entry := range slices.Backward(entries) {
		addr, ok := parseAddr(entry)
		if !ok {
			return hit.Addr{}
		}
		if !contains(trusted, addr) {
			return hit.NewAddr(addr)
		}
		peer = addr // the farthest proxy, should all of them be trusted
	}
	return hit.NewAddr(peer)
}

// forwardedFor returns the addresses that proxies noted, the nearest one last.
func forwardedFor(h http.Header) []string {
	if values := h.Values("X-Forwarded-For"); len(values) > 0 {
		return strings.Split(strings.Join(values, ","), ",")
	}
	if values := h.Values("Forwarded"); len(values) > 0 {
		var entries []string
		for _, element := range strings.Split(strings.Join(values, ","), ",") {
			entries = append(entries, forwardedElement(element))
		}
		return entries
	}
	return h.Values("X-Real-Ip")
}

// forwardedElement returns the node that an element of a Forwarded header names
// in its "for" parameter, or "".
func forwardedElement(element string) string {
	for _, pair := range strings.Split(element, ";") {
		name, value, _ := strings.Cut(pair, "=")
		if strings.EqualFold(strings.TrimSpace(name), "for") {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return ""
}

// parseAddr reads an address with or without a port, a zone or brackets, and
// returns it unmapped and without its zone.
func parseAddr(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	if err != nil {
		return netip.Addr{}, false
	}
	return addr.Unmap().WithZone(""), true
}

func contains(networks []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(addr) })
}
