package scrub_test

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/privacy/scrub"
)

// same stands for a result that is the input.
const same = "="

// cases are inputs with what is to become of them. Those under both are of Text
// and of Path.
type cases [][2]string

// check runs the cases, and each result once more, for marks must stay.
func check(t *testing.T, name string, f func(string) string, tests cases) {
	t.Helper()
	for _, test := range tests {
		in, want := test[0], test[1]
		if want == same {
			want = in
		}
		got := f(in)
		if got != want {
			t.Errorf("%s(%q) = %q, want %q", name, in, got, want)
		}
		if again := f(got); again != got {
			t.Errorf("%s(%q) = %q: not the same a second time", name, got, again)
		}
	}
}

func text(t *testing.T, tests cases) { t.Helper(); check(t, "Text", scrub.Text, tests) }
func path(t *testing.T, tests cases) { t.Helper(); check(t, "Path", scrub.Path, tests) }
func both(t *testing.T, tests cases) { t.Helper(); text(t, tests); path(t, tests) }

func TestEmail(t *testing.T) {
	both(t, cases{
		{"kari@example.org", "[email]"},
		{"Kari.Nordmann@Example.ORG", "[email]"},
		{"kari_nordmann-99@sub.example.co.uk", "[email]"},
		{"kari+nyhetsbrev@example.org", "[email]"},
		{"o'brien@example.org", "[email]"},
		{"kari%40example.org", "[email]"},
		{"kari%2540example.org", "[email]"},
		{"kari%252540example.org", "[email]"},
		{"kari%2Bnyhetsbrev%40example%2Eorg", "[email]"},
		{"mailto:kari@example.org", "[email]"},
		{"MAILTO:kari@example.org", "[email]"},
		{"mailto%3Akari%40example.org", "[email]"},
		{"åse.ødegård@blåbær.no", "[email]"},
		{"%E5se%40example.org", "[email]"},
		{"se\u030ase@example.org", "[email]"},
		{"用户@例子.广告", "[email]"},
		{"\"kari nordmann\"@example.org", "[email]"},
		{"\"kari@example.org\"", "\"[email]\""},
		{"'kari@example.org'", "'[email]'"},
		{"Kari <kari@example.org>", "Kari <[email]>"},
		{"Kari %3Ckari%40example.org%3E", "Kari <[email]>"},
		{"kari@example.org, ola@example.org;per@example.org", "[email], [email];[email]"},
		{"send til kari@example.org.", "send til [email]."},
		{"(kari@example.org)", "([email])"},
		{"...kari@example.org...", "...[email]..."},
		{"epost=kari@example.org&navn=x", "epost=[email]&navn=x"},
		{"til+kari@example.org", "[email]"},
		{"91234567@example.org", "[email]"},
		{"17912099997@example.org", "[email]"},
		{"550e8400-e29b-41d4-a716-446655440000@example.org", "[email]"},
		{"@kari@mastodon.example", "[email]"},
		{"kari@a.example@b.example", "[email]"},
		{"kari@@example.org", "[email]"},
		{"kari@gmail", "[email]"},
		{"kari.nordmann@", "[email]"},
		{"kari@ finnes ikke", "[email] finnes ikke"},
		{"kari@x.no:8080", "[email]:8080"},
		{"«kari@example.org»", "«[email]»"},
		{"kari@example.org–ola@example.org", "[email]–[email]"},
		{"1@2.no", "[email]"},

		{"@", same}, {"@@", same}, {" @ ", same}, {"%40", same}, {"a %40 b", same},
		{"@kari", same},
		{"kari at example.org", same},
		{"kari(at)example.org", "[email]"}, {"kari [at] example.org", "[email]"}, {"kari [at] example [dot] no", "[email]"}, {"kari(@)example.no", "[email]"},
		{"kari @ example.no", "[email]"}, {"kari @example.no", "[email]"}, {"kari@ example.no", "[email] example.no"}, {"kari krøllalfa example.no", "[email]"},
		{"skriv til kari (at) example (dot) no.", "skriv til [email]."}, {"bilde@2x", same}, {"(at) vi kommer", same}, {"møte @ rådhuset", same}, {"krøllalfa", same},
		{"example.org", same},
		{"react@18.2.0", same},
		{"bilde@2x.png", same}, {"bilde@1.5x.jpg", same},
		{"5@", same}, {"à 5 @ 12", same},
		{"50%400", same},
		{"\"\"@", same}, {"a\"@x.no", same},
		{"<@example.org>", same},
		{"kari@-example.org", same},
		{"kari@.org", same},
		{"%4", same}, {"%", same}, {"100%", same}, {"%zz", same}, {"%25", same},
	})
	text(t, cases{{"mailto:kari@example.org?subject=hei", "[email]"}})
	path(t, cases{
		{"/bruker/kari@example.org/profil", "/bruker/[email]/profil"},
		{"/bruker/kari%40example.org/profil", "/bruker/[email]/profil"},
		{"/bruker/kari%2540example.org", "/bruker/[email]"},
		{"/epost/mailto:kari@example.org", "/epost/[email]"},
		{"/a@b.no/c@d.no/", "/[email]/[email]/"},
		{"/@kari@mastodon.example/1", "/[email]/1"},
		{"/kari@/profil", "/[email]/profil"},
		{"/%F8yvind.b%E5rd@example.org/", "/[email]/"},
	})
}

func TestPhone(t *testing.T) {
	both(t, cases{
		{"+4722334455", "[phone]"},
		{"+47 22 33 44 55", "[phone]"},
		{"+47 912 34 567", "[phone]"},
		{"+47-91234567", "[phone]"},
		{"+47.912.34.567", "[phone]"},
		{"+47+912+34+567", "[phone]"},
		{"(+47) 22 33 44 55", "[phone]"},
		{"(+47 22 33 44 55)", "([phone])"},
		{"+47 (0) 22 33 44 55", "[phone]"},
		{"%2B4791234567", "[phone]"},
		{"%252B4791234567", "[phone]"},
		{"%2B47%20912%2034%20567", "[phone]"},
		{"004722334455", "[phone]"},
		{"0047 22 33 44 55", "[phone]"},
		{"00 47 22 33 44 55", "[phone]"},
		{"4791234567", "[phone]"},
		{"47 91234567", "[phone]"},
		{"47 22334455", "[phone]"},
		{"47 22 33 44 55", "[phone]"},
		{"47 912 34 567", "[phone]"},
		{" 4791234567", " [phone]"},
		{" 46701234567", " [phone]"},
		{" 46 70 123 45 67", " [phone]"},
		{" 14155550123", " [phone]"},
		{"+1 (415) 555-0123", "[phone]"},
		{"+1-415-555-0123", "[phone]"},
		{"+44 20 7946 0958", "[phone]"},
		{"+44 (0)20 7946 0958", "[phone]"},
		{"+46 8-123 456 78", "[phone]"},
		{"+45 32 12 34 56", "[phone]"},
		{"+358401234567", "[phone]"},
		{"0046701234567", "[phone]"},
		{"22 33 44 55", "[phone]"},
		{"22-33-44-55", "[phone]"},
		{"22+33+44+55", "[phone]"},
		{"22%2033%2044%2055", "[phone]"},
		{"22\u00a033\u00a044\u00a055", "[phone]"},
		{"91 23 45 67", "[phone]"},
		{"912 34 567", "[phone]"},
		{"912-34-567", "[phone]"},
		{"912.34.567", "[phone]"},
		{"912+34+567", "[phone]"},
		{"912%2034%20567", "[phone]"},
		{"91234567", "[phone]"},
		{"tlf. 91234567", "tlf. [phone]"},
		{"tlf:91234567", "tlf:[phone]"},
		{"tel:+4791234567", "tel:[phone]"},
		{"tlf+4791234567", "tlf+[phone]"},
		{"tlf-91234567", "tlf-[phone]"},
		{"tlf_91234567", "tlf_[phone]"},
		{"«91234567»", "«[phone]»"},
		{"91234567, 41234567", "[phone], [phone]"},
		{"91234567,41234567", "[phone],[phone]"},
		{"91234567/41234567", "[phone]/[phone]"},
		{"91234567-41234567", "[phone]-[phone]"},
		{"+4722334455 +4791234567", "[phone] [phone]"},
		{"22 33 44 55 91 23 45 67", "[phone]"},
		{"22 33 44 55 2026", "[phone] 2026"},
		{"ring 912 34 567.", "ring [phone]."},
		{"kari91234567", "kari[phone]"}, {"91234567kari", "[phone]kari"}, {"fon91234567", "fon[phone]"}, {"nummer91234567", "nummer[phone]"},
		{"(912) 34 567", "[phone]"}, {"912 - 34 - 567", "[phone]"}, {"912  34  567", "[phone]"}, {"91234-567", "[phone]"}, {"912345-67", "[phone]"},
		{"9 1 2 3 4 5 6 7", "[phone]"}, {"9-1-2-3-4-5-6-7", "[phone]"}, {"070-123 45 67", "[phone]"}, {"070 123 45 67", "[phone]"}, {"(912) 345 67", "[phone]"},
		{"dokument91234567", same}, {"ordre91234567", same}, {"91234567sak", same}, {"40 12 34 56 kr", same}, {"kr 40 12 34 56", same}, {"912345-678", same},
		{"9 1 2 3 4 5 6 7 8", same}, {"1 2 3 4 5 6 7 8", same}, {"41 - 42 - 43 - 44", same}, {"4100 - 4500", same}, {"070-1234567-1", same},
		{"90000000", same}, {"95000000", same}, {"40000000", same}, {"22000000", same}, {"0012345600012", same}, {"KID 0012345678903", same}, {"0014155550123", "[phone]"},

		{"id91234567", same}, {"91234567x", same}, {"ø91234567", same}, {"91234567ø", same}, {"91234567%F8", same},
		{"1.91234567", same}, {"1,91234567", same}, {"91234567.50", same}, {"91234567,5", same},
		{"912345678", same}, {"9123456", same}, {"912345678901", same},
		{"912 345 678", same}, {"912 34 5678", same}, {"9 12 34 567", same},
		{"12-91234567", same}, {"2024-91234567", same}, {"91234567-2", same}, {"S_2026_91234567", same},
		{"22 33 44", same}, {"22 33 44 55 66", same}, {"22 33 44 55 66 77", same}, {"12 13 14 15", same},
		{"22.33.44.55", "[ip]"}, {"192.168.10.25", "[ip]"}, {"22/33/44/55", same}, {"2026/11/22", same},
		{"22-33-44-55-66", same},
		{"112 34 567", same}, {"978-82-450-1234-7", same}, {"978 82 450 1234 7", same},
		{"978 82 450", "[phone]"}, // no book's number
		{"10:15:22.334455", same}, {"2026-11-22 10:15:00", same},
		{"1763846400", same}, {" 1763846400", same}, {" 1763846400123", same},
		{"0012345678", same}, {"000012345678", same},
		{"+47", same}, {"+47 22", same}, {"+0022334455", same}, {"1+2", same},
		{"kr 45 000 000", same},
	})
	text(t, cases{
		{"9123.4567", "[phone]"}, {"912/34/567", "[phone]"}, {"91/23/45/67", "[phone]"}, {"45/12/3/4", same}, {"41.234567", same}, {"4123/4567", same}, {"2024/12345", same},
		{"22334455", "[phone]"}, {"tlf 33221100", "tlf [phone]"}, {"55123456", "[phone]"}, {"67123456", "[phone]"},
		{"73123456", "[phone]"}, {"80012345", "[phone]"},
		{"1 eller 22334455", "1 eller [phone]"},
		{"22334455 og 91234567", "[phone] og [phone]"},
		{"kari 22334455 kari@example.org", "kari [phone] [email]"},
		{"31129999", "[phone]"}, // no year of ours
		{"32132026", "[phone]"}, // no day
		{"mekr 22334455", "mekr [phone]"},
		{"4733221100", "[phone]"},

		{"12345678", same}, {"01234567", same},
		{"20261122", same}, {"20232024", same}, {"20241234", same}, {"22112026", same}, {"31121999", same}, {"29022024", same},
		{"kr 45000000", same}, {"kr. 45000000", same}, {"kr45000000", same}, {"NOK 45000000", same}, {"45000000 kr", same},
		{"45000000kr", same}, {"45000000 kroner", same}, {"45000000,-", same}, {"€ 45000000", same}, {"45000000 €", same},
	})
	path(t, cases{
		{"/ansatt/91234567", "/ansatt/[phone]"},
		{"/ansatt/41234567/profil", "/ansatt/[phone]/profil"},
		{"/ansatt/22-33-44-55", "/ansatt/[phone]"},
		{"/ansatt/22 33 44 55/", "/ansatt/[phone]/"},
		{"/ansatt/22%2033%2044%2055/", "/ansatt/[phone]/"},
		{"/ring/+4722334455", "/ring/[phone]"},
		{"/ring/%2B4722334455", "/ring/[phone]"},
		{"/ring/004722334455", "/ring/[phone]"},
		{"/2026/91234567/12", "/2026/[phone]/12"},
		{"/kari-nordmann-91234567.html", "/kari-nordmann-[phone].html"},
		{"/91234567", "/[phone]"},
		{"/kontakt/telefon/22123456", "/kontakt/telefon/[phone]"}, {"/tlf/22123456", "/tlf/[phone]"}, {"/telefon-22123456", "/telefon-[phone]"},

		{"/22334455", same}, {"/hotell/33221100", same}, {"/titler/33221100", same}, {"/80012345", same}, {"/4733221100", same},
		{"/id91234567", same}, {"/1.91234567", same}, {"/912345678", same}, {"/2026/11/22", same}, {"/22/33/44/55", same},
	})
}

func TestToken(t *testing.T) {
	both(t, cases{
		{"550e8400-e29b-41d4-a716-446655440000", "[token]"},
		{"{550E8400-E29B-41D4-A716-446655440000}", "{[token]}"},
		{"urn:uuid:550e8400-e29b-41d4-a716-446655440000", "urn:uuid:[token]"},
		{"sak-550e8400-e29b-41d4-a716-446655440000-x", "sak-[token]-x"},
		{"00000000-0000-0000-0000-000000000000", "[token]"},
		{"abcdefab-cdef-abcd-efab-cdefabcdefab", "[token]"},
		{"12345678-1234-1234-1234-123456789012", "[token]"},
		{"d41d8cd98f00b204e9800998ecf8427e", "[token]"},
		{"da39a3ee5e6b4b0d3255bfef95601890afd80709", "[token]"},
		{"DA39A3EE5E6B4B0D3255BFEF95601890AFD80709", "[token]"},
		{"0123456789abcdef", "[token]"},
		{"00112233445566778899001122334455", "[token]"},
		{"main.3f2a9c81d4e5b6a7.js", "main.[token].js"},
		{"%20d41d8cd98f00b204e9800998ecf8427e%20", " [token] "},
		{"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U", "[token]"},
		{"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIx", "[token]"},
		{"eyJhbGciOiJub25lIn0ø", "[token]ø"},
		{"token=eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.&x=1", "token=[token]&x=1"},
		{"sk_live_4eC39HqLyjWDarjtT1zdp7dc", "sk_live_[token]"},
		{"ghp_16C7e42F292c6912E7710c838347Ae178B4a", "ghp_[token]"},
		{"xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcHrzqqgy", "[token]"},
		{"CjwKCAiA9bq6BhAKEiwAH6bqoNZ0vW8sT4k2gQ", "[token]"},
		{"dGhpcyBpcyBhIHNlY3JldA1x9Q==", "[token]"},
		{"aB3-x9Qz4eC39HqLyjWDarjtT1zdp7dc_Z9q", "[token]"},
		{"3c9k5vq2mb0tqf7g1h8d6s4n2e", "[token]"}, // PHPSESSID
		{"01ARZ3NDEKTSV4RRFFQ69G5FAV", "[token]"}, // ULID
		{"min-side-1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d", "min-side-[token]"},
		{"4111111111111111", "[token]"},
		{"4111 1111 1111 1111", "[token]"},
		{"4111-1111-1111-1111", "[token]"},
		{"5555 5555 5555 4444", "[token]"},
		{"3782 822463 10005", "[token]"},
		{"378282246310005", "[token]"},
		{"30569309025904", "[token]"},

		{"menneskerettighetsorganisasjonene", same},
		{"hvordan-soke-om-stotte-til-frivillige-organisasjoner-2026", same},
		{"Arsrapport2025-endelig-versjon.pdf", same},
		{"Arsrapport2025EndeligVersjon", same},
		{"Arsrapport_2025_Endelig_Versjon", same},
		{"arsrapport2025endeligversjon", same},
		{"ARSRAPPORT2025ENDELIGVERSJON", same},
		{"KommuneplanensArealdel2024til2036", same},
		{"NOU2024nr7Vedlegg3Tabell2", same},
		{"Plan2024Kart2Del3Versjon1", same},
		{"stm202320240014000dddpdfs", same},
		{"HandlingsprogramMedØkonomiplan2025til2028", same},
		{"deadbeef", same}, {"abcdef0123456", same}, {"facade", same}, {"0123456789abcde", same},
		{"abcdefabcdefabcdef", "[token]"}, {"sak123vedlegg4notat12", same}, {"SAK123VEDLEGG4NOTAT12", same}, {"MENNESKERETTIGHETER", same}, {"ARBEIDSMILJOUNDERSOKELSEN", same},
		{"KOMMUNESTYREMOTE", same}, {"TRANSPORTPLANLEGGING", same}, {"INTERNATIONALISATION", same}, {"straffeprosessloven", same}, {"boligkommunalegarantierogtilskudd", same},
		{"Verkehrsinfrastruktur", same}, {"jarnvagsstyrelsen", same}, {"thoroughbredracing", same}, {"TTQIFRAJULGBAPKK", "[token]"}, {"S-N-VWJV-t4OMtde4urD_e", "S-N-[token]_e"},
		{"550e8400-e29b-41d4-a716", "[token]"}, {"550e8400-e29b", same},
		{"550e8400-e29b-41d4-a716-44665544000g", "[token]"},
		{"20261122T101500Z", same}, {"2026-11-22T10:15:00.000Z", same},
		{"eyJafjallaj", same},
		{"AIzaSyDaGmWKa4JsXZ-HjGw7ISLn_3namBGewQe", "[token]"},
		{"1763846400123", same}, {"1763846400123456", same}, {"9788245012347", same},
		{"4111111111111112", same}, {"1234567890123456", same}, {"4111 1111 1111", same},
		{"12345678901234567890", same},
		{"%C3%B8%C3%A6%C3%A5%C3%98%C3%86%C3%85", same},
		{"%25C3%25B8%25C3%25A6%25C3%25A5%25C3%2598", same},
		{"f%C3%B8deby2025og2026ogs%C3%A5", same},
		{"TiltakspakkeForNaringslivet2026", same},
	})
	path(t, cases{
		{"/contentassets/0123456789abcdef0123456789abcdef/no/pdfs/stm202320240014000dddpdfs.pdf", "/contentassets/[token]/no/pdfs/stm202320240014000dddpdfs.pdf"},
		{"/min-sak/550e8400-e29b-41d4-a716-446655440000/vedlegg", "/min-sak/[token]/vedlegg"},
		{"/reset/4eC39HqLyjWDarjtT1zdp7dc", "/reset/[token]"},
	})
}

func TestSeveral(t *testing.T) {
	text(t, cases{
		{"", same},
		{
			"Kari, kari@example.org, tlf 912 34 567, fnr 17912099997, nøkkel sk_live_4eC39HqLyjWDarjtT1zdp7dc",
			"Kari, [email], tlf [phone], fnr [national-id], nøkkel sk_live_[token]",
		},
		{"[email] [phone] [national-id] [token]", same},
		{"[email]@example.org", same},
		{"kari@[phone]", same},
		{"91234567 17912099997 91234567", "[phone] [national-id] [phone]"},
		{"91234567,17912099997,91234567", "[phone],[national-id],[phone]"},
		{"\xff91234567\xfe", "\ufffd[phone]\ufffd"},
	})
	path(t, cases{
		{"", same},
		{"/a/kari@example.org/91234567/17912099997/550e8400-e29b-41d4-a716-446655440000/z", "/a/[email]/[phone]/[national-id]/[token]/z"},
	})
}

// TestUntouched reads what the websites of ministries and municipalities are full
// of, of which nothing may be lost.
func TestUntouched(t *testing.T) {
	for file, f := range map[string]func(string) string{
		"testdata/paths.txt": scrub.Path, "testdata/municipal.txt": scrub.Path, "testdata/terms.txt": scrub.Text,
	} {
		text, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer text.Close()
		lines := bufio.NewScanner(text)
		for lines.Scan() {
			if got := f(lines.Text()); got != lines.Text() {
				t.Errorf("%s: %q became %q", file, lines.Text(), got)
			}
		}
	}
}

func TestNothingAllocated(t *testing.T) {
	for _, s := range []string{
		"/helse-og-omsorg/hjemmetjenester/sok-2026", "/kart/59.91386880/10.75224541", "/arkiv/20261122/22112026",
		"/globalassets/Arsrapport2025EndeligVersjon.pdf", "/næring/logo@2x.png", "/næring-og-arbeidsliv/2026", "fødselsnummer 12345678901",
	} {
		if n := testing.AllocsPerRun(100, func() { scrub.Text(s); scrub.Path(s) }); n != 0 {
			t.Errorf("%q: %v allocations, want 0", s, n)
		}
	}
}

func ExampleText() {
	fmt.Println(scrub.Text("Ring Kari på 912 34 567 eller skriv til kari@example.org"))
	// Output: Ring Kari på [phone] eller skriv til [email]
}

func ExamplePath() {
	fmt.Println(scrub.Path("/bruker/kari@example.org/profil"))
	fmt.Println(scrub.Path("/politikk/2026/11/22/sak-24-1234"))
	// Output:
	// /bruker/[email]/profil
	// /politikk/2026/11/22/sak-24-1234
}

func Benchmark(b *testing.B) {
	long := strings.Repeat("søknad om tilskudd til frivillige organisasjoner i kommunen ", 20)
	for _, bench := range []struct {
		name, s string
		f       func(string) string
	}{
		{"path of 40", "/helse-og-omsorg/hjemmetjenester/sok-2026", scrub.Path},
		{"path with numbers", "/politikk/moter/2026/11/22/sak-2024-12345", scrub.Path},
		{"path with escapes", "/n%E6ring-og-arbeidsliv/skjenkebevilling", scrub.Path},
		{"term", "søke barnehageplass 2026", scrub.Text},
		{"long text", long, scrub.Text},
		{"address", "/bruker/kari@example.org/profil", scrub.Path},
		{"all", "kari@example.org 912 34 567 17912099997 550e8400-e29b-41d4-a716-446655440000", scrub.Text},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(bench.s)))
			for b.Loop() {
				bench.f(bench.s)
			}
		})
	}
}
