// Package baseurl holds the address under which browsers reach the program.
package baseurl

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// URL is a scheme, http or https, and a host with its port if it has one. There is no
// path: the program answers at the root of its host. The zero URL is none. A URL may be
// compared, and is safe for concurrent use.
type URL struct{ scheme, host string }

// Parse reads an address such as https://stats.example.org. A slash at its end is dropped.
// The empty text is the zero URL.
func Parse(text string) (URL, error) {
	if text == "" {
		return URL{}, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" ||
		u.User != nil || strings.ContainsAny(u.Host, ";, '\"") || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return URL{}, errors.New("want a whole host such as https://stats.example.org")
	}
	return URL{u.Scheme, strings.ToLower(u.Host)}, nil
}

// MustParse is Parse for a constant. It panics on an error.
func MustParse(text string) URL {
	u, err := Parse(text)
	if err != nil {
		panic("baseurl: " + text + ": " + err.Error())
	}
	return u
}

// Of returns the address by which a request came, as it says itself. A sender may lie
// about it: only what the same sender sees may depend on it.
func Of(r *http.Request) URL {
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		return URL{"https", r.Host}
	}
	return URL{"http", r.Host}
}

// Listening returns the address of a listener of this machine, such as 127.0.0.1:8080, which
// speaks TLS or not.
func Listening(addr string, tls bool) URL {
	if tls {
		return URL{"https", addr}
	}
	return URL{"http", addr}
}

// Or returns u, or other if u is none.
func (u URL) Or(other URL) URL {
	if u == (URL{}) {
		return other
	}
	return u
}

// IsZero reports whether there is no address.
func (u URL) IsZero() bool { return u == URL{} }

// IsHTTPS reports whether browsers come by HTTPS.
func (u URL) IsHTTPS() bool { return u.scheme == "https" }

// Hostname returns the host without its port, and an IPv6 address without its brackets.
func (u URL) Hostname() string { return (&url.URL{Host: u.host}).Hostname() }

// String returns the address without a slash at its end, and "" for none. A path can be
// written behind it.
func (u URL) String() string {
	if u.IsZero() {
		return ""
	}
	return u.scheme + "://" + u.host
}
