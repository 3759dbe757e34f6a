package browser

import "strings"

// Bots returns every name of a bot that a Client can have.
func Bots() []string {
	names := []string{Other, unnamed, noUserAgent}
	for _, name := range bots {
		names = append(names, name)
	}
	return names
}

// BotList is the table of the names of bots.
func BotList() string { return botList }

// BotName is what is looked up in it.
var BotName = botName

// Newest returns the newest major version of a browser, or 0 if its versions are not
// kept.
func Newest(name string) int { return newest[name] }

// Rare reports whether a browser is one whose versions are not kept.
func Rare(name string) bool {
	for _, other := range rare {
		if name == other {
			return true
		}
	}
	return false
}

// Deeds returns the words that say what programs do, without their boundaries.
func Deeds() (words []string) {
	for _, m := range deeds {
		for text := range strings.FieldsSeq(m.words) {
			words = append(words, parseWord(text, 0).text)
		}
	}
	return words
}

// IsListed reports whether name is that of a bot in the table.
func IsListed(name string) bool { return bots[strings.ToLower(botName(name))] != "" }
