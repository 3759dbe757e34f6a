package store_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

// papers are a certificate and its key, also as files.
type papers struct {
	tls.Certificate
	cert, key string
}

// sign makes a certificate for 127.0.0.1 that an authority has signed; nil: itself, as an authority.
func sign(t *testing.T, dir, name string, by *papers) papers {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: by == nil, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.Leaf, by.PrivateKey.(*ecdsa.PrivateKey)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	p := papers{cert: filepath.Join(dir, name+".pem"), key: filepath.Join(dir, name+".key")}
	for path, block := range map[string]*pem.Block{p.cert: {Type: "CERTIFICATE", Bytes: der}, p.key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if p.Certificate, err = tls.LoadX509KeyPair(p.cert, p.key); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestServerByTLS: an address with https:// works as it is written, with an authority and a
// certificate of one's own, by the driver and by Query; and with several hosts of which one is
// away.
func TestServerByTLS(t *testing.T) {
	dir := t.TempDir()
	ca := sign(t, dir, "ca", nil)
	ours, client, stranger := sign(t, dir, "server", &ca), sign(t, dir, "client", &ca), sign(t, dir, "stranger", nil)
	trusted := x509.NewCertPool()
	trusted.AddCert(ca.Leaf)
	server := httptest.NewUnstartedServer(storetest.Engine(t))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{ours.Certificate}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: trusted}
	server.StartTLS()
	defer server.Close()
	plain := httptest.NewServer(storetest.Engine(t))
	defer plain.Close()
	_, port, _ := strings.Cut(server.Listener.Addr().String(), ":")
	secure := "https://localhost:" + port + "/" + storetest.Database()
	open := plain.Listener.Addr().String() + "/" + storetest.Database()
	for _, c := range []struct {
		name string
		cfg  store.Config
		err  string // a part of it; "": none
	}{
		{"its authority, and a certificate of it", store.Config{DSN: secure, CA: ca.cert, Cert: client.cert, Key: client.key}, ""},
		{"told twice that it is by TLS", store.Config{DSN: secure + "?secure=true", CA: ca.cert, Cert: client.cert, Key: client.key}, ""},
		{"no authority", store.Config{DSN: secure, Cert: client.cert, Key: client.key}, "unknown authority"},
		{"another authority", store.Config{DSN: secure, CA: stranger.cert, Cert: client.cert, Key: client.key}, "unknown authority"},
		{"no certificate", store.Config{DSN: secure, CA: ca.cert}, "certificate required"},
		{"a certificate of another authority", store.Config{DSN: secure, CA: ca.cert, Cert: stranger.cert, Key: stranger.key}, "certificate"},
		{"the key of another certificate", store.Config{DSN: secure, CA: ca.cert, Cert: client.cert, Key: ours.key}, "private key"},
		{"no key", store.Config{DSN: secure, CA: ca.cert, Cert: client.cert}, "want both or none"},
		{"no file", store.Config{DSN: secure, CA: filepath.Join(dir, "none")}, "store-ca"},
		{"an authority that is none", store.Config{DSN: secure, CA: client.key}, "no certificate in PEM"},
		{"an address without TLS", store.Config{DSN: "http://" + open, CA: ca.cert}, "has no TLS"},
		{"no address", store.Config{Dir: dir, CA: ca.cert}, "has no TLS"},
		{"several hosts", store.Config{DSN: "http://127.0.0.1:1," + open}, ""},
	} {
		c.cfg.Create = true
		err := c.cfg.Validate()
		if err == nil {
			var st *store.Store
			if st, err = store.Open(t.Context(), c.cfg); err == nil {
				if got := query(t, st, "SELECT count() FROM hits"); got != "0" {
					t.Errorf("%s: a query answers %q", c.name, got)
				}
				err = st.Close()
			}
		}
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, want %q", c.name, err, c.err)
		}
	}
}

// TestAddresses: an address of a server may leave out what ClickHouse has by default, and name
// several hosts.
func TestAddresses(t *testing.T) {
	for dsn, want := range map[string]string{
		"clickhouse://db.example":                                    "db.example:9000",
		"clickhouse://db.example?secure=true":                        "db.example:9440 TLS",
		"http://db.example/stats":                                    "db.example:8123",
		"https://db.example/stats":                                   "db.example:8443 TLS",
		"https://db.example:443":                                     "db.example:443 TLS",
		"https://u:p%40%2C@a.example,b.example:1/stats?secure=true":  "a.example:8443 b.example:1 TLS",
		"clickhouse://u:p,q@a.example:9000,b.example:9001,c.example": "a.example:9000 b.example:9001 c.example:9000",
		"clickhouse://[2001:db8::1]:9000,[2001:db8::2]/x":            "[2001:db8::1]:9000 [2001:db8::2]:9000",
		"https://db.example?secure=false":                            "",
		"postgres://db.example":                                      "",
		"db.example":                                                 "",
		"clickhouse://a.example:99999":                               "",
		"clickhouse://a.example:1,b.example:x":                       "",
		"clickhouse://a.example,":                                    "",
		"https://":                                                   "",
		"":                                                           "",
	} {
		got, err := store.Addresses(dsn)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v, want %q", dsn, got, err, want)
		}
		place := store.Config{DSN: dsn}.Place()
		if err == nil && (strings.Contains(place, "p,q") || strings.Contains(place, "p%40") || strings.Contains(dsn, "b.example") != strings.Contains(place, "b.example")) {
			t.Errorf("%q: the place is %q", dsn, place)
		}
	}
}
