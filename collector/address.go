package collector

import (
	"net/http"
	"net/netip"
	"regexp"
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

// forwardedFor returns what proxies noted as the address they were called from, the
// nearest one last. Empty elements of a list count for nothing (RFC 9110, 5.6.1).
func forwardedFor(h http.Header) []string {
	var entries []string
	if lines := h.Values("X-Forwarded-For"); len(lines) > 0 {
		for entry := range strings.SplitSeq(strings.Join(lines, ","), ",") {
			if strings.TrimSpace(entry) != "" {
				entries = append(entries, entry)
			}
		}
		return entries
	}
	if lines := h.Values("Forwarded"); len(lines) > 0 {
		for _, line := range lines {
			entries = append(entries, forwardedNodes(line)...)
		}
		return entries
	}
	return h.Values("X-Real-Ip")
}

// unknownNode is what RFC 7239 calls a client of whom a proxy tells nothing.
const unknownNode = "unknown"

// forwardedPair is one pair of a Forwarded header, if any, with what ends it.
var forwardedPair = regexp.MustCompile(`^[ \t]*(?:([^\s"=,;]+)=("(?:[^"\\]|\\.)*"|[^\s"=,;]*))?[ \t]*([;,]|$)`)

// forwardedNodes returns the node that each element of a Forwarded header names in
// its "for" parameter: unknownNode where it names none or two, and for all that is
// behind a mistake. A quoted value can hold commas and semicolons, and may be of
// the client's choosing, as the one of "host" is.
func forwardedNodes(header string) []string {
	var nodes, element []string
	named := false
	for {
		pair := forwardedPair.FindStringSubmatch(header)
		if pair == nil {
			return append(nodes, unknownNode)
		}
		header = header[len(pair[0]):]
		name, value, end := pair[1], pair[2], pair[3]
		named = named || name != ""
		if strings.EqualFold(name, "for") {
			element = append(element, strings.Trim(value, `"`))
		}
		if end == ";" {
			continue
		}
		switch {
		case len(element) == 1:
			nodes = append(nodes, element[0])
		case named:
			nodes = append(nodes, unknownNode)
		}
		if end == "" {
			return nodes
		}
		element, named = nil, false
	}
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
