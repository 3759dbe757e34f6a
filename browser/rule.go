package browser

// The rules that tell a bot, each a word for what such programs are there for.
// They are part of what is stored: none may change its meaning.
const (
	RuleCrawler   = "crawler"   // search engines, archives, and all else that calls itself a bot
	RuleAI        = "ai"        // gathers for language models, or fetches for one who asked such a model
	RulePreview   = "preview"   // shows a link in a chat or a network of people
	RuleFeed      = "feed"      // reads feeds and podcasts
	RuleMonitor   = "monitor"   // checks that a website is up, fast, safe or correct
	RuleHeadless  = "headless"  // a browser without a window, driven by a program
	RuleLibrary   = "library"   // an HTTP library or a command, such as curl
	RuleMalformed = "malformed" // no User-Agent, or one that no browser sends
	RuleOther     = "other"     // says a name that no browser has, and not what it is there for
)

// Rules returns every value of Client.Rule but "".
func Rules() []string {
	return []string{
		RuleCrawler, RuleAI, RulePreview, RuleFeed, RuleMonitor, RuleHeadless, RuleLibrary, RuleMalformed, RuleOther,
	}
}

// The names of bots that send none.
const (
	noUserAgent = "none"
	unnamed     = "unnamed"
)
