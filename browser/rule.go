package browser

// The rules that recognise bots. Each is a word for the purpose of such programs. They are
// stored, so their meanings must not change.
const (
	RuleCrawler   = "crawler"   // search engines, archives, and everything else that calls itself a bot
	RuleAI        = "ai"        // gathers data for language models, or fetches a page for a user of one
	RulePreview   = "preview"   // shows a link in a chat or a social network
	RuleFeed      = "feed"      // reads feeds and podcasts
	RuleMonitor   = "monitor"   // checks that a website is up, fast, safe or correct
	RuleHeadless  = "headless"  // a browser without a window, driven by a program
	RuleLibrary   = "library"   // an HTTP library or a command, such as curl
	RuleMalformed = "malformed" // no User-Agent, or one that no browser sends
	RuleOther     = "other"     // has a name that no browser has, and does not say its purpose
)

// Rules returns every value of Client.Rule except "".
func Rules() []string {
	return []string{
		RuleCrawler, RuleAI, RulePreview, RuleFeed, RuleMonitor, RuleHeadless, RuleLibrary, RuleMalformed, RuleOther,
	}
}

// The values of Client.Bot for bots that send no name.
const (
	noUserAgent = "none"
	unnamed     = "unnamed"
)
