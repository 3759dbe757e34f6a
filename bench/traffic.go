package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"strings"
)

// Sizes of the traffic.
const (
	trafficRequests = 1 << 13
	trafficPaths    = 200
	trafficVisitors = 2000
)

// endpoint is one of the wire formats under load.
type endpoint struct {
	path   string
	target func(v view) string // path and query of the request
}

var endpoints = []endpoint{
	{"/pixel.gif", func(v view) string {
		return fmt.Sprintf("/pixel.gif?site=1&url=%s&ref=%s&title=%s",
			url.QueryEscape(v.page), url.QueryEscape(v.referrer), url.QueryEscape(v.title))
	}},
	{"/matomo.php", func(v view) string { // as Matomo's own script asks for its image
		return fmt.Sprintf("/matomo.php?action_name=%s&idsite=1&rec=1&r=%06d&h=%d&m=%d&s=%d&url=%s&urlref=%s"+
			"&_id=%016x&_idn=0&send_image=1&_refts=0&pv_id=%06x&pf_net=12&pf_srv=87&pf_tfr=3&pf_dm1=211&pdf=1&cookie=1&res=1920x1080",
			url.QueryEscape(v.title), v.noise%1e6, v.noise%24, v.noise%60, v.noise/60%60,
			url.QueryEscape(v.page), url.QueryEscape(v.referrer), v.visitor, v.noise%(1<<24))
	}},
}

// view is one page view.
type view struct {
	page, referrer, title string
	visitor               int
	noise                 uint32
}

// visitor is somebody with a browser, or a bot.
type visitor struct {
	addr    netip.Addr
	headers string // those of the browser, ready to send
}

// agents are User-Agents in the proportions of a Norwegian website, more or less:
// each is as frequent as the next, and some are nearly the same browser.
var agents = []string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
	"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
	"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Mobile Safari/537.36",
	"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/141.0.7390.41 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0",
	"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 OPR/122.0.0.0",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/530.0.0.40.106]",
	"Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
	"Mozilla/5.0 (Android 15; Mobile; rv:143.0) Gecko/143.0 Firefox/143.0",
}

// bots are every twentieth visitor.
var bots = []string{
	"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
	"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/116.0.1938.76 Safari/537.36",
	"Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
}

var languages = []string{"nb-NO,nb;q=0.9,no;q=0.8,en;q=0.5", "nb-NO,nb;q=0.9,en-US;q=0.7,en;q=0.6", "nn-NO,nn;q=0.9", "en-GB,en;q=0.9", "sv-SE,sv;q=0.9"}

// The empty one is the most frequent: typed in, or a bookmark.
var referrers = []string{
	"", "", "", "https://example.org/", "https://example.org/om-oss", "https://www.google.com/", "https://www.google.com/",
	"https://duckduckgo.com/", "https://www.bing.com/", "https://l.facebook.com/", "https://www.linkedin.com/", "https://nyheter.example.net/sak/17?fra=forsiden",
}

// traffic returns requests to an endpoint as a proxy passes them on from the
// visitors of a website. It is the same in every run.
func traffic(e endpoint) [][]byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	visitors := make([]visitor, trafficVisitors)
	for i := range visitors {
		visitors[i] = newVisitor(rnd)
	}
	pages := rand.NewZipf(rnd, 1.2, 4, trafficPaths-1)
	who := rand.NewZipf(rnd, 1.1, 50, trafficVisitors-1)
	requests := make([][]byte, trafficRequests)
	for i := range requests {
		v := newView(rnd, int(pages.Uint64()), int(who.Uint64()))
		var b strings.Builder
		fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: stats.example.org\r\nReferer: %s\r\n%s\r\n", e.target(v), v.page, visitors[v.visitor].headers)
		requests[i] = []byte(b.String())
	}
	return requests
}

func newVisitor(rnd *rand.Rand) visitor {
	n := rnd.Uint32()
	v := visitor{addr: netip.AddrFrom4([4]byte{byte(20 + n>>24%180), byte(n >> 16), byte(n >> 8), byte(n)})}
	if rnd.IntN(3) == 0 {
		v.addr = netip.AddrFrom16([16]byte{0x2a, 0x02, byte(n >> 24), byte(n >> 16), 15: byte(n)})
	}
	agent := agents[rnd.IntN(len(agents))]
	if rnd.IntN(20) == 0 {
		agent = bots[rnd.IntN(len(bots))]
	}
	var b strings.Builder
	fmt.Fprintf(&b, "User-Agent: %s\r\nAccept: image/avif,image/webp,*/*;q=0.8\r\nAccept-Language: %s\r\nAccept-Encoding: gzip, deflate, br\r\n",
		agent, languages[rnd.IntN(len(languages))])
	fmt.Fprintf(&b, "X-Forwarded-For: %s\r\nX-Forwarded-Proto: https\r\n", v.addr)
	switch rnd.IntN(20) { // one in ten objects
	case 0:
		b.WriteString("DNT: 1\r\n")
	case 1:
		b.WriteString("DNT: 1\r\nSec-GPC: 1\r\n")
	}
	v.headers = b.String()
	return v
}

func newView(rnd *rand.Rand, page, visitor int) view {
	v := view{
		page:     fmt.Sprintf("https://example.org/tjenester/%d/om-tilbudet", page),
		title:    fmt.Sprintf("Tilbud nr. %d – Eksempelforeningen på Åsen", page),
		referrer: referrers[rnd.IntN(len(referrers))],
		visitor:  visitor,
		noise:    rnd.Uint32(),
	}
	switch rnd.IntN(10) {
	case 0:
		v.page += "?utm_source=nyhetsbrev&utm_medium=email&utm_campaign=h%C3%B8st"
	case 1:
		v.page += "/%C3%A5pningstider?fbclid=IwAR0abcdefghijklmnop"
	}
	return v
}
