package app_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fotspor/fotspor/internal/patience"
)

// fate is what a sender knows of a hit.
type fate byte

const (
	unknown      fate = iota // the connection died: it may be stored
	acknowledged             // and so stored, or excluded on purpose
	refused                  // 503, and so not stored
)

// sentHit is a hit as its sender remembers it. Its page ends in
// its number, so that every row can be told whose it is.
type sentHit struct {
	kind    hitKind
	fate    fate
	request int // number of the request's first hit
}

type hitKind byte

const (
	view hitKind = iota
	event
	crawler
	objection
	hitKinds
)

// told is what the collector says of a hit that it has taken in.
var told = [hitKinds]string{"recorded", "recorded", "dropped: bot", "dropped: objection"}

// ledger is the account of all that was sent.
type ledger struct {
	mu       sync.Mutex
	hits     []sentHit
	requests int
}

// begin enters a request of n hits, whose fate is unknown for now, and returns the
// number of the first.
func (l *ledger) begin(kind hitKind, n int) (first int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests++
	first = len(l.hits)
	for range n {
		l.hits = append(l.hits, sentHit{kind: kind, request: first})
	}
	return first
}

// settle enters what became of a request of n hits.
func (l *ledger) settle(first, n int, f fate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := first; i < first+n; i++ {
		l.hits[i].fate = f
	}
}

// door is where the program is to be reached, which changes with every start.
type door struct {
	mu      sync.Mutex
	url     string
	starts  int
	changed chan struct{}
}

func newDoor() *door { return &door{changed: make(chan struct{})} }

// open tells everybody where the program is now.
func (d *door) open(url string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.url = url
	d.starts++
	close(d.changed)
	d.changed = make(chan struct{})
}

// after returns where the program is once it has started more than so many times.
func (d *door) after(ctx context.Context, starts int) (url string, now int, err error) {
	for {
		d.mu.Lock()
		url, now, changed := d.url, d.starts, d.changed
		d.mu.Unlock()
		if now > starts {
			return url, now, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return "", 0, ctx.Err()
		}
	}
}

// pace counts answers for one who waits for them.
type pace struct {
	mu      sync.Mutex
	answers int
	goal    int
	reached chan struct{} // nil unless somebody waits
}

func (p *pace) count() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.answers++; p.reached != nil && p.answers >= p.goal {
		close(p.reached)
		p.reached = nil
	}
}

// await waits for n more answers.
func (p *pace) await(t *testing.T, n int) {
	t.Helper()
	reached := make(chan struct{})
	p.mu.Lock()
	p.goal, p.reached = p.answers+n, reached
	p.mu.Unlock()
	select {
	case <-reached:
	case <-time.After(patience.Of(time.Minute)):
		t.Fatalf("%d answers do not come", n)
	}
}

// load is many clients that send hits to a program that comes and goes.
type load struct {
	t        *testing.T
	visitors []netip.Addr
	ledger   ledger
	door     *door
	pace     pace
	stop     func() // ends it, and waits for the requests under way
}

// startLoad starts n clients, which wait for the door to open.
func startLoad(t *testing.T, n int, seed uint64, visitors []netip.Addr) *load {
	l := &load{t: t, visitors: visitors, door: newDoor()}
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for i := range n {
		clients.Go(func() { l.client(ctx, rand.New(rand.NewPCG(seed, uint64(i)))) })
	}
	l.stop = func() {
		cancel()
		clients.Wait()
	}
	t.Cleanup(l.stop)
	return l
}

// client sends requests one after the other over a connection that it keeps, until
// ctx ends. When that breaks it waits for the program's next start.
func (l *load) client(ctx context.Context, rng *rand.Rand) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: patience.Of(time.Minute)}
	for starts := 0; ; {
		base, now, err := l.door.after(ctx, starts)
		if err != nil {
			return
		}
		for ctx.Err() == nil && l.send(client, rng, base) == nil {
			l.pace.count()
		}
		starts = now
		transport.CloseIdleConnections()
	}
}

// send sends one request of one or more hits, and enters what became of it. It
// returns an error if no answer came.
func (l *load) send(client *http.Client, rng *rand.Rand, base string) error {
	kind, n, form := view, 1, rng.IntN(4)
	switch p := rng.IntN(100); {
	case p == 0:
		kind = crawler
	case p < 4:
		kind = objection
	case p < 10:
		kind, form = event, 1+rng.IntN(2)
	case p < 25:
		n, form = 2+rng.IntN(12), bulk
	}
	first := l.ledger.begin(kind, n)
	r := l.request(base, form, kind, first, n)
	r.Header.Set("User-Agent", agents[rng.IntN(len(agents))].header)
	r.Header.Set("Accept-Language", "nb-NO,nb;q=0.9")
	r.Header.Set("X-Forwarded-For", "10.9.8.7, "+l.visitors[rng.IntN(len(l.visitors))].String())
	switch kind {
	case crawler:
		r.Header.Set("User-Agent", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)")
	case objection:
		r.Header.Set("Sec-GPC", "1")
	}
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	said := resp.Header.Get("X-Fotspor")
	switch {
	case resp.StatusCode == http.StatusServiceUnavailable && said == "dropped: spool full":
		l.ledger.settle(first, n, refused)
	case (resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusNoContent) && said == told[kind]:
		l.ledger.settle(first, n, acknowledged)
	default:
		l.t.Errorf("%s %s with %d hits is answered %s, %q: %.200s", r.Method, r.URL.Path, n, resp.Status, said, body)
	}
	return err
}

// Forms of a request, and the names by which its hits are told apart.
const (
	pixelForm = iota
	matomoGet
	matomoForm
	matomoSilent
	bulk

	pathPrefix = "/t/"
)

// request returns a request of n hits, of which the first has the given number.
func (l *load) request(base string, form int, kind hitKind, first, n int) *http.Request {
	page := func(i int) string { return fmt.Sprintf("https://example.org%s%d?kunde=4711", pathPrefix, i) }
	query := url.Values{"idsite": {"1"}, "rec": {"1"}, "url": {page(first)}, "_id": {"8b2c52af5f20dea4"}}
	if kind == event {
		query.Set("e_c", "film")
		query.Set("e_a", "spill")
	}
	method, target, contentType := "GET", base+"/matomo.php?"+query.Encode(), ""
	// A body, if an empty one, keeps net/http from sending a GET again by itself.
	var body io.Reader = io.MultiReader()
	switch form {
	case pixelForm:
		target = base + "/pixel.gif?" + url.Values{"site": {"1"}, "url": {page(first)}}.Encode()
	case matomoForm:
		method, target, contentType = "POST", base+"/matomo.php", "application/x-www-form-urlencoded"
		body = strings.NewReader(query.Encode())
	case matomoSilent:
		query.Set("send_image", "0")
		method, target = "POST", base+"/piwik.php?"+query.Encode()
	case bulk:
		items := make([]string, n)
		for i := range items {
			query.Set("url", page(first+i))
			items[i] = `"?` + query.Encode() + `"`
		}
		method, target, contentType = "POST", base+"/matomo.php", "application/json"
		body = strings.NewReader(`{"requests":[` + strings.Join(items, ",") + `]}`)
	}
	r, err := http.NewRequest(method, target, body)
	if err != nil {
		panic(errors.New("a request that can't be made: " + target))
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}
