// Package scrub puts marks in the place of personal data in texts that strangers
// send, before anything else sees them. What it finds is what machines can tell:
// mail addresses, telephone numbers, Norwegian national identity numbers, payment
// cards and the keys of machines. Names of people, street addresses and whatever
// else takes a reader to recognise it can't find.
//
// Where a text may be either, it is taken for personal data if that is the more
// likely, and left alone if a report would lose pages or search terms by it.
package scrub

import "strings"

// The marks. They hold nothing that is looked for, so that they outlive another
// scrubbing.
const (
	email      = "[email]"
	nationalID = "[national-id]"
	phone      = "[phone]"
	token      = "[token]"
)

// Text returns s with a mark in the place of each piece of personal data. It is
// for what people and scripts write freely: search terms, fields of events,
// titles, values of query parameters and of campaigns. A number of eight digits is
// a telephone number in it, unless it reads as a date, a year or a price.
//
// Text(Text(s)) is Text(s). Valid UTF-8 stays valid; the result is at most four
// times as long as s. The time is linear in the length of s, and where there is
// nothing to mark s itself is returned and nothing allocated. It is safe for
// concurrent use.
func Text(s string) string { return scrub(s, false) }

// Path is Text for the decoded path of a page, in which escapes such as %F8 may be
// left. Slashes stay where they are. A number of eight digits in one go is a
// telephone number in it only if it begins with 4 or 9, as mobiles do: the others
// are far more often ids of pages.
func Path(path string) string { return scrub(path, true) }

// scrub looks for one kind after the other. The order matters: the local part of
// an address may be a telephone number, and a key may hold any number.
func scrub(s string, path bool) string {
	found := look(s)
	if found.at {
		s = mails(s)
	}
	if found.key {
		s = tokens(s)
	}
	if found.number {
		s = phones(checked(s), path)
	}
	return s
}

// traces says what a text may hold. Without a trace it does not hold it.
type traces struct {
	at     bool // an at sign
	key    bool // a stretch of letters and digits that words do not have
	number bool // enough digits for a telephone number, with no word between
}

// look reads s once for traces, stretch by stretch of letters and digits. Most
// texts have none.
func look(s string) (found traces) {
	start, numbers := 0, 0 // numbers counts digits since the last word or slash
	some, every := byte(0), byte(0xff)
	for i := 0; ; i++ {
		var c byte
		if i < len(s) {
			c = class[s[i]]
		}
		if c&alnum != 0 {
			some, every = some|c, every&c
			continue
		}
		if some&^hex == digit {
			numbers += i - start
			found.number = found.number || numbers >= 8
		} else if some != 0 {
			numbers = 0
		}
		if i-start >= 12 {
			found.key = found.key || mayBeKey(s[start:i], some, every)
		}
		if i == len(s) {
			return found
		}
		if c&sign != 0 {
			c, n := next(s, i)
			found.at = found.at || c == '@'
			i += n - 1
		} else if s[i] == '/' {
			numbers = 0
		}
		start, some, every = i+1, 0, 0xff
	}
}

// mayBeKey reports whether a stretch of at least twelve can be a key or, by its
// end, a UUID; some and every are the classes of any and of all of its bytes.
func mayBeKey(stretch string, some, every byte) bool {
	return len(stretch) >= 16 && some&digit != 0 || every&hex != 0 || strings.HasPrefix(stretch, jsonObject)
}

// edit is a text with marks in the making.
type edit struct {
	s    string
	to   []byte
	last int // end of what is copied to to
}

// mark puts mark in the place of s[from:to].
func (e *edit) mark(from, to int, mark string) {
	if e.to == nil {
		e.to = make([]byte, 0, len(e.s)+len(mark))
	}
	e.to = append(append(e.to, e.s[e.last:from]...), mark...)
	e.last = to
}

// text returns the text with its marks.
func (e *edit) text() string {
	if e.last == 0 {
		return e.s
	}
	return string(append(e.to, e.s[e.last:]...))
}
