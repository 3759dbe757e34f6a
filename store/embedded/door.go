package embedded

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/fotspor/fotspor/internal/trusted"
)

var (
	_ http.Handler = (*Engine)(nil)
	_ http.Handler = (*locked)(nil)
)

// ServeHTTP answers as the HTTP interface of a ClickHouse server does: GET and POST on / and
// GET on /ping. It refuses requests of browsers, and those with the Host of another machine,
// since a web page can make its own name point to this machine (DNS rebinding). Statements
// are guarded: they reach no file and no other machine.
//
// It requires no password: it is meant for a unix socket, whose file permissions say who may
// connect. Serve requires one on a port.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if reason := stranger(r); reason != "" {
		refuse(w, plain(http.StatusForbidden, reason+"\n"))
		return
	}
	a, err := e.serve(r.Context(), r, true)
	if err != nil {
		a = failure(err)
	}
	send(w, a)
}

func send(w http.ResponseWriter, a answer) {
	maps.Copy(w.Header(), a.header)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	w.Write(a.body)
}

// refuse answers without reading the body of the request, and ends the connection.
func refuse(w http.ResponseWriter, a answer) {
	w.Header().Set("Connection", "close")
	send(w, a)
}

// SocketHost is the Host of DialTransport's requests to the engine on a socket, besides
// localhost.
const SocketHost = "engine"

// stranger returns why a request can't come from a ClickHouse client on this machine, or ""
// if it can.
func stranger(r *http.Request) string {
	for name := range r.Header {
		if name == "Origin" || strings.HasPrefix(name, "Sec-Fetch-") {
			return "Not for web pages"
		}
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	addr, err := netip.ParseAddr(host)
	if err == nil && addr.IsLoopback() || strings.EqualFold(host, "localhost") || host == SocketHost {
		return ""
	}
	return "Not for the host of this request: use 127.0.0.1 or localhost"
}

// User is the name of the user where Serve requires a password.
const User = "fotspor"

// PasswordPath returns the path of the file with the password of User.
func PasswordPath(dir string) string { return filepath.Join(dir, "engine.password") }

// shortestPassword is the least length in bytes of a password that the owner has written.
const shortestPassword = 16

// Password returns the password of User from the file PasswordPath(Options.Dir). It refuses a
// file that other users can read. If there is none, it makes one with a new password.
func (e *Engine) Password() (string, error) {
	path := PasswordPath(e.options.Dir)
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makePassword(path)
	}
	if err != nil {
		return "", fmt.Errorf("read the engine's password: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", fmt.Errorf("read the engine's password: %w", err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("read the engine's password: others may read %q (%v): remove the file, and the next start makes a new password", path, info.Mode())
	}
	if uid := info.Sys().(*syscall.Stat_t).Uid; uid != uint32(os.Geteuid()) {
		return "", fmt.Errorf("read the engine's password: %q belongs to %s, not to the user of this process: remove the file, and the next start makes a new password", path, trusted.UserName(uid))
	}
	text, err := io.ReadAll(io.LimitReader(file, 4<<10))
	if err != nil {
		return "", fmt.Errorf("read the engine's password: %w", err)
	}
	password := strings.TrimSpace(string(text))
	if len(password) < shortestPassword {
		return "", fmt.Errorf("read the engine's password: %q holds fewer than %d characters: remove the file, and the next start makes a new password", path, shortestPassword)
	}
	return password, nil
}

// makePassword writes a new password. The caller's lock on the directory keeps other
// processes from doing so at the same time.
func makePassword(path string) (string, error) {
	password := rand.Text()
	file, err := os.CreateTemp(filepath.Dir(path), ".password") // mode 0600
	if err != nil {
		return "", fmt.Errorf("make the engine's password: %w", err)
	}
	_, err = io.WriteString(file, password+"\n")
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		os.Remove(file.Name())
		return "", fmt.Errorf("make the engine's password: %w", err)
	}
	return password, nil
}

const (
	// wrongDelay is how long a wrong password waits for its answer.
	wrongDelay = time.Second
	// maxWrong is how many of them wait at once. Further ones are answered right away with
	// another code, so that they take no memory.
	maxWrong = 16
	// warnEvery bounds how often wrong passwords are logged.
	warnEvery = time.Minute
)

// locked is a handler that requires the password.
type locked struct {
	http.Handler
	user, password [sha256.Size]byte
	waiting        chan struct{}
	log            *slog.Logger

	mu     sync.Mutex
	warned time.Time
}

func lock(h http.Handler, password string, log *slog.Logger) *locked {
	return &locked{
		Handler:  h,
		user:     sha256.Sum256([]byte(User)),
		password: sha256.Sum256([]byte(password)),
		waiting:  make(chan struct{}, maxWrong),
		log:      log,
	}
}

func (l *locked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch user, password, given := credentials(r); {
	case l.knows(user, password), stranger(r) != "", isPing(r):
		l.Handler.ServeHTTP(w, r)
	case !given:
		a := failure(newException(codeAuthentication, "AUTHENTICATION_FAILED", "Authentication failed: the engine takes a user and password"))
		a.status = http.StatusUnauthorized
		a.header.Set("WWW-Authenticate", `Basic realm="fotspor engine", charset="UTF-8"`)
		refuse(w, a)
	default:
		refuse(w, failure(l.wrong(r.Context())))
	}
}

// knows reports whether user and password are right, in constant time.
func (l *locked) knows(user, password string) bool {
	u, p := sha256.Sum256([]byte(user)), sha256.Sum256([]byte(password))
	return subtle.ConstantTimeCompare(u[:], l.user[:])&subtle.ConstantTimeCompare(p[:], l.password[:]) == 1
}

// wrong waits, and returns the error for a wrong password.
func (l *locked) wrong(ctx context.Context) error {
	l.warn()
	select {
	case l.waiting <- struct{}{}:
		defer func() { <-l.waiting }()
	default:
		return newException(codeTooMany, "TOO_MANY_SIMULTANEOUS_QUERIES", "Too many wrong passwords at once")
	}
	select {
	case <-time.After(wrongDelay):
	case <-ctx.Done():
	}
	return newException(codeAuthentication, "AUTHENTICATION_FAILED", "Authentication failed: password is incorrect, or there is no user with such name")
}

func (l *locked) warn() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); now.Sub(l.warned) >= warnEvery {
		l.warned = now
		l.log.Warn("the engine refuses a wrong user or password")
	}
}

// credentials returns user and password of a request. ClickHouse's clients send them in
// headers, by basic authentication, or in the URL. If a request has several, the first of
// these counts.
func credentials(r *http.Request) (user, password string, given bool) {
	user, password = r.Header.Get("X-ClickHouse-User"), r.Header.Get("X-ClickHouse-Key")
	if user != "" || password != "" {
		return user, password, true
	}
	if user, password, ok := r.BasicAuth(); ok {
		return user, password, true
	}
	query := r.URL.Query()
	user, password = query.Get("user"), query.Get("password")
	return user, password, user != "" || password != ""
}
