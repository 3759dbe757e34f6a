package app

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"golang.org/x/crypto/acme"

	"github.com/fotspor/fotspor/internal/patience"
)

// authority is a certificate authority that speaks as much of ACME (RFC 8555) as it takes: one
// account, orders of one host, the challenge tls-alpn-01 (RFC 8737). It verifies signatures,
// takes each nonce once, and asks at the program whose host it is.
type authority struct {
	t       *testing.T
	server  *httptest.Server
	key     *ecdsa.PrivateKey
	root    *x509.Certificate
	program func() string // address at which all hosts are

	mu      sync.Mutex
	life    time.Duration // of certificates that are issued, of which an hour is left
	refuses bool          // orders
	nonces  map[string]bool
	account *ecdsa.PublicKey
	orders  []*order
}

type order struct {
	host   string
	token  string
	status string // pending, ready, valid or invalid
	chain  []byte
}

func newAuthority(t *testing.T, program func() string) *authority {
	a := &authority{t: t, program: program, nonces: map[string]bool{}, life: 90 * 24 * time.Hour}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	a.root = &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, a.root, a.root, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.root, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.server = httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(a.server.Close)
	return a
}

func (a *authority) serve(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	nonce := rand.Text()
	a.nonces[nonce] = true
	w.Header().Set("Replay-Nonce", nonce)
	url := func(format string, args ...any) string { return a.server.URL + fmt.Sprintf(format, args...) }
	answer := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(v)
	}
	problem := func(status int, kind, detail string) {
		answer(status, map[string]any{"type": "urn:ietf:params:acme:error:" + kind, "detail": detail})
	}
	switch r.URL.Path {
	case "/":
		answer(http.StatusOK, map[string]any{"newNonce": url("/nonce"), "newAccount": url("/account"), "newOrder": url("/order"), "revokeCert": url("/revoke"), "keyChange": url("/key")})
		return
	case "/nonce":
		return
	}
	payload, err := a.read(r)
	if err != nil {
		problem(http.StatusBadRequest, "malformed", err.Error())
		return
	}
	var n int
	if _, err := fmt.Sscanf(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/'):], "/%d", &n); err == nil && n >= len(a.orders) {
		problem(http.StatusNotFound, "malformed", "no such order")
		return
	}
	what, _, _ := strings.Cut(r.URL.Path[1:], "/")
	order1 := func(n int) map[string]any {
		o := a.orders[n]
		v := map[string]any{"status": o.status, "identifiers": []any{map[string]string{"type": "dns", "value": o.host}}, "authorizations": []string{url("/authorization/%d", n)}, "finalize": url("/finalize/%d", n)}
		if o.chain != nil {
			v["certificate"] = url("/certificate/%d", n)
		}
		w.Header().Set("Location", url("/orders/%d", n))
		return v
	}
	challenge := func(n int) map[string]any {
		status := a.orders[n].status
		if status == "ready" {
			status = "valid"
		}
		return map[string]any{"type": "tls-alpn-01", "status": status, "url": url("/challenge/%d", n), "token": a.orders[n].token}
	}
	switch what {
	case "account":
		w.Header().Set("Location", url("/accounts/1"))
		answer(http.StatusCreated, map[string]any{"status": "valid"})
	case "order":
		var asked struct {
			Identifiers []struct{ Type, Value string }
		}
		if err := json.Unmarshal(payload, &asked); err != nil || len(asked.Identifiers) != 1 {
			problem(http.StatusBadRequest, "malformed", "want one identifier")
			return
		}
		if a.refuses {
			problem(http.StatusForbidden, "rejectedIdentifier", "not this one")
			return
		}
		a.orders = append(a.orders, &order{host: asked.Identifiers[0].Value, token: rand.Text(), status: "pending"})
		answer(http.StatusCreated, order1(len(a.orders)-1))
	case "orders":
		answer(http.StatusOK, order1(n))
	case "authorization":
		v := map[string]any{"status": challenge(n)["status"], "identifier": map[string]string{"type": "dns", "value": a.orders[n].host}, "challenges": []any{challenge(n)}}
		answer(http.StatusOK, v)
	case "challenge":
		a.orders[n].status = "ready"
		if err := a.ask(a.orders[n]); err != nil {
			a.orders[n].status = "invalid"
		}
		answer(http.StatusOK, challenge(n))
	case "finalize":
		var asked struct{ CSR string }
		err := json.Unmarshal(payload, &asked)
		if err == nil && a.orders[n].status == "ready" {
			err = a.issue(a.orders[n], asked.CSR)
		}
		if err != nil || a.orders[n].status != "valid" {
			problem(http.StatusForbidden, "badCSR", fmt.Sprint(err))
			return
		}
		answer(http.StatusOK, order1(n))
	case "certificate":
		w.Header().Set("Content-Type", "application/pem-certificate-chain")
		w.Write(a.orders[n].chain)
	default:
		http.NotFound(w, r)
	}
}

// read returns the payload of a request that the account has signed, or an account to be.
func (a *authority) read(r *http.Request) ([]byte, error) {
	var signed struct{ Protected, Payload, Signature string }
	if err := json.NewDecoder(r.Body).Decode(&signed); err != nil {
		return nil, err
	}
	head, err1 := base64.RawURLEncoding.DecodeString(signed.Protected)
	payload, err2 := base64.RawURLEncoding.DecodeString(signed.Payload)
	signature, err3 := base64.RawURLEncoding.DecodeString(signed.Signature)
	var protected struct {
		Alg, Nonce, URL, KID string
		JWK                  *struct{ X, Y string }
	}
	if err := errors.Join(err1, err2, err3, json.Unmarshal(head, &protected)); err != nil {
		return nil, err
	}
	if !a.nonces[protected.Nonce] || protected.URL != a.server.URL+r.URL.Path || protected.Alg != "ES256" || len(signature) != 64 {
		return nil, fmt.Errorf("head %s", head)
	}
	delete(a.nonces, protected.Nonce)
	if key := protected.JWK; key != nil {
		x, err1 := base64.RawURLEncoding.DecodeString(key.X)
		y, err2 := base64.RawURLEncoding.DecodeString(key.Y)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		if a.account, err1 = ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y)); err1 != nil {
			return nil, err1
		}
	}
	digest := sha256.Sum256([]byte(signed.Protected + "." + signed.Payload))
	if a.account == nil || !ecdsa.Verify(a.account, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		return nil, errors.New("the signature is not the account's")
	}
	return payload, nil
}

// ask asks at the program whether the host of an order is that of the account.
func (a *authority) ask(o *order) error {
	print, err := acme.JWKThumbprint(crypto.PublicKey(a.account))
	if err != nil {
		return err
	}
	dialer := &tls.Dialer{NetDialer: &net.Dialer{Timeout: 5 * time.Second}, Config: &tls.Config{ServerName: o.host, NextProtos: []string{acme.ALPNProto}, InsecureSkipVerify: true}}
	conn, err := dialer.Dial("tcp", a.program())
	if err != nil {
		return err
	}
	defer conn.Close()
	state := conn.(*tls.Conn).ConnectionState()
	want := sha256.Sum256([]byte(o.token + "." + print))
	for _, e := range state.PeerCertificates[0].Extensions {
		var got []byte
		if e.Id.Equal(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 31}) {
			if _, err := asn1.Unmarshal(e.Value, &got); err == nil && bytes.Equal(got, want[:]) && e.Critical && state.NegotiatedProtocol == acme.ALPNProto {
				if n, err := conn.Read(make([]byte, 1)); n > 0 || err == nil {
					return errors.New("the connection goes on")
				}
				return nil
			}
		}
	}
	return errors.New("the certificate proves nothing")
}

// issue signs the certificate of an order.
func (a *authority) issue(o *order, text string) error {
	der, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return err
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err == nil {
		err = csr.CheckSignature()
	}
	if err != nil || len(csr.DNSNames) != 1 || csr.DNSNames[0] != o.host {
		return fmt.Errorf("request for %v: %w", csr.DNSNames, err)
	}
	end := time.Now().Add(a.life)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(int64(len(a.orders)) + 1), Subject: pkix.Name{CommonName: o.host}, DNSNames: csr.DNSNames, NotBefore: time.Now().Add(-time.Hour), NotAfter: end, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if der, err = x509.CreateCertificate(rand.Reader, leaf, a.root, csr.PublicKey, a.key); err != nil {
		return err
	}
	o.chain = append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.root.Raw})...)
	o.status = "valid"
	return nil
}

func (a *authority) set(life time.Duration, refuses bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.life, a.refuses = life, refuses
}

func (a *authority) ordered() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.orders)
}

// TestACME: the program gets certificates for its hosts over the port that it serves, keeps them
// for its next start, renews them, and goes on trying where the authority refuses. Strangers make
// it ask for nothing.
func TestACME(t *testing.T) {
	data := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	ca := newAuthority(t, func() string { return addr })
	var log syncText
	run := func(l net.Listener, hosts ...string) (*program, *certificate) {
		p := &program{fatal: make(chan error, 1), registry: prometheus.NewRegistry()}
		p.Logger = slog.New(slog.NewTextHandler(&log, nil))
		p.Data, p.TLSACME, p.ACMEDirectory, p.paces.files = data, hosts, ca.server.URL, 10*time.Millisecond
		config, c, err := p.startTLS(true)
		if err != nil {
			t.Fatal(err)
		}
		p.serve(intake, l, config, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }), "public", nothing)
		return p, c
	}
	stop := func(p *program) {
		t.Helper()
		if err := p.stop(slog.New(slog.DiscardHandler)); err != nil {
			t.Error(err)
		}
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca.root)
	// see returns the protocol that a host is answered in, and the end of its certificate.
	see := func(host string, two bool) (string, time.Time, error) {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: host}, ForceAttemptHTTP2: two}
		defer transport.CloseIdleConnections()
		resp, err := (&http.Client{Transport: transport}).Get("https://" + addr)
		if err != nil {
			return "", time.Time{}, err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return string(body), resp.TLS.PeerCertificates[0].NotAfter, err
	}
	await := func(what string, f func() error) {
		t.Helper()
		deadline, tick := time.After(patience.Of(30*time.Second)), time.NewTicker(10*time.Millisecond)
		defer tick.Stop()
		for err := f(); err != nil; err = f() {
			select {
			case <-tick.C:
			case <-deadline:
				t.Fatalf("%s: %v\n%s", what, err, &log)
			}
		}
	}

	ca.set(0, true)
	p, c := run(l, "stats.example.org", "tall.example.no")
	await("refusals", func() error {
		if testutil.ToFloat64(c.failures) < 3 {
			return errors.New("too few are counted")
		}
		return nil
	})
	if _, _, err := see("stats.example.org", false); err == nil {
		t.Error("there is a certificate that nobody gave")
	}
	if got := strings.Count(log.String(), "no certificate can be got"); got != 1 {
		t.Errorf("the log tells of %d troubles, want one:\n%s", got, &log)
	}
	if got, want := p.baseURL().String(), "https://stats.example.org"; got != want {
		t.Errorf("the program says it is at %s, want %s", got, want)
	}

	ca.set(2*time.Hour, false) // of the life of three hours two are left: it is renewed when one is
	for _, host := range []string{"stats.example.org", "tall.example.no"} {
		for want, two := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
			await("a certificate of "+host, func() error {
				got, _, err := see(host, two)
				if err == nil && got != want {
					t.Errorf("%s is answered by %s, want %s", host, got, want)
				}
				return err
			})
		}
	}
	if n := ca.ordered(); n != 2 {
		t.Errorf("%d certificates were ordered, want 2", n)
	}
	for _, host := range []string{"other.example.org", "x.stats.example.org"} {
		if _, _, err := see(host, false); err == nil || !strings.Contains(err.Error(), "not "+host) {
			t.Errorf("%s has a certificate: %v", host, err)
		}
	}
	if got := testutil.ToFloat64(c.expiry); got < float64(time.Now().Add(time.Hour).Unix()) || got > float64(time.Now().Add(3*time.Hour).Unix()) {
		t.Errorf("the metric says that the certificate expires at %v", got)
	}
	stop(p)

	err = filepath.WalkDir(filepath.Join(data, "acme"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if want := fs.FileMode(0o600); err == nil && info.Mode().Perm() != want && !entry.IsDir() || err == nil && entry.IsDir() && info.Mode().Perm() != 0o700 {
			t.Errorf("%s has the mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}

	// The next start takes what is there, also while the authority is away; and renews what ends soon.
	if l, err = net.Listen("tcp", addr); err != nil {
		t.Fatal(err)
	}
	ca.set(0, true)
	p, _ = run(l, "stats.example.org", "tall.example.no")
	await("the kept certificate", func() error { _, _, err := see("tall.example.no", true); return err })
	if n := ca.ordered(); n != 2 {
		t.Errorf("%d certificates are ordered after another start, want 2", n)
	}
	stop(p)
	for _, host := range []string{"stats.example.org", "tall.example.no"} {
		if err := os.Remove(filepath.Join(data, "acme", host)); err != nil {
			t.Fatal(err)
		}
	}
	if l, err = net.Listen("tcp", addr); err != nil {
		t.Fatal(err)
	}
	ca.set(time.Minute, false) // less than a third is left at once
	p, _ = run(l, "stats.example.org")
	await("a short certificate", func() error { _, _, err := see("stats.example.org", false); return err })
	ca.set(80*24*time.Hour, false)
	await("a renewed certificate", func() error {
		_, end, err := see("stats.example.org", false)
		if err == nil && time.Until(end) < time.Hour {
			err = errors.New("it is the old one")
		}
		return err
	})
	stop(p)
}

// TestACMEStops: a program stops at once although the authority does not answer.
func TestACMEStops(t *testing.T) {
	asked, done := make(chan struct{}, 1), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case asked <- struct{}{}:
		default:
		}
		select {
		case <-r.Context().Done():
		case <-done:
		}
	}))
	defer server.Close()
	defer close(done)
	p := &program{fatal: make(chan error, 1), registry: prometheus.NewRegistry()}
	p.Logger = slog.New(slog.DiscardHandler)
	p.Data, p.TLSACME, p.ACMEDirectory, p.paces.files = t.TempDir(), []string{"stats.example.org"}, server.URL, time.Hour
	if _, _, err := p.startTLS(true); err != nil {
		t.Fatal(err)
	}
	<-asked
	start := time.Now()
	if err := p.stop(slog.New(slog.DiscardHandler)); err != nil || time.Since(start) > patience.Of(5*time.Second) {
		t.Errorf("the program stopped after %v, %v", time.Since(start), err)
	}
}

// syncText is a text that goroutines write.
type syncText struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *syncText) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *syncText) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
