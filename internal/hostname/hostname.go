// Package hostname gives the name of a host one form, however it was written, and
// shows it to people.
package hostname

import (
	"errors"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// maxName bounds a name as text (RFC 1035), and what is converted: the time that it takes
// grows with the square of the length. In bytes.
const maxName = 253

// profile converts as browsers do: https://url.spec.whatwg.org/#idna.
var profile = idna.New(
	idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false), idna.CheckHyphens(false),
	idna.CheckJoiners(true), idna.BidiRule(), idna.VerifyDNSLength(false),
)

var (
	errEmpty   = errors.New("want a name such as example.org")
	errCharset = errors.New("want the name of a host alone, such as example.org, without a port")
	errName    = errors.New("no name that a browser could send")
	errLong    = errors.New("want at most 253 bytes")
)

// Canonical returns the name of a host as browsers send it: in ASCII (IDNA, Unicode
// Technical Standard 46, non-transitional) and lower case, without a final dot and
// without a port. A name that can't be converted is returned in lower case. A name in
// this form already is returned at once, without an allocation.
func Canonical(host string) string {
	if isCanonical(host) {
		return host
	}
	host = bare(host)
	if ascii, err := toASCII(host); err == nil {
		return ascii
	}
	return strings.ToLower(host)
}

// OfTarget returns the target of a link, host and path, as hits have it: without a scheme,
// the host Canonical and the path in Unicode's form C. A target that begins with a slash is a
// path alone. A * stands for any text: the labels around it are converted one by one, but
// for those behind it where no slash says that they are of the host.
func OfTarget(target string) string {
	for _, scheme := range [...]string{"https://", "http://"} {
		if len(target) > len(scheme) && strings.EqualFold(target[:len(scheme)], scheme) {
			target = target[len(scheme):]
			break
		}
	}
	end := strings.IndexByte(target, '/')
	if end < 0 {
		end = len(target)
	}
	host, path := target[:end], norm.NFC.String(target[end:])
	if !strings.Contains(host, "*") {
		return Canonical(host) + path
	}
	labels := strings.Split(host, ".")
	for i, label := range labels {
		if !strings.Contains(label, "*") {
			labels[i] = Canonical(label)
		} else if path == "" {
			break
		}
	}
	return strings.Join(labels, ".") + path
}

// Parse returns the Canonical name of a host, or an error if it is none that
// browsers send. An IPv6 address and a name with a port are errors.
func Parse(host string) (string, error) {
	port := strings.Contains(host, ":")
	host = bare(host)
	switch {
	case port:
		return "", errCharset
	case host == "":
		return "", errEmpty
	case len(host) > maxName:
		return "", errLong
	case strings.ContainsFunc(host, isForbidden):
		return "", errCharset
	}
	name, err := toASCII(host)
	switch {
	case err != nil, name == "", name[0] == '.', strings.Contains(name, ".."), strings.ContainsFunc(name, isForbidden):
		return "", errName
	case len(name) > maxName:
		return "", errLong
	}
	return name, nil
}

// isCanonical reports whether Canonical has nothing to do.
func isCanonical(host string) bool {
	for i := range len(host) {
		switch c := host[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '.', c == '-', c == '_':
		default:
			return false
		}
	}
	return host == "" || host[len(host)-1] != '.'
}

// bare returns host without the space around it, brackets, port and final dot, and
// without the encoding of URLs (RFC 3986, section 3.2.2).
func bare(host string) string {
	host = strings.TrimSpace(host)
	if address, ok := strings.CutPrefix(host, "["); ok {
		address, _, _ = strings.Cut(address, "]")
		return address
	}
	if name, port, ok := strings.Cut(host, ":"); ok && strings.Trim(port, "0123456789") == "" {
		host = name
	}
	return strings.TrimSuffix(unescape(host), ".")
}

// unescape decodes the escapes of a host, if none stands for a character of ASCII: such
// a one makes a URL invalid.
func unescape(host string) string {
	if !strings.Contains(host, "%") {
		return host
	}
	for i := range len(host) {
		if host[i] == '%' && (i+1 == len(host) || host[i+1] < '8') {
			return host
		}
	}
	if decoded, err := url.PathUnescape(host); err == nil {
		return decoded
	}
	return host
}

// toASCII returns the name that browsers send for a bare host.
func toASCII(host string) (string, error) {
	switch {
	case len(host) > maxName:
		return "", errLong
	case !utf8.ValidString(host):
		return "", errName
	}
	ascii, err := profile.ToASCII(host)
	if err != nil {
		return "", err
	}
	if lower := strings.ToLower(host); isCanonical(lower) && ascii != lower { // an encoded label of nothing, or of ASCII
		return "", errName
	}
	return strings.TrimSuffix(ascii, "."), nil // other full stops are mapped to the one of ASCII
}

// isForbidden reports whether r can't be in the name of a host
// (https://url.spec.whatwg.org/#forbidden-domain-code-point), or is a wildcard.
func isForbidden(r rune) bool {
	return r <= ' ' || r == 0x7f || unicode.IsControl(r) || strings.ContainsRune("#/:<>?@[\\]^|%*", r)
}
