package referrer_test

import (
	"fmt"
	"net/url"

	"github.com/fotspor/fotspor/referrer"
)

func ExampleSources_Classify() {
	sources := referrer.Shipped()
	page, _ := url.Parse("https://example.org/om")
	for _, ref := range []string{"https://www.google.no/search?q=x", "https://lm.facebook.com/", "https://blogg.example/kari", "https://example.org/"} {
		from := sources.Classify(page, ref, nil)
		fmt.Printf("%s %q\n", from.Channel, from.Source)
	}
	newsletter, _ := url.Parse("https://example.org/om?utm_source=uke-12&utm_medium=email")
	from := sources.Classify(newsletter, "", nil)
	fmt.Printf("%s %q\n", from.Channel, from.Source)
	// Output:
	// search "Google"
	// social "Facebook"
	// website "blogg.example"
	// direct ""
	// email "uke-12"
}

func ExampleSpam_Has() {
	spam := referrer.ShippedSpam()
	fmt.Println(spam.Has(referrer.Host("http://www.semalt.com/crawler.php?u=https://example.org")))
	fmt.Println(spam.Has(referrer.Host("https://www.example.org/")))
	// Output:
	// true
	// false
}
