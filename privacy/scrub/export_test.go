package scrub

// Plain reports whether a text holds no encoding, to the eyes of the package.
func Plain(s string) bool {
	inner, _ := decode(s)
	return inner == s
}

// Missed reports whether own marks something in a text that mayBeOwn rules out.
func (s Scrubber) Missed(text string) bool { return !mayBeOwn(text) && s.own(text) != text }

// Knows reports whether nothing is known to be in a free text.
func (m *Memory) Knows(text string) bool { return m.knows(text, freeText) }
