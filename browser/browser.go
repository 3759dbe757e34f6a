// Package browser recognises the browser, operating system and class of device of a request,
// and whether a program or a person sent it.
package browser

import (
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/fotspor/fotspor/hit"
)

// Client is the program that sent a request. All names are from our tables; only the digits
// of a possible version are taken from the request. The zero Client is never returned.
type Client struct {
	Browser string // product on any device: "Chrome" on a phone too; "Other" = unknown
	Version string // major version, a number without leading zeros; "" = unknown or impossible
	OS      string // family; without a version, since most browsers send a fixed one; "Other" = unknown
	Device  string // desktop, mobile, tablet or other

	// Rule is "" for a person's browser. For a program it is the rule by which it was
	// recognised, one of Rules.
	Rule string
	// Bot is "" for a person's browser. For a program it is its name in our table, "Other"
	// if the table does not have the name, "unnamed" if the User-Agent has no name, and
	// "none" if there was no User-Agent.
	Bot string
}

// Other is the name of a browser, operating system or bot that is not in our tables.
const Other = "Other"

// How many bytes of each header are read. Real browsers send far less; without a bound,
// strangers could use up time and memory.
const (
	maxUserAgent = 512
	maxBrands    = 1024
	maxHint      = 32
)

// cached is how many clients a Parser caches. They take 1 to 2 MB, and nearly every hit of a
// site finds its client there.
const cached = 4096

// Parser parses User-Agents and caches the last 4,096. It is safe for concurrent use. The
// cache is in memory only, does not say who sent a User-Agent, and is never written anywhere.
type Parser struct {
	// Now is the time by which a version is possible or not. It must be set before the
	// first use; nil: time.Now.
	Now func() time.Time

	clients *lru.Cache[request, Client]
}

// request is everything on which a Client depends.
type request struct {
	userAgent string
	hints     hit.Hints
}

// New returns a Parser with an empty cache.
func New() *Parser {
	clients, err := lru.New[request, Client](cached)
	if err != nil {
		panic(err) // can't happen: only a size below 1 is an error
	}
	return &Parser{clients: clients}
}

// Parse returns the client that sent userAgent and hints. What it does not recognise is
// Other.
func (p *Parser) Parse(userAgent string, hints hit.Hints) Client {
	r := bound(userAgent, hints)
	client, ok := p.clients.Get(r)
	if !ok {
		r = r.clone()
		now := time.Now
		if p.Now != nil {
			now = p.Now
		}
		client = parse(r, now())
		p.clients.Add(r, client)
	}
	return client
}

// Parse is Parser.Parse without a cache.
func Parse(userAgent string, hints hit.Hints) Client {
	return parse(bound(userAgent, hints), time.Now())
}

// bound returns a request with each header cut to its bound.
func bound(userAgent string, hints hit.Hints) request {
	return request{
		userAgent: cut(userAgent, maxUserAgent),
		hints: hit.Hints{
			Brands:   cut(hints.Brands, maxBrands),
			Mobile:   cut(hints.Mobile, maxHint),
			Platform: cut(hints.Platform, maxHint),
		},
	}
}

// cut returns the first most bytes of s.
func cut(s string, most int) string { return s[:min(len(s), most)] }

// clone returns a copy of r. The texts of a request may be parts of a larger string, which
// would be kept with them.
func (r request) clone() request {
	return request{
		userAgent: strings.Clone(r.userAgent),
		hints: hit.Hints{
			Brands:   strings.Clone(r.hints.Brands),
			Mobile:   strings.Clone(r.hints.Mobile),
			Platform: strings.Clone(r.hints.Platform),
		},
	}
}

// parse returns the client without the cache.
func parse(r request, now time.Time) Client {
	raw := strings.TrimSpace(r.userAgent)
	if client, ok := app(raw, now); ok {
		return client
	}
	ua := lower(raw)
	hinted := parseHints(r.hints)
	token := find(raw, ua)
	product := choose(token, hinted.product).believe(now)
	words := look(ua)
	os := hinted.os
	if os == "" {
		os = words.system
	}
	client := Client{Browser: product.name, Version: product.version, OS: os}
	client.Rule, client.Bot = bot(raw, ua, words, token.app)
	if client.Bot == "" && hinted.headless {
		client.Rule, client.Bot = RuleHeadless, headlessChrome
	}
	client.Device = device(ua, os, words, hinted.mobile)
	if client.Bot != "" {
		client.Device = deviceOther
	}
	return client
}

// choose returns the product of the User-Agent or that of the hints, whichever says more. The
// User-Agent of many browsers is that of Chrome, so a hint overrides Chrome. An unknown brand
// says less than any other name.
func choose(token, hint product) product {
	switch hint.name {
	case "", token.name:
		return token
	case chrome:
		if token.name != Other {
			return token
		}
	case otherChromium:
		if token.name != Other && token.name != chrome {
			return token
		}
	}
	return hint
}

// lower is strings.ToLower for ASCII only, so that all offsets stay the same.
func lower(s string) string {
	text := []byte(s)
	for i, c := range text {
		if 'A' <= c && c <= 'Z' {
			text[i] = c + 'a' - 'A'
		}
	}
	return string(text)
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }

func isAlphanumeric(c byte) bool { return isLetter(c) || isDigit(c) }
