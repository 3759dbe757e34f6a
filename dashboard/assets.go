package dashboard

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/fotspor/fotspor/internal/httpcompress"
)

//go:embed all:web/dist web/mark.svg
var webFiles embed.FS

// assetFiles are the files that pages refer to, each by its base name.
var assetFiles = []struct{ file, contentType string }{
	{"web/dist/dashboard.js", "text/javascript; charset=utf-8"},
	{"web/dist/dashboard.css", "text/css; charset=utf-8"},
	{"web/mark.svg", "image/svg+xml"},
}

// Check reports whether the script and the style sheet were built into the
// program. Go builds without them, so that it can be built before npm ran.
func Check() error {
	files := []string{worldFile}
	for _, a := range assetFiles {
		files = append(files, a.file)
	}
	for _, file := range files {
		if _, err := fs.Stat(webFiles, file); err != nil {
			return fmt.Errorf("dashboard: %s is not in this program: run \"make build\", or \"npm ci && node build.mjs\" before \"go build\"", file)
		}
	}
	return nil
}

// assets are served under URLs that hold the hash of their content, so browsers
// may keep them for ever.
type assets struct {
	urls  map[string]string // base name -> URL
	files map[string]asset  // last element of the URL -> content
}

type asset struct {
	contentType string
	body        *httpcompress.Static
}

func loadAssets() (*assets, error) {
	if err := Check(); err != nil {
		return nil, err
	}
	all := &assets{urls: map[string]string{}, files: map[string]asset{}}
	for _, a := range assetFiles {
		plain, err := webFiles.ReadFile(a.file)
		if err != nil {
			return nil, fmt.Errorf("read asset %s: %w", a.file, err)
		}
		base := path.Base(a.file)
		sum := sha256.Sum256(plain)
		ext := path.Ext(base)
		name := strings.TrimSuffix(base, ext) + "." + hex.EncodeToString(sum[:8]) + ext
		all.urls[base] = "/assets/" + name
		all.files[name] = asset{a.contentType, httpcompress.NewStatic(plain)}
	}
	return all, nil
}

// url returns the URL of an asset by its base name.
func (a *assets) url(base string) (string, error) {
	u, ok := a.urls[base]
	if !ok {
		return "", fmt.Errorf("no asset %q", base)
	}
	return u, nil
}

func (d *Dashboard) serveAsset(c *call) error {
	file, ok := d.assets.files[c.r.PathValue("file")]
	if !ok {
		return notFound
	}
	h := c.w.Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Type", file.contentType)
	c.status = http.StatusOK
	file.body.ServeHTTP(c.w, c.r)
	return nil
}
