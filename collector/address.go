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

// ClientAddr returns the address of the client that sent r. It is the connection's,
// unless that is a trusted proxy. Then it is the right-most entry that is not a trusted
// proxy itself, of X-Forwarded-For, else of Forwarded (RFC 7239), else of X-Real-IP. So a
// proxy must strip those of these headers that it does not set. If the search comes to an
// entry that is not an address, the client's address is unknown.
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
		peer = addr // if all are trusted proxies, the farthest one is the client
	}
	return hit.NewAddr(peer)
}

// forwardedFor yields the addresses that proxies wrote down for their clients, nearest
// proxy first. Empty elements of a list are skipped (RFC 9110, 5.6.1).
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

// maxForwarded is how many bytes of Forwarded are read, since reading them takes far
// longer than sending them. Entries of some forty proxies fit.
const maxForwarded = 4 << 10

// unknownNode is what RFC 7239 calls a client that a proxy does not name.
const unknownNode = "unknown"

// forwardedPair matches one pair of a Forwarded header, if there is one, and the separator
// after it.
var forwardedPair = regexp.MustCompile(`^[ \t]*(?:([^\s"=,;]+)=("(?:[^"\\]|\\.)*"|[^\s"=,;]*))?[ \t]*([;,]|$)`)

// forwardedNodes returns the "for" parameter of each element of a Forwarded header. It is
// unknownNode for an element with none or two, and for all that follows a syntax error. A
// quoted value can hold commas and semicolons, and the client may choose it, as it does
// that of "host".
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
