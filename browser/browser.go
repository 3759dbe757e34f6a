// Package browser names the browser, operating system and class of device behind
// a request, and tells programs from people.
package browser

import (
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/fotspor/fotspor/hit"
)

// Client is what a request says of the program that sent it. No part of it is what
// was sent but the digits of a version that can be: all names are of our tables. The
// zero Client is never returned.
type Client struct {
	Browser string // product on any device: "Chrome" on a phone too; "Other" = unknown
	Version string // major version, a number without zeros before it; "" = unknown, or of no version that can be
	OS      string // family, without a version: most browsers send a frozen one; "Other" = unknown
	Device  string // desktop, mobile, tablet or other

	// Rule is "" for a person's browser; for a program, the rule that told it:
	// one of Rules.
	Rule string
	// Bot is "" for a person's browser; for a program, its name in our table, or
	// "Other" if that has none such, "unnamed" if it gives none, and "none" where it
	// sent no User-Agent.
	Bot string
}

// Other is the name of a browser, operating system or bot that has none here.
const Other = "Other"

// Most of what is read of each header, in bytes. Real browsers send far less;
// time and memory for the rest would be a stranger's to spend.
const (
	maxUserAgent = 512
	maxBrands    = 1024
	maxHint      = 32
)

// cached is how many clients a Parser remembers: 1 to 2 MB of them, and nearly
// every hit of a site is among them.
const cached = 4096

// Parser parses User-Agents and remembers the last 4,096. It is safe for
// concurrent use. What it remembers is in the memory of the process only, says
// nothing of who sent it, and is never written anywhere.
type Parser struct {
	// Now says which versions can be. It is set before the first use; nil is time.Now.
	Now func() time.Time

	clients *lru.Cache[request, Client]
}

// request is all that a Client follows from.
type request struct {
	userAgent string
	hints     hit.Hints
}

// New returns a Parser that remembers nothing yet.
func New() *Parser {
	clients, err := lru.New[request, Client](cached)
	if err != nil {
		panic(err) // cannot be: only a size below 1 is an error
	}
	return &Parser{clients: clients}
}

// Parse names the client that sent userAgent and hints. It never fails: what it
// cannot name is Other.
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

// Parse does what Parser.Parse does, and remembers nothing.
func Parse(userAgent string, hints hit.Hints) Client {
	return parse(bound(userAgent, hints), time.Now())
}

// bound returns a request of bounded size.
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

// parse names the client without looking at the cache.
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

// choose returns the product that the User-Agent names or the one that the hints do,
// whichever says more. The User-Agent of many browsers is Chrome's, so a hint goes
// before that; a brand that is unknown here says less than any other name.
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

// lower is strings.ToLower for ASCII: it keeps every byte where it was.
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
