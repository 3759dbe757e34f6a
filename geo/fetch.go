package geo

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// DefaultURL is where region data is fetched from: IP to City Lite of DB-IP, made anew each month,
// both address families in one file, under CC BY 4.0 (https://db-ip.com/db/download/ip-to-city-lite).
const DefaultURL = "https://download.db-ip.com/free/dbip-city-lite-{year}-{month}.mmdb.gz"

const (
	fetchTime   = 15 * time.Minute // for one file
	mostFetched = 1 << 30          // bytes of a file, uncompressed
)

// ErrOlder means that what was fetched is older than the file that is there.
var ErrOlder = errors.New("it is older than the file in use")

// placeholder is what the month of a file is in its URL, with what parts it from the name.
var placeholder = regexp.MustCompile(`[-_.]?\{(year|month)\}`)

// CheckURL returns an error for a URL that Fetch can't use. The error holds no password.
func CheckURL(text string) error {
	_, err := fileOf(text)
	return err
}

// fileOf returns the name of the file that is fetched from a URL: its last part without the month
// and without .gz.
func fileOf(text string) (string, error) {
	u, err := url.Parse(placeholder.ReplaceAllString(text, ""))
	if err != nil {
		return "", errors.New("not a URL")
	}
	name := strings.TrimSuffix(path.Base(u.Path), ".gz")
	if u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || !strings.HasSuffix(name, ".mmdb") || strings.HasPrefix(name, ".") {
		return "", fmt.Errorf("%q: want an http or https URL that ends in .mmdb or .mmdb.gz", u.Redacted())
	}
	return name, nil
}

// Fetched is a database that Fetch has looked for.
type Fetched struct {
	Path  string
	Built time.Time // when its data were made
	New   bool      // it is another than before
}

// FetchedIn returns the databases that Fetch has put into a directory, by name.
func FetchedIn(dir string) []string {
	files, _ := filepath.Glob(filepath.Join(dir, "*.mmdb")) // the pattern is good, but for a folder's name that is a pattern: then there are none
	slices.Sort(files)
	return files
}

// Fetch gets a GeoIP database from a URL into a directory, which it makes if it is not there.
// {year} and {month} in the URL stand for those of now; if there is no such file yet, for those
// of the month before. What comes is checked to its last network before it takes the place of the
// file that was there, in one step; after an error that file stays. It is one that is older than
// what is there, too (ErrOlder).
func Fetch(ctx context.Context, from, dir string, now time.Time) (Fetched, error) {
	name, err := fileOf(from)
	if err != nil {
		return Fetched{}, fmt.Errorf("fetch region data: %w", err)
	}
	f, err := fetch(ctx, from, filepath.Join(dir, name), now)
	if err != nil {
		return Fetched{}, fmt.Errorf("fetch region data %s: %w", name, err)
	}
	return f, nil
}

func fetch(ctx context.Context, from, to string, now time.Time) (Fetched, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return Fetched{}, err
	}
	first := time.Date(now.UTC().Year(), now.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
	body, err := get(ctx, monthly(from, first))
	if errors.Is(err, errMissing) && placeholder.MatchString(from) {
		body, err = get(ctx, monthly(from, first.AddDate(0, -1, 0)))
	}
	if err != nil {
		return Fetched{}, err
	}
	defer body.Close()
	next, err := os.CreateTemp(filepath.Dir(to), ".fetching-*") // mode 0600
	if err != nil {
		return Fetched{}, err
	}
	defer os.Remove(next.Name()) // renamed by then, unless something failed
	if err := errors.Join(save(next, body), next.Sync(), next.Close()); err != nil {
		return Fetched{}, err
	}
	fresh, err := openFile(next.Name(), 0)
	if err != nil {
		return Fetched{}, err
	}
	f := Fetched{Path: to, Built: fresh.built(), New: true}
	if old, err := openFile(to, quickCheck); err == nil {
		switch at := old.built(); {
		case f.Built.Before(at):
			return Fetched{}, fmt.Errorf("made %s: %w, made %s", f.Built.Format(time.DateOnly), ErrOlder, at.Format(time.DateOnly))
		case f.Built.Equal(at):
			f.New = false
			return f, nil
		}
	}
	return f, os.Rename(next.Name(), to)
}

// built returns when the data of a database were made.
func (f *file) built() time.Time {
	return time.Unix(int64(f.reader.Metadata.BuildEpoch), 0).UTC()
}

// monthly returns a URL with the month that it is to have.
func monthly(text string, month time.Time) string {
	return strings.NewReplacer("{year}", month.Format("2006"), "{month}", month.Format("01")).Replace(text)
}

// errMissing means that a server has no such file.
var errMissing = errors.New("the server has no such file")

// get begins to get a file. Its errors hold no password of the URL.
func get(ctx context.Context, from string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, errors.New("not a URL")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true
	transport.DisableCompression = true // the file is compressed itself
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return nil, fmt.Errorf("get %s: %w", req.URL.Redacted(), failed.Err)
	}
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		err := fmt.Errorf("get %s: %s", req.URL.Redacted(), resp.Status)
		if resp.StatusCode == http.StatusNotFound {
			err = fmt.Errorf("%w: %w", errMissing, err)
		}
		return nil, err
	}
	return resp.Body, nil
}

// save writes a file that may be compressed by gzip.
func save(to io.Writer, body io.Reader) error {
	plain := bufio.NewReader(body)
	if begin, err := plain.Peek(2); err == nil && begin[0] == 0x1f && begin[1] == 0x8b {
		unzipped, err := gzip.NewReader(plain)
		if err != nil {
			return err
		}
		plain = bufio.NewReader(unzipped)
	}
	n, err := io.Copy(to, io.LimitReader(plain, mostFetched+1))
	if err == nil && n > mostFetched {
		err = fmt.Errorf("it is larger than %d bytes", mostFetched)
	}
	return err
}
