package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"github.com/fotspor/fotspor/internal/periodic"
)

// DefaultACME is the directory of the certificate authority that certificates are got from.
const DefaultACME = acme.LetsEncryptURL

// retriesACME is how many looks at certificates lie between a failure to get one and the next
// attempt: a quarter of an hour, since authorities count failures.
const retriesACME = 15

// errNoCertificate is what a handshake ends with before the first certificate has come.
var errNoCertificate = errors.New("there is no certificate yet")

// acmeCertificates gets the certificates of the public listener by ACME (RFC 8555), proves by the
// listener itself that the hosts are this program's (tls-alpn-01, RFC 8737), and renews them.
// Handshakes get what is there and ask for nothing, so strangers can't make it ask. It is safe for
// concurrent use.
type acmeCertificates struct {
	hosts  []string
	make   func(host string) *autocert.Manager
	of     *certificate // tells of them in metrics
	logger *slog.Logger

	mu       sync.Mutex
	managers map[string]*autocert.Manager // of each host
	current  map[string]*tls.Certificate
}

// startACME returns how the public listener speaks TLS, and begins to get certificates.
func (p *program) startACME(of *certificate) *tls.Config {
	a := &acmeCertificates{
		hosts: p.TLSACME, of: of, logger: p.component("tls"),
		managers: map[string]*autocert.Manager{}, current: map[string]*tls.Certificate{},
	}
	life, end := context.WithCancel(context.Background())
	cache := autocert.DirCache(filepath.Join(p.Data, "acme"))
	a.make = func(host string) *autocert.Manager {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.DisableKeepAlives = true
		return &autocert.Manager{
			Prompt: autocert.AcceptTOS, Cache: cache, HostPolicy: autocert.HostWhitelist(host),
			Client: &acme.Client{DirectoryURL: p.ACMEDirectory, UserAgent: "fotspor", HTTPClient: &http.Client{Transport: lasting{transport, life}, Timeout: time.Minute}},
		}
	}
	p.rereads = append(p.rereads, reread{"certificates", a.renew})
	p.background("certificates", func(ctx context.Context) {
		stop := context.AfterFunc(ctx, end) // or renew would wait for the authority
		defer stop()
		periodic.Task{
			Do: func(context.Context) error { return a.renew() },
			Next: func(err error) time.Duration {
				if err != nil {
					return retriesACME * p.paces.files
				}
				return p.paces.files
			},
			Trouble: &periodic.Trouble{Logger: a.logger, Level: slog.LevelError, Failed: "no certificate can be got by ACME, which is tried again", Over: "certificates are got again"},
		}.Run(ctx)
		end()
	})
	return &tls.Config{GetCertificate: a.get, NextProtos: []string{acme.ALPNProto}}
}

// hello is that of a client which knows the keys that we make.
func hello(host string) *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{
		ServerName: host, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
		SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256}, SupportedCurves: []tls.CurveID{tls.CurveP256},
	}
}

// renew gets the certificates that are not there or that were renewed.
func (a *acmeCertificates) renew() error {
	var errs []error
	for _, host := range a.hosts {
		a.mu.Lock()
		m := a.managers[host]
		if m == nil {
			m = a.make(host)
			a.managers[host] = m
		}
		a.mu.Unlock()
		pair, err := m.GetCertificate(hello(host)) // of memory or the directory, nearly always
		a.mu.Lock()
		if err != nil {
			delete(a.managers, host) // it remembers the failure
			errs = append(errs, fmt.Errorf("certificate of %s: %w", host, err))
			a.of.failures.Inc()
		} else if old := a.current[host]; old == nil || !old.Leaf.Equal(pair.Leaf) {
			a.current[host] = pair
			a.logger.Info("certificate loaded", "host", host, "until", pair.Leaf.NotAfter.UTC())
		}
		a.mu.Unlock()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	var first *tls.Certificate
	for _, pair := range a.current {
		if first == nil || pair.Leaf.NotAfter.Before(first.Leaf.NotAfter) {
			first = pair
		}
	}
	a.of.current.Store(first)
	return errors.Join(errs...)
}

// get answers the authority's question whether the host is ours, and other clients with the
// certificate of the host that they name, or else that of the first.
func (a *acmeCertificates) get(client *tls.ClientHelloInfo) (*tls.Certificate, error) {
	a.mu.Lock()
	m, pair := a.managers[client.ServerName], a.current[client.ServerName]
	if pair == nil {
		pair = a.current[a.hosts[0]]
	}
	a.mu.Unlock()
	switch asks := len(client.SupportedProtos) == 1 && client.SupportedProtos[0] == acme.ALPNProto; {
	case asks && m != nil:
		return m.GetCertificate(client)
	case asks || pair == nil:
		return nil, errNoCertificate
	}
	return pair, nil
}

// lasting sends requests until a context ends.
type lasting struct {
	http.RoundTripper
	life context.Context
}

func (l lasting) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := l.life.Err(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(r.Context())
	stop := context.AfterFunc(l.life, cancel)
	context.AfterFunc(ctx, func() { stop() })
	return l.RoundTripper.RoundTrip(r.WithContext(ctx))
}
