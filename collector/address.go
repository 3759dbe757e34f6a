package collector

import (
	"iter"
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
	for entry := range forwardedFor(r.Header) {
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

// forwardedFor goes through what proxies noted as the address they were called
// from, the nearest one first. Empty elements of a list count for nothing (RFC
// 9110, 5.6.1).
func forwardedFor(h http.Header) iter.Seq[string] {
	return func(yield func(string) bool) {
		if lines := h["X-Forwarded-For"]; len(lines) > 0 {
			for _, rest := range slices.Backward(lines) {
				for end := len(rest); end >= 0; {
					comma := strings.LastIndexByte(rest[:end], ',')
					if entry := strings.TrimSpace(rest[comma+1 : end]); entry != "" && !yield(entry) {
						return
					}
					end = comma
				}
			}
			return
		}
		nodes := h["X-Real-Ip"]
		if lines := h["Forwarded"]; len(lines) > 0 {
			nodes = nil
			size := 0
			for _, line := range lines {
				if size += len(line); size > maxForwarded {
					nodes = []string{unknownNode}
					break
				}
				nodes = append(nodes, forwardedNodes(line)...)
			}
		}
		for _, node := range slices.Backward(nodes) {
			if !yield(node) {
				return
			}
		}
	}
}

// maxForwarded is how much is read of Forwarded, in bytes, since that takes far longer
// than to send it: there is room for some forty proxies.
const maxForwarded = 4 << 10

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
	// An IPv6 address with a port has brackets.
	colon := strings.LastIndexByte(s, ':')
	if colon > 0 && (s[colon-1] == ']' || strings.IndexByte(s, ':') == colon) {
		ap, err := netip.ParseAddrPort(s)
		return ap.Addr().Unmap().WithZone(""), err == nil
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	return addr.Unmap().WithZone(""), err == nil
}

func contains(networks []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(addr) })
}
