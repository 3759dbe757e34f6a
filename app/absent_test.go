package app_test

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/app"
	"github.com/fotspor/fotspor/store/storetest"
)

// TestWhatIsNotThere: if a machine lacks something, or another process has it, one line says
// so, and nothing is lost.
func TestWhatIsNotThere(t *testing.T) {
	library := storetest.Library(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	notLibrary := filepath.Join(t.TempDir(), "libchdb.so")
	if err := os.WriteFile(notLibrary, []byte("this is not a library"), 0o600); err != nil {
		t.Fatal(err)
	}
	noDir := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(noDir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	forAll := filepath.Join(t.TempDir(), "list")
	must(t, os.WriteFile(forAll, nil, 0o600), os.Chmod(forAll, 0o666))
	made := t.TempDir()
	if out, errs, status := command(t, "", "migrate", "--data", made); status != 0 || !strings.Contains(out, made) {
		t.Fatalf("migrate: %q, %q, status %d", out, errs, status)
	}
	serve := []string{"serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"port in use":            {[]string{"serve", "--metrics-listen", "127.0.0.1:0", "--data", t.TempDir(), "--listen", taken.Addr().String()}, taken.Addr().String()},
		"metrics port in use":    {[]string{"serve", "--listen", "127.0.0.1:0", "--data", t.TempDir(), "--metrics-listen", taken.Addr().String()}, taken.Addr().String()},
		"engine port in use":     {[]string{"engine", "--data", t.TempDir(), "--listen", taken.Addr().String()}, taken.Addr().String()},
		"no library to load":     {append(serve, "--data", t.TempDir(), "--engine", notLibrary), notLibrary},
		"data is a file":         {append(serve, "--data", noDir), noDir},
		"GeoIP database refused": {append(serve, "--data", t.TempDir(), "--engine", library, "--geo", forAll), forAll},
		"spam file refused":      {append(serve, "--data", t.TempDir(), "--engine", library, "--referrer-spam", forAll), forAll},
		"store not there":        {append(serve, "--data", t.TempDir(), "--store", "http://127.0.0.1:1/x"), "127.0.0.1:1"},
		"SQL with a mistake":     {[]string{"query", "SELECT footprints FROM hits", "--data", made}, "footprints"},
		"SQL that writes":        {[]string{"query", "DROP TABLE hits", "--data", made}, "readonly"},
		"password too short":     {[]string{"user", "add", "kari", "--data", made}, "password"},
		"password, no store":     {[]string{"user", "add", "kari", "--data", t.TempDir()}, "there is no store"},
		"password, no user":      {[]string{"user", "password", "kari", "--data", made}, `"kari"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, stderr, status := command(t, "kort\n", c.args...)
			lines := strings.Split(strings.TrimSpace(stderr), "\n")
			last := lines[len(lines)-1]
			if status != 1 || !strings.Contains(last, c.want) || !strings.HasPrefix(last, "fotspor ") {
				t.Errorf("status %d, %q, want 1 and a last line that names %s", status, stderr, c.want)
			}
			if (strings.Contains(name, "port") || strings.Contains(name, "refused")) && len(lines) != 1 {
				t.Errorf("%q, want the cause alone", stderr)
			}
			if strings.Contains(stderr, "goroutine ") {
				t.Errorf("the error tells too much: %s", stderr)
			}
		})
	}
}

// TestDamagedData: damage in a data directory is reported.
// TestServeWithoutEngine has what serve does then.
func TestDamagedData(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	p := start(t, time.Now(), func(o *app.Options) { o.Now = time.Now; o.Demo = true })
	p.stop()
	damaged := 0
	err := filepath.WalkDir(filepath.Join(p.opts.Data, "clickhouse"), func(name string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, ".sql") && strings.Contains(name, "hits") {
			damaged++
			return os.WriteFile(name, []byte("ATTACH TABLE nonsense"), 0o600)
		}
		return err
	})
	if err != nil || damaged == 0 {
		t.Fatalf("no table definition to damage: %v", err)
	}
	_, stderr, status := command(t, "", "site", "list", "--data", p.opts.Data)
	if status != 1 || !strings.Contains(stderr, p.opts.Data) || strings.Contains(stderr, "panic") {
		t.Errorf("damaged tables: status %d, %q", status, stderr)
	}
}

// TestLockedData: a second program on the same data directory is refused and does
// not disturb the first.
func TestLockedData(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	p := start(t, time.Now(), func(o *app.Options) { o.Now = time.Now; o.Demo = true })
	_, stderr, status := command(t, "", "serve", "--data", p.opts.Data, "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0")
	if status != 1 || !strings.Contains(stderr, filepath.Join(p.opts.Data, "spool")) {
		t.Errorf("status %d, %q, want 1 and the directory", status, stderr)
	}
	p.get(p.metrics + "/readyz")
}
