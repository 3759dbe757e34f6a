package app_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/store/embedded"
)

// TestEngineDoor: the port of `fotspor engine` takes the password of the data
// directory and tells it to nobody, a browser gets nothing by it, and `fotspor query`
// reads nothing but the store.
func TestEngineDoor(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	data, secret := t.TempDir(), filepath.Join(t.TempDir(), "secret")
	const canary = "41729936"
	if err := os.WriteFile(secret, []byte(canary), 0o600); err != nil {
		t.Fatal(err)
	}
	engine := serve(t, "engine", "--listen", "127.0.0.1:0", "--data", data)
	addr := strings.TrimPrefix(engine.public, "http://")
	dsn := engineDSN(t, addr, data, "fotspor")
	file := embedded.PasswordPath(data)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	password := strings.TrimSpace(string(text))
	if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 || filepath.Base(file) != "engine.password" {
		t.Errorf("%s: %v, %v", file, info, err)
	}

	// Anybody on the machine, and any page in a browser here.
	for _, page := range []bool{false, true} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+addr+"/?readonly=0&query=SELECT+1", nil)
		if err != nil {
			t.Fatal(err)
		}
		want := http.StatusUnauthorized
		if page {
			r.SetBasicAuth(embedded.User, password)
			r.Header.Set("Sec-Fetch-Dest", "image")
			want = http.StatusForbidden
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want || strings.Contains(string(body), password) {
			t.Errorf("from a page: %v: %s %q, want %d", page, resp.Status, body, want)
		}
	}

	for name, at := range map[string][]string{
		"port":   {"--store", dsn, "--data", t.TempDir()},
		"socket": {"--data", data},
	} {
		if out, errs, status := command(t, "", append([]string{"site", "add", "--host", name + ".example", "--name", "file('x') \\x", "--create", "--quiet"}, at...)...); status != 0 {
			t.Errorf("%s: site add: %q, %q", name, out, errs)
		}
		if out, errs, status := command(t, "", append([]string{"query", "SELECT count() FROM hits"}, at...)...); out != "0\n" || status != 0 {
			t.Errorf("%s: query: %q, %q", name, out, errs)
		}
		for _, sql := range []string{
			"SELECT file('" + secret + "')",
			"SELECT * APPLY(file) FROM (SELECT '" + secret + "')",
			"DESCRIBE TABLE url(concat('http://127.0.0.1:1/', base64Encode(file('" + secret + "'))), 'CSV')",
			"SELECT * FROM file('" + secret + "', LineAsString)",
			"SELECT 1 FORMAT Template SETTINGS format_template_row = '" + secret + "'",
			"SELECT 1 INTO\u3000OUTFILE '" + filepath.Join(filepath.Dir(secret), "written") + "'",
		} {
			if out, errs, status := command(t, "", append([]string{"query", sql}, at...)...); status != 1 || out != "" || strings.Contains(errs, canary) {
				t.Errorf("%s: %s: %q, %q, status %d", name, sql, out, errs, status)
			}
		}
	}
	if entries, err := os.ReadDir(filepath.Dir(secret)); err != nil || len(entries) != 1 {
		t.Errorf("written beside the secret: %v, %v", entries, err)
	}
	wrong := strings.Replace(dsn, password, "wrong-"+password[6:], 1)
	if out, errs, status := command(t, "", "query", "SELECT 1", "--store", wrong); status != 1 || !strings.Contains(errs, "Authentication failed") || strings.Contains(errs, password[6:]) {
		t.Errorf("a wrong password: %q, %q, status %d", out, errs, status)
	}
	http.DefaultClient.CloseIdleConnections()
	engine.stop()
	if log := engine.log.String(); strings.Contains(log, password) || !strings.Contains(log, file) {
		t.Errorf("the log tells the password, or not where it is: %s", log)
	}

	// It is read again, and not if others could.
	engine = serve(t, "engine", "--listen", addr, "--data", data)
	if out, errs, status := command(t, "", "query", "SELECT count() FROM hits", "--store", dsn); out != "0\n" || status != 0 {
		t.Errorf("after a restart: %q, %q", out, errs)
	}
	engine.stop()
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	out, errs, status := command(t, "", "engine", "--listen", addr, "--data", data)
	if status != 1 || !strings.Contains(errs, "others may read") || !strings.Contains(errs, file) || strings.Contains(out+errs, password) {
		t.Errorf("others may read the password: %q, %q, status %d", out, errs, status)
	}
}
