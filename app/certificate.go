package app

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/fotspor/fotspor/internal/trusted"
)

// OpenCertificate reads a certificate, with those that lead to its root, and its private key
// from two PEM files. It returns an error for files that don't belong together or that other
// users may change (package trusted).
func OpenCertificate(certFile, keyFile string) (*tls.Certificate, error) {
	var text [2][]byte
	for n, path := range []string{certFile, keyFile} {
		path, err := trusted.File(path)
		if err == nil {
			text[n], err = os.ReadFile(path)
		}
		if err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
	}
	pair, err := tls.X509KeyPair(text[0], text[1])
	if err != nil {
		return nil, fmt.Errorf("certificate %q with key %q: %w", certFile, keyFile, err)
	}
	return &pair, nil
}

// certificate is that of the public listener. It follows its files: a pair that can't be used
// is logged and counted once, and the last good one stays in use. It is safe for concurrent
// use.
type certificate struct {
	files   [2]string // certificate and key
	current atomic.Pointer[tls.Certificate]

	mu       sync.Mutex
	tried    [2]os.FileInfo // of the files as they were last read; nil: missing
	logger   *slog.Logger
	failures prometheus.Counter
	expiry   prometheus.GaugeFunc
}

// newCertificate returns one that has not been read.
func newCertificate(certFile, keyFile string, logger *slog.Logger, r prometheus.Registerer) *certificate {
	c := &certificate{files: [2]string{certFile, keyFile}, logger: logger}
	c.failures = promauto.With(r).NewCounter(prometheus.CounterOpts{
		Name: "fotspor_tls_reload_failures_total",
		Help: "Changed certificates that could not be used, and attempts to get one by ACME that failed. The last good one stays in use.",
	})
	c.expiry = promauto.With(r).NewGaugeFunc(prometheus.GaugeOpts{
		Name: "fotspor_tls_certificate_expiry_timestamp_seconds",
		Help: "When the certificate of --listen in use expires, the first of several, in Unix time; 0 without one.",
	}, func() float64 {
		if pair := c.current.Load(); pair != nil {
			return float64(pair.Leaf.NotAfter.Unix())
		}
		return 0
	})
	return c
}

// config returns how the public listener speaks TLS: as crypto/tls does by default, 1.2 or newer.
func (c *certificate) config() *tls.Config {
	return &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil }}
}

// look returns what the files are now.
func (c *certificate) look() (infos [2]os.FileInfo) {
	for n, path := range c.files {
		infos[n], _ = os.Stat(path) // nil after an error, which reading it tells
	}
	return infos
}

// follow reads the files if one of them changed since they were last read.
func (c *certificate) follow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.look()
	if sameFile(now[0], c.tried[0]) && sameFile(now[1], c.tried[1]) {
		return
	}
	if err := c.read(now); err != nil {
		c.logger.Error("the changed certificate can't be used; the last good one stays in use", "err", err)
		return
	}
	c.logger.Info("certificate loaded", "until", c.current.Load().Leaf.NotAfter.UTC())
}

// reload reads the files whether they changed or not.
func (c *certificate) reload() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read(c.look())
}

// read reads the files, which were as now says before. The caller holds the lock.
func (c *certificate) read(now [2]os.FileInfo) error {
	c.tried = now
	pair, err := OpenCertificate(c.files[0], c.files[1])
	if err != nil {
		c.failures.Inc()
		return err
	}
	c.current.Store(pair)
	return nil
}

// sameFile reports whether a and b describe the same unchanged file, or are both nil.
func sameFile(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// errHalfTLS says that one of two settings is missing.
var errHalfTLS = errors.New("tls-cert and tls-key: want both or none")

// errTwoTLS says that a certificate would come from two places.
var errTwoTLS = errors.New("tls-acme and tls-cert: want one of them")

// CheckTLS returns an error if the settings of TLS don't belong together or can't be used.
func (o Options) CheckTLS() error {
	if len(o.TLSACME) > 0 && o.TLSCert+o.TLSKey != "" {
		return errTwoTLS
	}
	if o.TLSCert == "" && o.TLSKey == "" {
		return nil
	}
	if o.TLSCert == "" || o.TLSKey == "" {
		return errHalfTLS
	}
	_, err := OpenCertificate(o.TLSCert, o.TLSKey)
	return err
}
