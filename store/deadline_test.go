package store_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/report"
)

// hangs are servers that never answer, each in its own way.
var hangs = map[string]func(*testing.T) string{
	"accepts": func(t *testing.T) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l.Addr().String() // the kernel accepts, nobody reads
	},
	"headers only": func(t *testing.T) string {
		released := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusOK)
			http.NewResponseController(w).Flush()
			<-released
		}))
		t.Cleanup(func() { close(released); server.CloseClientConnections(); server.Close() })
		return server.Listener.Addr().String()
	},
	"black hole": blackHole,
}

// blackHole is an address where the first packet of a connection is lost: the queue of
// a listener that nobody accepts from is full.
func blackHole(t *testing.T) string {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*syscall.SockaddrInet4).Port}).String()
	for range 16 {
		conn, err := net.DialTimeout("tcp", addr, 50*time.Millisecond)
		if err != nil {
			return addr
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Skip("SKIPPED, this system accepts for a listener that does not")
	return ""
}

// TestHangingServer: with a server that hangs, every method returns soon after its
// context has ended, by each protocol.
func TestHangingServer(t *testing.T) {
	const limit, dial, more = 100 * time.Millisecond, 300 * time.Millisecond, 2 * time.Second
	for name, hang := range hangs {
		for _, scheme := range []string{"http", "clickhouse"} {
			if name == "headers only" && scheme == "clickhouse" {
				continue // which would be an answer
			}
			t.Run(name+" "+scheme, func(t *testing.T) {
				t.Parallel()
				st := openLazy(t, scheme+"://"+hang(t)+"/x?dial_timeout="+dial.String())
				day := calendar.DayOf(time.Now())
				rows := make([]hit.Row, 1000)
				for i := range rows {
					rows[i] = hit.Row{Site: 1, Time: day.Time(), Day: day, Kind: hit.Pageview}
				}
				for method, call := range map[string]func(context.Context) error{
					"Prepare":      st.Prepare,
					"Ping":         st.Ping,
					"Sites":        func(ctx context.Context) error { _, err := st.Sites(ctx); return err },
					"Credentials":  func(ctx context.Context) error { _, err := st.Credentials(ctx); return err },
					"Users":        func(ctx context.Context) error { _, err := st.Users(ctx); return err },
					"Insert":       func(ctx context.Context) error { return st.Insert(ctx, hit.Batch{Rows: rows}, "a") },
					"Query":        func(ctx context.Context) error { return st.Query(ctx, "SELECT 1", "", t.Output()) },
					"Before":       func(ctx context.Context) error { _, err := st.Before(ctx, day.Time()); return err },
					"DeleteBefore": func(ctx context.Context) error { return st.DeleteBefore(ctx, day.Time()) },
					"Expire":       func(ctx context.Context) error { return st.Expire(ctx, privacy.Default().Retention) },
					"Reports.Ask": func(ctx context.Context) error {
						_, err := answer(ctx, st, report.Query{Sites: []uint32{1}, Range: calendar.One(day), Measures: []string{"visits"}})
						return err
					},
				} {
					ctx, cancel := context.WithTimeout(t.Context(), limit)
					start := time.Now()
					err := call(ctx)
					if took := time.Since(start); err == nil || took > limit+dial+more {
						t.Errorf("%s = %v after %v, want an error within %v", method, err, took, limit+dial)
					}
					cancel()
				}
			})
		}
	}
}
