package browser

import (
	"slices"
	"strings"
)

// Names returns every name of a browser that a Client can have.
func Names() []string {
	names := []string{Other, otherChromium, safari, "Android Browser"}
	for _, row := range products {
		names = append(names, row.name)
	}
	for _, name := range brands {
		names = append(names, name)
	}
	for _, name := range rare {
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == "" })
}

// Systems returns every operating system that a Client can have.
func Systems() []string {
	names := []string{Other}
	for _, s := range systems {
		names = append(names, s.name)
	}
	for _, name := range platforms {
		names = append(names, name)
	}
	return names
}

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
