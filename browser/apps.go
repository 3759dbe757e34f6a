package browser

// Relays reports whether a program is of a kind that hands on the hits of others, as
// servers and importers of logs do: an HTTP library, one that no list knows, or one
// that sends no User-Agent.
func (c Client) Relays() bool {
	switch c.Rule {
	case RuleLibrary, RuleMalformed, RuleOther:
		return true
	}
	return false
}
