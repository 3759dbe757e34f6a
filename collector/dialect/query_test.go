package dialect_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/collector/dialect"
)

func TestParameters(t *testing.T) {
	type pair struct{ Name, Value string }
	for query, want := range map[string][]pair{
		"":                nil,
		"a=1":             {{"a", "1"}},
		"a=%31&b=c+d":     {{"a", "%31"}, {"b", "c+d"}},
		"%61+b=1":         {{"a b", "1"}},
		"a&=b&&a=b=c;d=e": {{"a", ""}, {"", "b"}, {"", ""}, {"a", "b=c;d=e"}},
		"a=1&":            {{"a", "1"}},
	} {
		var got []pair
		for name, value := range dialect.Parameters(query) {
			got = append(got, pair{name, value})
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", query, diff)
		}
	}
	for name := range dialect.Parameters("a=1&b=2") {
		if name != "a" {
			t.Errorf("%s came after the end was asked for", name)
		}
		break
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "a": "a", "a+b": "a b", "%C3%a5": "å", "%FF": "\xff", "%2": "%2", "%": "%", "a%zz%41": "a%zzA", "%%41": "%A",
	} {
		if got := dialect.Unescape(in); got != want {
			t.Errorf("Unescape(%q) = %q, want %q", in, got, want)
		}
	}
}

// Where net/url finds nothing wrong with a query, it must agree.
func FuzzParameters(f *testing.F) {
	f.Add("a=1&b=%C3%A5+x&a=2&&=c")
	f.Add("%zz=%&%61=%FF;")
	f.Fuzz(func(t *testing.T, query string) {
		got := url.Values{}
		for name, value := range dialect.Parameters(query) {
			got[name] = append(got[name], dialect.Unescape(value))
		}
		want, err := url.ParseQuery(query)
		if err != nil || strings.HasPrefix(query, "&") || strings.Contains(query, "&&") {
			return // it leaves out empty parameters
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", query, diff)
		}
	})
}

func BenchmarkFromHeaders(b *testing.B) {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header = http.Header{
		"User-Agent":      {"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
		"Accept":          {"*/*"},
		"Accept-Language": {"nb-NO,nb;q=0.9"},
		"Cookie":          {"_pk_id.1.fff=8b2c52af5f20dea4.1795369232; _pk_ses.1.fff=1"},
		"Referer":         {"https://example.org/"},
	}
	b.ReportAllocs()
	for b.Loop() {
		if h := dialect.FromHeaders(r); h.Objection {
			b.Fatal("an objection of nobody")
		}
	}
}

func BenchmarkParameters(b *testing.B) {
	const query = "action_name=Home%20page&idsite=3&rec=1&r=133564&h=17&m=40&s=32&url=https%3A%2F%2Fexample.org%2Fom-oss"
	b.ReportAllocs()
	for b.Loop() {
		for name, value := range dialect.Parameters(query) {
			if name == "url" && dialect.Unescape(value) != "https://example.org/om-oss" {
				b.Fatal(value)
			}
		}
	}
}
