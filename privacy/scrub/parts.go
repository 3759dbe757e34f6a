package scrub

import "strings"

// maxRun is how many neighbours may make one thing: an address has four numbers.
const maxRun = 4

// Parts looks at scrubbed texts that are stored side by side, such as those of an event's
// name, as what they make together: kari and @example.no. Where neighbours hold more
// together than each by itself, the first becomes what they are together, with its marks,
// the others become empty, and Parts returns true. Only what has a sure form is looked
// for: addresses, national identity numbers, and mail addresses with a full stop in
// their domain. Empty texts count for nothing.
func (s Scrubber) Parts(texts []string) (changed bool) {
	found := traces{}
	for _, text := range texts {
		one := count(text)
		found.at, found.digits = found.at || one.at, found.digits+one.digits
	}
	if !found.at && found.digits < 4 {
		return false
	}
	for s.join(texts) {
		changed = true
	}
	return changed
}

// count returns what of a text may make something with its neighbours.
func count(text string) (found traces) {
	for i := range len(text) {
		found.at = found.at || text[i] == '@'
		found.digits += int(class[text[i]] & digit)
	}
	return found
}

// join joins the first run of neighbours that holds more than its parts.
func (s Scrubber) join(texts []string) bool {
	for size := 2; size <= maxRun; size++ {
		for first := range texts {
			run, last := []string(nil), first
			for ; last < len(texts) && len(run) < size; last++ {
				if texts[last] != "" {
					run = append(run, texts[last])
				}
			}
			if len(run) < size || texts[first] == "" {
				continue
			}
			if joint, ok := s.together(run); ok {
				clear(texts[first:last])
				texts[first] = joint
				return true
			}
		}
	}
	return false
}

// together returns what texts make in one, with or without a space between, if that holds
// more than they do.
func (s Scrubber) together(texts []string) (marked string, more bool) {
	parts := 0
	for _, text := range texts {
		parts += sure(text, true)
	}
	for _, between := range []string{"", " "} {
		joint := strings.Join(texts, between)
		at := strings.IndexByte(joint, '@')
		mail := at >= 0 && strings.IndexByte(joint[at:], '.') > 0
		if marked := s.scrub(joint, pagePath); sure(marked, mail) > parts {
			return marked, true
		}
	}
	return "", false
}

// sure returns how many marks s holds of what has a sure form.
func sure(s string, mail bool) int {
	n := strings.Count(s, ip) + strings.Count(s, nationalID)
	if mail {
		n += strings.Count(s, email)
	}
	return n
}
