package scrub_test

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy/scrub"
)

// sender is who sends the texts of these tests.
func sender(address string) scrub.Scrubber {
	return scrub.Scrubber{Sender: hit.NewAddr(netip.MustParseAddr(address))}
}

var (
	four = sender("81.166.130.147")
	six  = sender("2a01:799:1b8c:9f00::5d1")
)

// TestSpellings is one secret after the other in each spelling that has got through
// some time, or might.
func TestSpellings(t *testing.T) {
	both(t, cases{
		// Addresses, whoever's.
		{"81.166.130.147", "[ip]"},
		{"/wiki/User_talk:81.166.130.140", "/wiki/User_talk:[ip]"},
		{"http://81.166.130.147/x", "http://[ip]/x"},
		{"081.166.130.147", "[ip]"},
		{"81.166.130.147:8080", "[ip]:8080"},
		{"fra 81.166.130.147.", "fra [ip]."},
		{"ip81.166.130.147x", "ip[ip]x"},
		{"81-166-130-147", "[ip]"},
		{"81_166_130_147", "[ip]"},
		{"147.130.166.81.in-addr.arpa", "[ip].in-addr.arpa"},
		{"::ffff:81.166.130.147", "[ip]"},
		{"::ffff:51a6:8293", "[ip]"},
		{"2001:db8::1", "[ip]"},
		{"/x/2001:db8::1/y", "/x/[ip]/y"},
		{"http://[2001:db8::1]:443/", "http://[ip]:443/"},
		{"2001:0db8:0000:0000:0000:0000:0000:0001", "[ip]"},
		{"2001:DB8:0:0:0:0:0:1", "[ip]"},
		{"fe80::1%eth0", "[ip]"}, {"fe80::1%25eth0", "[ip]"},
		{"ip:2001:db8::1", "ip:[ip]"},
		{"2001:db8::1.", "[ip]."},
		{"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "[ip].ip6.arpa"},
		{"kari@81.166.130.147", "[email]"}, {"kari@[81.166.130.147]", "[email]"}, {"kari@[IPv6:2001:db8::1]", "[email]"},

		{"https://84-212-77-3.customer.example/", "https://[ip].customer.example/"}, {"host-84-212-77-3.altibox.net", "host-[ip].altibox.net"},
		{"/fra/84-212-77-3.customer.example/x", "/fra/[ip].customer.example/x"}, {"84_212_77_3.x.no", "[ip].x.no"}, {"84-212-77-3.no", "[ip].no"},
		{"node2-84-212-77-3.x.no", "node[ip].x.no"}, {"ec2-84-212-77-3.compute-1.amazonaws.com", "ec[ip].compute-1.amazonaws.com"},
		{"v4-84-212-77-3.x.no", "v[ip].x.no"}, {"1-84-212-77-3.x.no", "[ip].x.no"}, {"84x212x77x3.x.no", "[ip].x.no"}, {"user-84-212-77-3-99.x.no", "user-[ip].x.no"},
		{"node2024-84-212-77-3.x.no", "node2024-[ip].x.no"}, {"84-212-77-3-dyn.x.no", "[ip]-dyn.x.no"}, {"ab84.212.77.3", "ab[ip]"},
		{"54d44d03.nip.io", "[ip].nip.io"}, {"p54d44d03.dip0.t-ipconnect.de", "p[ip].dip0.t-ipconnect.de"}, {"c-54D44D03.x.no", "c-[ip].x.no"}, {"ip54d44d03.x.no", "ip[ip].x.no"},

		// Layers of encoding.
		{"81%2E166%2E130%2E147", "[ip]"}, {"81%252E166%25252E130%2E147", "[ip]"},
		{"&#56;&#49;.166.130.147", "[ip]"}, {"81&period;166&period;130&period;147", "[ip]"}, {"&#x38;1.166.130.147", "[ip]"},
		{`\u0038\u0031.166.130.147`, "[ip]"}, {`\x381.166.130.147`, "[ip]"}, {`\0701.166.130.147`, "[ip]"},
		{"=38=31=2E166=2E130=2E147", "[ip]"},
		{"８１．１６６．１３０．１４７", "[ip]"}, {"٨١.١٦٦.١٣٠.١٤٧", "[ip]"}, {"८१.१६६.१३०.१४७", "[ip]"},
		{"8\u200b1.166.130.147", "[ip]"}, {"81\u00ad.166.\u2060130.147", "[ip]"}, {"81\u202e.166.130.147", "[ip]"},
		{"81。166。130。147", "[ip]"}, {"81․166․130․147", "[ip]"},
		{"kari%2540example.org", "[email]"}, {"kari%25252540example.org", "[email]"},
		{"kari&#64;example.org", "[email]"}, {"kari&commat;example.org", "[email]"}, {"kari&amp;#64;example.org", "[email]"},
		{"kari%26%2364%3Bexample.org", "[email]"}, {"kari&#37;40example.org", "[email]"},
		{`kari\u0040example.org`, "[email]"}, {`kari\\u0040example.org`, "[email]"}, {`kari\x40example.org`, "[email]"},
		{`kari\u{40}example.org`, "[email]"}, {`kari\U00000040example.org`, "[email]"}, {`kari\100example.org`, "[email]"},
		{"kari%u0040example.org", "[email]"}, {"kari%5Cu0040example.org", "[email]"},
		{"kari=\r\n@example.org", "[email]"}, {"0783=\n9011142", "[national-id]"},
		{"❾❶❷❸❹❺❻❼", "[phone]"}, {"0➆839011142", "[national-id]"}, {"⓪⓻839011142", "[national-id]"},
		{"91\U000e0032\U000e00334567", "[phone]"}, {"side=25 av 30", "side=25 av 30"}, {"post=2540 Lillehammer", "post=2540 Lillehammer"},
		{"kari=40example.org", "[email]"}, {"kari=3D40example.org", "[email]"}, {"kari%3D40example.org", "[email]"},
		{"kari＠example.org", "[email]"}, {"kari﹫example.org", "[email]"}, {"ka\u00adri@exa\u200bmple.org", "[email]"},
		{"kari\x00@example.org", "[email]"},
		{"a2FyaUBleGFtcGxlLm9yZw==", "[token]"}, {"a2FyaUBleGFtcGxlLm9yZw", "[token]"}, // base64
		{"%30%37839011142", "[national-id]"}, {"%2530%2537839011142", "[national-id]"}, {"%25%33%30%37839011142", "[national-id]"},
		{"0783=39011142", "[national-id]"}, {"07839&#48;11142", "[national-id]"}, {`\u0030783901114\u0032`, "[national-id]"},
		{"０７８３９０１１１４２", "[national-id]"}, {"٠٧٨٣٩٠١١١٤٢", "[national-id]"}, {"𝟎𝟕𝟖𝟑𝟗𝟎𝟏𝟏𝟏𝟒𝟐", "[national-id]"},
		{"0\ufe0f\u20e37\ufe0f\u20e3839011142", "[national-id]"}, {"07839\u200d011142", "[national-id]"}, {"07839\u0001011142", "[national-id]"},
		{"x=30108299920", "x=[national-id]"}, // which is no =30

		// Numbers.
		{"078390_11142", "[national-id]"}, {"078390/11142", "[national-id]"}, {"078390:11142", "[national-id]"},
		{"078390,11142", "[national-id]"}, {"078390  11142", "[national-id]"}, {"078390 / 11142", "[national-id]"},
		{"078 390 111 42", "[national-id]"}, {"07-83-90-11-14-2", "[national-id]"}, {"0 7 8 3 9 0 1 1 1 4 2", "[national-id]"},
		{"fnr07839011142", "fnr[national-id]"}, {"07839011142.wild.example.org", "[national-id].wild.example.org"},
		{"9123 4567", "[phone]"}, {"912 345 67", "[phone]"}, {"912_34_567", "[phone]"}, {"912-345-67", "[phone]"},
		{"912 34567", "[phone]"}, {"91234 567", "[phone]"}, {"91 23 4567", "[phone]"}, {"9123-4567", "[phone]"}, {"91_23_45_67", "[phone]"},
		{"tel91234567", "tel[phone]"}, {"tlf22334455", "tlf[phone]"}, {"mobilNr91234567", "mobilNr[phone]"}, {"tel4791234567", "tel[phone]"},
		{"+47 9123 4567", "[phone]"}, {"47 912 345 67", "[phone]"}, {"+47_912_34_567", "[phone]"},

		// Keys.
		{"/reset/x7Kq9zLw", "/reset/[token]"}, {"/reset-password/x7Kq9zLw", "/reset-password/[token]"},
		{"/resetPassword/x7Kq9zLw", "/resetPassword/[token]"}, {"/passwordreset/x7Kq9zLw", "/passwordreset/[token]"},
		{"/reset/MQ/bx7k2-4f9a0c", "/reset/[token]/[token]"}, {"/reset-x7Kq9zLw", "/reset-[token]"},
		{"/reset/kfjwqpzx", "/reset/[token]"}, {"/reset/KFJWQPZX", "/reset/[token]"}, {"/verify/482913", "/verify/[token]"},
		{"/token/x7Kq9zLw", "/token/[token]"}, {"/invite/x7Kq9zLw", "/invite/[token]"}, {"/magic/x7Kq9zLw", "/magic/[token]"},
		{"/confirm/x7Kq9zLw", "/confirm/[token]"}, {"/activate/x7Kq9zLw.html", "/activate/[token]"}, {"/unsubscribe/x7Kq9zLw", "/unsubscribe/[token]"},
		{"/login/magic/3f9a-77bc-e012", "/login/magic/[token]"}, {"/signup/x7Kq9zLw", "/signup/[token]"}, {"/oauth/callback/x7Kq9zLw", "/oauth/callback/[token]"},
		{"/nullstill/x7Kq9zLw", "/nullstill/[token]"}, {"/tilbakestill-passord/x7Kq9zLw", "/tilbakestill-passord/[token]"},
		{"/invitasjon/x7Kq9zLw", "/invitasjon/[token]"}, {"/bekreft/x7Kq9zLw", "/bekreft/[token]"}, {"/stadfest/x7Kq9zLw", "/stadfest/[token]"},
		{"/aktiver/x7Kq9zLw", "/aktiver/[token]"}, {"/meld-av/x7Kq9zLw", "/meld-av/[token]"}, {"/avmelding/nb/x7Kq9zLw", "/avmelding/nb/[token]"},
		{"/verifiser/x7Kq9zLw", "/verifiser/[token]"}, {"/glemt-passord/x7Kq9zLw", "/glemt-passord/[token]"},
		{"/gløymt-passord/x7Kq9zLw", "/gløymt-passord/[token]"}, {"/engangskode/482913", "/engangskode/[token]"},
		{"/%72eset%2Fx7Kq9zLw", "/reset/[token]"},
		{"Konto / Reset / x7Kq9zLw", "Konto / Reset / [token]"},
		{"token=x7Kq9zLw", "token=[token]"}, {"password=hunter2", "password=[token]"}, {"access_token=abc&x=1", "access_token=[token]&x=1"},
		{"/kasse;jsessionid=0A1B2C", "/kasse;jsessionid=[token]"}, {"/kasse%3Bjsessionid%3D0A1B2C", "/kasse;jsessionid=[token]"},
		{"/a/Zk3Lm9QpXv7RtB2c", "/a/[token]"}, {"/a/k3j9x0qz7m1v5b8n2p", "/a/[token]"}, {"/a/JBSWY3DPEHPK3PXP", "/a/[token]"},
		{"/a/V1StGXR8_Z5jdHi6B-myT", "/a/[token]"}, {"/a/550e8400_e29b_41d4_a716_446655440000", "/a/[token]"},
		{"/a/550e8400e29b41d4a716446655440000", "/a/[token]"},

		// Keys in groups.
		{"/z5/7H2K-9XQ4-M3VP-TT5Z", "/z5/[token]"}, {"7h2k-9xq4-m3vp-tt5z", "[token]"}, {"7H2K.9XQ4.M3VP.TT5Z", "[token]"},
		{"7H2K_9XQ4_M3VP_TT5Z", "[token]"}, {"7H2K~9XQ4~M3VP~TT5Z", "[token]"}, {"x7Kq-9zLw-P2m4-V8tR", "[token]"},
		{"W269N-WFGWX-YVC9B-4J6C9-T83GX", "[token]"}, {"lisens-7H2K-9XQ4-M3VP-TT5Z", "lisens-[token]"}, {"nøkkel 7H2K-9XQ4-M3VP-TT5Z.", "nøkkel [token]."},
		{"8f14e45f-ceea-167a-5a36", "[token]"}, {"3f9a-77bc-e012", "[token]"}, {"/a/3F9A-77BC-E012/b", "/a/[token]/b"}, {"7H2K9-9XQ4B-M3VP2", "[token]"},

		// URLs.
		{"JavaScript Errors / https://example.org/side?navn=X", "JavaScript Errors / https://example.org/side"},
		{"https://example.org/side?navn=X#topp", "https://example.org/side"}, {"https://example.org/side#navn", "https://example.org/side"},
		{"//example.org/side?navn=X", "//example.org/side"}, {"https://kari:pw@example.org/side", "https://example.org/side"},
		{"https%3A%2F%2Fexample.org%2Fside%3Fnavn%3DX", "https://example.org/side"},
		{`https:\/\/example.org\/side?navn=X`, "https://example.org/side"},
		{"data:text/plain;base64,S2FyaQ==", "data:"},
	})
	path(t, cases{
		// Behind a keyword all is marked, but for the routes of websites.
		{"/reset/hvsknbor/z6", "/reset/[token]/z6"}, {"/reset/aernashl", "/reset/[token]"}, {"/reset/simbik", "/reset/[token]"}, {"/token/SPYURNSY", "/token/[token]"},
		{"/invite/kari-nordmann", "/invite/[token]"}, {"/unsubscribe/kari.nordmann", "/unsubscribe/[token]"}, {"/reset/Sommer2024", "/reset/[token]"},
		{"/activate/qwerty", "/activate/[token]"}, {"/reset/hest-batteri-stift", "/reset/[token]"}, {"/reset/x7", "/reset/[token]"},
		{"/reset/bruker/no/x7Kq9zLw", "/reset/bruker/no/[token]"}, {"/reset/password/new/simbik", "/reset/password/new/[token]"},
		{"/reset/kari nordmann/z", "/reset/[token]/z"}, {"/reset/(x7Kq)", "/reset/[token]"}, {"/reset.php/hvsknbor", "/reset.php/[token]"},
		{"/a//reset//hvsknbor", "/a//reset//[token]"}, {"reset/hvsknbor", "reset/[token]"}, {"/user-token/hvsknbor", "/user-token/[token]"},
		{"/bekreft/ærlighet", "/bekreft/[token]"}, {"/bekreft/åse", "/bekreft/[token]"}, {"/aktiver/gjør-det-selv", "/aktiver/[token]"}, {"/verify/kari@x.no/hvsknbor", "/verify/[email]/hvsknbor"},
		{"/avmelding/hvsknbor", "/avmelding/[token]"}, {"/meld-av/simbik", "/meld-av/[token]"}, {"/invitasjon/folkemote", "/invitasjon/[token]"}, {"/aktivér/simbik", "/aktivér/[token]"},
		{"/melda-av/simbik", "/melda-av/[token]"}, {"/verify/482913/kvittering", "/verify/[token]/kvittering"},
		{"/aktiver/5g", "/aktiver/[token]"}, {"/token/btc", "/token/[token]"}, // the price of it

		// Behind other words what reads as random.
		{"/godkjenn/x7Kq9", "/godkjenn/[token]"}, {"/økt/x7Kq9zLw", "/økt/[token]"}, {"/nøkkel/x7Kq9zLw", "/nøkkel/[token]"}, {"/NØKKEL/x7Kq9zLw", "/NØKKEL/[token]"},
		{"/tilgang/x7Kq9zLw", "/tilgang/[token]"}, {"/tilgang/hvsknbrq", "/tilgang/[token]"}, {"/påmelding/x7Kq9zLw", "/påmelding/[token]"}, {"/hemmelig/x7Kq9", "/hemmelig/[token]"},
		{"/gløymt/x7Kq9", "/gløymt/[token]"}, {"/signer/x7Kq9", "/signer/[token]"}, {"/avbestill/x7Kq9", "/avbestill/[token]"}, {"/kvittering/x7Kq9", "/kvittering/[token]"},
		{"/forgot/x7Kq9", "/forgot/[token]"}, {"/restore/x7Kq9", "/restore/[token]"}, {"/redeem/x7Kq9", "/redeem/[token]"}, {"/claim/x7Kq9", "/claim/[token]"},
		{"/accept/x7Kq9", "/accept/[token]"}, {"/approve/x7Kq9", "/approve/[token]"}, {"/logg-inn/x7Kq9", "/logg-inn/[token]"}, {"/pin/4829", "/pin/[token]"}, {"/kode/482913", "/kode/[token]"},
	})
	text(t, cases{
		{"passord: hunter2", "passord: [token]"}, {"token: hunter2", "token: [token]"}, {"passord: hemmelig", "passord: [token]"}, {"Passord:qwerty", "Passord:[token]"},
		{"Din engangskode er 482913", "Din engangskode er [token]"}, {"otp 482913", "otp [token]"}, {"bekreft/avkreft", same}, {"se https://example.org/reset/simbik her", "se https://example.org/reset/[token] her"},
		{"www.example.org/side?navn=X", "www.example.org/side"}, {"/side?navn=X", "/side"}, {"side#navn=X", "side"},
		{"se https://example.org/a?b=c, og (http://x.no/?d=e).", "se https://example.org/a, og (http://x.no/)."},
		{"feil på https://example.org/side?navn=Kari%20Nordmann i dag", "feil på https://example.org/side i dag"},
		{`<a href="https://example.org/side?navn=Kari%20Nordmann">Les</a>`, `<a href="https://example.org/side">Les</a>`},
		{`{"url":"https://example.org/side?navn=Kari%20Nordmann","linje":7}`, `{"url":"https://example.org/side","linje":7}`},
		{"se «https://example.org/side?navn=Kari» nå", "se «https://example.org/side» nå"},
		{"https://example.org/s%C3%B8k?q=Kari%20Nordmann", "https://example.org/søk"},
		{"hva?Er det 2=3", same}, {"hvem %23 hva", same},
	})
	path(t, cases{
		{"/r/www.example.org/side%3Fnavn=X", "/r/www.example.org/side"}, {"/side%253Fnavn%253DX", "/side"},
		{"/side?sak=7", same}, {"/hva?", same}, {"/c%23/x", same}, {"/hva%3F", same},
	})
	check(t, "Host", scrub.Host, cases{
		{"81-166-130-147.wild.example.org", "[ip].wild.example.org"},
		{"ip-81-166-130-147.customer.example", "ip-[ip].customer.example"},
		{"147.130.166.81.customer.example", "[ip].customer.example"},
		{"dyn-12-34-56-78.customer.example", "dyn-[ip].customer.example"},
		{"2a01-799-1b8c-9f00--5d1.customer.example", "[ip].customer.example"},
		{"2001-db8-0-0-0-0-0-1.customer.example", "[ip].customer.example"},
		{"07839011142.wild.example.org", "[national-id].wild.example.org"},
		{"91234567.wild.example.org", "[phone].wild.example.org"},
		{"node2-84-212-77-3.x.no", "node[ip].x.no"}, {"user-84-212-77-3-99.x.no", "user-[ip].x.no"}, {"84x212x77x3.x.no", "[ip].x.no"}, {"54d44d03.nip.io", "[ip].nip.io"},
		{"p54d44d03.dip0.t-ipconnect.de", "p[ip].dip0.t-ipconnect.de"}, {"deadbeef.example.org", same}, {"web-1-2-3.example.org", same},
		{"www.example.org", same}, {"sub-2026-11-26.example.org", same}, {"m1-2.example.org", same},
		{"oslo.kommune.no", same}, {"974760673.example.org", same},
	})
}

// TestURLsEndWhereTheyStand: a URL, or a path with a query, ends where it ends in the
// outermost of the layers in which it is one, with any layers inside of it.
func TestURLsEndWhereTheyStand(t *testing.T) {
	for _, value := range []string{
		"Kari Nordmann", "Kari\u00a0Nordmann", "Kari\tNordmann", `Kari"Nordmann`, "O'Hara", "Kari|Nordmann", "Kari<Nordmann>", "Kari`Nordmann",
		"Kari “Nordmann”", "«Kari Nordmann»", `{"navn":"Kari Nordmann","by":"O'Hara"}`, "Kari (Nordmann)", "Kari, Nordmann",
	} {
		for before, want := range map[string]string{
			"https://example.org/side?navn=":     "https://example.org/side",
			"https://example.org/side?":          "https://example.org/side",
			"https://example.org/side#:~:text=":  "https://example.org/side",
			"https://example.org/side?s%C3%B8k=": "https://example.org/side",
			"https://example.org/side%3Fnavn=":   "https://example.org/side",
			"https://example.org/o'hara?":        "https://example.org/o'hara",
			`https:\/\/example.org\/side?`:       "https://example.org/side",
			"//example.org/side?":                "//example.org/side",
			"example.org/side?navn=":             "example.org/side",
			"/side?navn=":                        "/side",
			"/side?s%C3%B8k=":                    "/side",
			"/side%3Fnavn=":                      "/side",
			"/side#:~:text=":                     "/side",
		} {
			one := before + strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
			for range 4 {
				for in, want := range map[string]string{one: want, "feil: " + one + " x": "feil: " + want + " x"} {
					if got := scrub.Text(in); got != want {
						t.Errorf("Text(%q) = %q, want %q", in, got, want)
					}
				}
				one = url.PathEscape(one)
			}
		}
	}
	for _, value := range []string{"O'Hara", "Kari|Nordmann", "«Kari»", "“Kari”", "Kari`Nordmann", "Kari<Nordmann>", `{"navn":"Kari"}`} { // raw
		if got := scrub.Text("se https://example.org/side?navn=" + value); got != "se https://example.org/side" {
			t.Errorf("Text with %s in a query = %q", value, got)
		}
	}
	text(t, cases{
		{"https://Kari%20Nordmann:pw@example.org/side", "https://example.org/side"},
		{"https://O'Hara:pw@example.org/side", "https://example.org/side"},
		{"https%3A%2F%2FKari%2520Nordmann:pw@example.org/side", "https://example.org/side"},
	})
	path(t, cases{
		{"/r/https://example.org/side?navn=Kari Nordmann", "/r/https://example.org/side"},
		{"/side%3Fnavn=Kari Nordmann", "/side"}, {"/side%3Fnavn=Kari%20Nordmann", "/side"}, {"/side%2523navn=Kari%20Nordmann", "/side"},
	})
}

// TestOwnAddress: of the sender's address no spelling is too unlikely to be found.
// Somebody else's of the same spelling may stay, since it may be anything.
func TestOwnAddress(t *testing.T) {
	for _, c := range []struct {
		by   scrub.Scrubber
		text string
	}{
		{four, "81.166.130.147"}, {four, "147.130.166.81"}, {four, "081.166.130.147"}, {four, "81-166-130-147"},
		{four, "81 166 130 147"}, {four, "81,166,130,147"}, {four, "81, 166, 130, 147"}, {four, "81/166/130/147"}, {four, "81x166x130x147"},
		{four, "81[.]166[.]130[.]147"}, {four, "81 dot 166 dot 130 dot 147"}, {four, "081166130147"}, {four, "81166130147"},
		{four, "1369866899"}, {four, "2474813009"}, {four, "81.10912403"}, {four, "81.166.33427"},
		{four, "0121.0246.0202.0223"}, {four, "012151501223"}, {four, "51a68293"}, {four, "51A68293"}, {four, "51:a6:82:93"}, {four, "51.a6.82.93"},
		{four, "9382a651"}, {four, "0x51a68293"}, {four, "0x51.0xa6.0x82.0x93"}, {four, "versjon 81.166.130.147"}, {four, "1.81.166.130.147"},
		{four, "::ffff:81.166.130.147"}, {four, "2002:51a6:8293::1"}, {four, "64:ff9b::51a6:8293"},
		{four, "%35%31a68293"}, {four, "%2535%2531a68293"}, {four, "１３６９８６６８９９"}, {four, "13698\u200b66899"}, {four, "\\u0031369866899"},
		{six, "2a01:799:1b8c:9f00::5d1"}, {six, "2A01:0799:1B8C:9F00:0000:0000:0000:05D1"}, {six, "2a01:799:1b8c:9f00:0:0:0:5d1"},
		{six, "2a01-799-1b8c-9f00--5d1"}, {six, "2a01_799_1b8c_9f00_0_0_0_5d1"}, {six, "2a01.799.1b8c.9f00.0.0.0.5d1"},
		{six, "2a0107991b8c9f0000000000000005d1"}, {six, "1.d.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.f.9.c.8.b.1.9.9.7.0.1.0.a.2.ip6.arpa"},
		{six, "2a01:799:1b8c:9f00::5d1%25eth0"},
	} {
		for _, around := range []string{"%s", "/x/%s/y", "a %s b", "a=%s;", "c-%s.customer.example", "(%s)"} {
			in := fmt.Sprintf(around, c.text)
			for name, f := range map[string]func(string) string{"Text": c.by.Text, "Path": c.by.Path, "Host": c.by.Host} {
				out := f(in)
				if !strings.Contains(out, "[ip]") || strings.ContainsAny(strings.ReplaceAll(out, "ip6.arpa", ""), "23456789") {
					t.Errorf("%s(%q) = %q", name, in, out)
				}
				if again := f(out); again != out {
					t.Errorf("%s(%q) = %q, and then %q", name, in, out, again)
				}
			}
		}
	}
	for _, other := range []string{"1369866899", "51a68293", "81,166,130,147", "81.166.33427", "20261126", "81", "166/130", "2026-11-26 kl. 10:15"} {
		for _, by := range []scrub.Scrubber{{}, sender("81.166.130.146"), six} {
			if got := by.Text(other); got != other {
				t.Errorf("Text(%q) = %q, of another's", other, got)
			}
		}
	}
}

// TestNotMarked holds what nobody is behind. The files of TestUntouched hold more.
func TestNotMarked(t *testing.T) {
	both(t, cases{
		{"974760673", same}, {"974 760 673", same}, {"974-760-673", same}, {"NO974760673MVA", same}, {"org.nr. 974760673", same}, {"orgnr=974760673", same},
		{"/bekreft/974760673", same},
		{"2026-11-26", same}, {"26.11.2026", same}, {"26.11.26", same}, {"2026.11.26", same}, {"26/11-2026", same}, {"20261126", same}, {"2026-11-26T10:15:00.000Z", same},
		{"kl 10:15", same}, {"10:15:22", same}, {"08.00-15.30", same}, {"2025-2026", same}, {"2024 2025 2026 2027", same},
		{"kr 1 250 000,50", same}, {"1.250.000,50", same}, {"249,90", same}, {"kr 45 000 000", same}, {"NOK 45000000", same},
		{"59.913868,10.752245", same}, {"59.9138688 10.7522454", same}, {"262345 6649123", same}, {"59°54′49″N", same},
		{"978-82-450-1234-7", same}, {"9788245012347", same}, {"82-450-1234-5", same}, {"0801-1745", same},
		{"iso-27001-2022", same}, {"covid-19-2021", same}, {"hdr10-oled55c3", same}, {"e6-fv17-rv3", same}, {"e134-e136-e105", same}, {"fv17-rv35-ev18-kv12", same}, {"fv17-rv35-e134-kv12", same},
		{"uke-47-2026", same}, {"nb-no-2024", same}, {"2024/12345-3", same}, {"2024a-2024b-2024c", same}, {"side1-side2-side3-side4", same}, {"del1-kap2-fig3-tab4", same},
		{"rom101-rom102-rom103-rom104", same}, {"1.16543210", same}, {"2023-2024-2025-2026", same}, {"H264-MPEG4-1080p", same}, {"2024-2025-skole-rute1", same},
		{"mars-2024-sak1-ny12", same}, {"1920x1080-1280x720", same}, {"1280x720-1920x1080-2560x1440", same}, {"24h2-23h2-22h2", same}, {"10kg-20kg-30kg-40kg", same},
		{"2024/12345", same}, {"24/1234-7", same}, {"sak 2024-12345", same}, {"/bekreft/2024/12345", same}, {"/bekreftelse/2024-12345", same},
		{"0150 Oslo", same}, {"5003", same}, {"4001-4099", same}, {"Storgata 12B", same}, {"Kirkegata 100-102", same},
		{"v1.2.3", same}, {"10.15.7", same}, {"v1.2.3.4", same}, {"versjon 1.2.3.4", same}, {"kapittel 2.3.1.4", same}, {"§ 3.1.2.4", same},
		{"1.3.6.1.4.1.311", same}, {"Chrome/138.0.0.0", same}, {"Chrome 141.0.7390.55", same}, {"react@18.2.0", same}, {"react@18.2.0.1", same},
		{"Firefox 128.0.3.1", same}, {"iOS 17.5.1.2", same}, {"Java 17.0.11.9", same}, {"nginx 1.25.3.1", same}, {"krav 5.1.1.2", same}, {"nginx/1.25.3.1", same},
		{"4.5.6.7 Krav til dokumentasjon", same}, {"84-212-77-3", same}, {"84_212_77_3", same}, {"rapport-12-11-20-3.pdf", same}, {"main.54d44d03.js", same},
		{"app-54d44d03.css", same}, {"sub-2026-11-26-10-15.example.org", same}, {"12x34x56x78", same}, {"bilde-10x15x20x2.jpg", same}, {"facadeab.example.org", same},
		{"138.0.0.0", same}, {"10.0.0.0/8", same}, {"2001:db8::/32", same}, {"std::vector", same}, {"dead::beef", same}, {"a::b", same}, {"::", same},
		{"id91234567", same}, {"/artikkel/1.16543210", same}, {"KID 001234567890128", same},
		{"/reset", same}, {"/reset/", same}, {"/reset/steg-2", same}, {"/reset/index.html", same}, {"/reset/2", same}, {"/aktiver/konto", same},
		{"/reset/takk", same}, {"/reset/password/done", same}, {"/bekreft/e-post/steg2", same}, {"/glemt-passord/bekreftet.html", same}, {"/aktuelt/aktiver-deg-i-kommunen", same},
		{"/aktuelt/aktiver-deg-i-kommunen/meld-deg-inn", same}, {"https://confirm.example.org/aktuelt", same}, {"/presets/lys", same}, {"/secretariat/about", same},
		{"/engangsstonad/soknad", same}, {"/kvittering/2024", same}, {"/tilgang/soknad", same}, {"/nøkkel/tall", same}, {"/påmelding/sommerskole", same}, {"/login/ansatte", same},
		{"token eller passord", same}, {"reset hest", same}, {"Konto / Reset / knapp", same}, {"passord: glemt", same}, {"kode 9", same}, {"passord 2024", same},
		{"/aktiviteter/sommer-2026", same}, {"/confirm/nb-NO/thanks", same}, {"/token/api-v2", same}, {"/verify/email", same}, {"/register/enheter", same},
		{"passord: glemt det", same}, {"reset av passord på minside2026", same}, {"side=2&sortering=dato", same},
		{"hva koster 2+2?", same}, {"hvem? hva? #Arendalsuka2026", same}, {"C# og F#", same}, {"AT&T", same}, {"R&D &c", same}, {"a=b=c", same}, {`C:\temp\ny`, same},
		{"100 %", same}, {"50%-ers", same}, {"½ liter", same}, {"m²", same}, {"Ærøskøbing", same}, {"ŠILJU", same}, {"日本語", same}, {"שלום", same},
	})
	if got, want := scrub.Path("/A\u030as/a\u030a"), "/\u00c5s/\u00e5"; got != want {
		t.Errorf("Path in form D = %q, want %q", got, want)
	}
	if got := scrub.Text("A\u030as"); got != "A\u030as" {
		t.Errorf("Text in form D = %q, want it as it came", got)
	}
}

func TestValue(t *testing.T) {
	for _, v := range []float64{7839011142, 78390.11142, 0.07839011142, -7839011142, 17912099997, 4791234567, 91234567, 41234567, 4111111111111111, 1369866899,
		150385.31090, 150385.3109, -150385.3109, 0.1503853109, 78390.11142, 81.10912403, 94123457, 4791234567} {
		if got, ok := four.Value(v); ok || got != 0 {
			t.Errorf("Value(%f) = %f, %t, want 0 and false", v, got, ok)
		}
	}
	for _, v := range []float64{0, 1, -1, 2.5, 249.9, 1e6, 45000000, 974760673, 20261126, 1763846400, 1763846400123, 59.913868, 0.5, 1e300, 5e-324, 12345678,
		412345.67, 456789.12, 999999.99, 400000.01, 4999999.9, 45.464203, 41.902782, 9123.4567, 45678.901, 91234567.5, 150385.31, 1234567.891,
		41000500, 91250500, 98765432.1} {
		if got, ok := four.Value(v); !ok || got != v {
			t.Errorf("Value(%f) = %f, %t, want it and true", v, got, ok)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"abc", 3, "abc"}, {"abcd", 3, "abc"}, {"blåbær", 3, "bl"},
		{"til [email] nå", 8, "t[email]"}, {"abcdefgh[ip]", 10, "abcdef[ip]"}, {"abcdefgh[ip]xyz", 12, "abcdefgh[ip]"},
		{"sak 974760673", 12, "sak "}, {"[national-id]", 5, ""},
		{"[notat] om dette", 5, "[nota"},
	} {
		if got := scrub.Cut(c.in, c.limit); got != c.want || len(got) > c.limit {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}

// TestLongTextIsCutBehindScrubbing: of what stands where a text is cut, no part of it
// is left.
func TestLongTextIsCutBehindScrubbing(t *testing.T) {
	for _, secret := range []string{"07839011142", "kari.nordmann@example.org", "912 34 567", "81.166.130.147", "sk_live_4eC39HqLyjWDarjtT1zdp7dc"} {
		for at := scrub.MaxText - len(secret) - 2; at < scrub.MaxText+2; at++ {
			in := strings.Repeat("ord ", at/4) + secret
			if out := scrub.Text(in); strings.Trim(strings.ReplaceAll(out, "ord", ""), " ") != "" && !strings.HasSuffix(strings.TrimSpace(out), "]") {
				t.Fatalf("%q at byte %d: …%q", secret, at, out[max(0, len(out)-40):])
			}
		}
	}
}

// TestEndlessLayers: what no reader would take the trouble to undo is no text.
func TestEndlessLayers(t *testing.T) {
	deep := "kari@example.org"
	for range 40 {
		deep = strings.ReplaceAll(strings.ReplaceAll(deep, "&", "&amp;"), "@", "&#64;")
	}
	if got := scrub.Text(deep); got != "[encoded]" {
		t.Errorf("Text of 40 layers = %.40q, want [encoded]", got)
	}
	if got := scrub.Path("/" + deep); got != "/[encoded]" {
		t.Errorf("Path of 40 layers = %.40q, want /[encoded]", got)
	}
}

// encodings are ways to write a text that the package undoes.
var encodings = map[string]func(s string) string{
	"none":    func(s string) string { return s },
	"percent": each(func(c rune) string { return fmt.Sprintf("%%%02X", c) }),
	"entity":  each(func(c rune) string { return fmt.Sprintf("&#%d;", c) }),
	"hex":     each(func(c rune) string { return fmt.Sprintf("&#x%X;", c) }),
	"u":       each(func(c rune) string { return fmt.Sprintf(`\u%04x`, c) }),
	"escape":  each(func(c rune) string { return fmt.Sprintf("%%u%04X", c) }),
	"mail":    each(func(c rune) string { return fmt.Sprintf("=%02X", c) }),
	"wide":    each(func(c rune) string { return string(c + 0xfee0) }),
	"unseen":  each(func(c rune) string { return string(c) + "\u200b" }),
}

// each writes every sign of ASCII in another way, and leaves the rest.
func each(write func(rune) string) func(string) string {
	return func(s string) string {
		var b strings.Builder
		for _, c := range s {
			if '!' <= c && c <= '~' {
				b.WriteString(write(c))
			} else {
				b.WriteRune(c)
			}
		}
		return b.String()
	}
}

// TestChains plants each kind of secret behind each chain of two encodings.
func TestChains(t *testing.T) {
	for _, secret := range []struct{ text, mark string }{
		{"07839011142", "[national-id]"}, {"kari.nordmann@example.org", "[email]"}, {"+47 912 34 567", "[phone]"}, {"81.166.130.147", "[ip]"},
		{"550e8400-e29b-41d4-a716-446655440000", "[token]"}, {"/reset/x7Kq9zLw", "/reset/[token]"},
	} {
		for first, inner := range encodings {
			for second, outer := range encodings {
				in := outer(inner(secret.text))
				if got := four.Text(in); got != secret.mark {
					t.Errorf("%s in %s in %s: Text(%q) = %q, want %q", secret.text, first, second, in, got, secret.mark)
				}
			}
		}
	}
}

// FuzzSender holds for every text and sender: the result is text, stays the same, and
// does not take long.
func FuzzSender(f *testing.F) {
	f.Add("81.166.130.147 51a68293 fra 07839011142", []byte{81, 166, 130, 147})
	f.Add("/reset/%25%34%30&#64;=40\\u0040", []byte{0x2a, 1, 7, 0x99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0xd1})
	f.Add(strings.Repeat("%25", 500)+strings.Repeat("&amp;", 500), []byte{1, 1, 1, 1})
	f.Fuzz(func(t *testing.T, s string, address []byte) {
		by := scrub.Scrubber{}
		if a, ok := netip.AddrFromSlice(address); ok {
			by.Sender = hit.NewAddr(a)
		}
		steady(t, by, s)
	})
}

func steady(t interface{ Errorf(string, ...any) }, by scrub.Scrubber, s string) {
	for name, f := range map[string]func(string) string{"Text": by.Text, "Path": by.Path, "Host": by.Host} {
		out := f(s)
		if again := f(out); again != out {
			t.Errorf("%s(%q) = %q, and then %q", name, s, out, again)
		}
		if utf8.ValidString(s) && !utf8.ValidString(out) {
			t.Errorf("%s(%q) = %q: not UTF-8", name, s, out)
		}
	}
}

// TestSteady is FuzzSender for texts that are made of what is looked for.
func TestSteady(t *testing.T) {
	piece := rapid.SampledFrom([]string{
		"81.166.130.147", "81", ".166.", "130", "147", "51a68293", "2a01:799:1b8c:9f00::5d1", "2a01-799", "--5d1", "::", "1369866899", "07839011142",
		"078390", "11142", "9123", "4567", "912", "34", "567", "tel", "+47", "kari", "@", "example.org", "/reset/", "token", "=", "x7Kq9zLw", "MQ",
		"Zk3Lm9QpXv7RtB2c", "V1StGXR8_Z5jdHi6B-myT", "https://", "//", "?navn=X", "#a=b", "data:,", "%40", "%25", "&#64;", "&amp;", `\u0040`, `\`, "=40", "=3D",
		"\u200b", "\u00ad", "１", "٨", "²", "[ip]", "[email]", "[token]", "[", "]", "[*]", " ", " ", "/", "-", "_", ".", ":", ",", ";", "ø", "\u0301", "sak", "2026",
	})
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOfN(piece, 1, 12).Draw(t, "pieces"), "")
		by := rapid.SampledFrom([]scrub.Scrubber{{}, four, six}).Draw(t, "by")
		steady(t, by, s)
	})
}

// TestHostileTexts would take hours if a layer cost more than its length, or if there
// were no bound on the layers.
func TestHostileTexts(t *testing.T) {
	start := time.Now()
	for _, unit := range []string{
		"%25", "%2525", "%u0025", "&amp;", "&#38;", `\\`, `\u005c`, "=3D", "=", "\u200b", "\u0301", "ﷺ", "１", "٨", "a1", "1.", "1-", "a:", "::", "2001:db8::", "1.2.3.4",
		"51a68293", "81.166.130.147", "81", "/reset/", "token=", "/reset/x7", "https://", "//a", "?a=", "#a=", "data:,", "V1StGXR8_", "aB1-", "[ip]", "[", "tel9", "9123 ",
	} {
		for _, by := range []scrub.Scrubber{four, six} {
			for _, f := range []func(string) string{by.Text, by.Path, by.Host} {
				one := time.Now()
				f(strings.Repeat(unit, 64<<10/len(unit)))
				if took := time.Since(one); took > 5*time.Second {
					t.Errorf("64 kB of %q took %v", unit, took)
				}
			}
		}
	}
	if took := time.Since(start); took > 2*time.Minute {
		t.Errorf("all took %v", took)
	}
}
