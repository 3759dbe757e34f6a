// Package scrub puts marks in the place of personal data in texts that strangers
// send, before anything else sees them. What it finds is what machines can tell:
// mail addresses, internet addresses, telephone numbers, national identity numbers,
// payment cards, the keys of machines, and the queries of URLs. It can't find
// names of people, street addresses and other things that only a reader recognises.
//
// It looks at a copy from which every encoding is taken, layer by layer. A text
// whose copy holds nothing is returned as it came.
//
// Where a text may be either, it is taken for personal data if that is the more
// likely, and left alone if a report would lose pages or search terms by it.
package scrub

import (
	"math"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/fotspor/fotspor/hit"
)

// The marks. They hold nothing that is looked for, so that they outlive another
// scrubbing.
const (
	ip         = "[ip]"
	email      = "[email]"
	nationalID = "[national-id]"
	phone      = "[phone]"
	token      = "[token]"
	encoded    = "[encoded]" // a whole text in too many layers of encoding
)

// marks are all of them, and the one that the rules of a site leave.
var marks = [...]string{ip, email, nationalID, phone, token, encoded, "[*]"}

// kinds name the marks in the order of marks.
var kinds = [len(marks)]string{"ip", "email", "national_id", "phone", "token", "encoded", "path_rule"}

// Kinds returns what Marks tells apart.
func Kinds() []string { return kinds[:] }

// Marks calls found for each mark in s.
func Marks(s string, found func(kind string)) {
	for i, m := range marks {
		for range strings.Count(s, m) {
			found(kinds[i])
		}
	}
}

// Bounds of the work that one text may be.
const (
	// MaxText is how many bytes of a text are read. The rest is dropped, and with it
	// what the cut may have split.
	MaxText = 8<<10 - 4

	tail     = 128         // bytes before the cut that may be a part of something
	levels   = 32          // layers of encoding
	maxInner = 2 * MaxText // bytes of a layer: some characters stand for eighteen
	passes   = 8           // over one layer, as a mark may lay open something beside it
)

// Scrubber scrubs the texts of one hit. The zero Scrubber knows of no sender. It is
// safe for concurrent use.
type Scrubber struct {
	// Sender is the address that the hit came from. It is marked in every spelling
	// that is in use, however short or unlikely: of others only those that can't be
	// taken for something else.
	Sender hit.Addr

	// Memory is what other Scrubbers have learnt; nil: nothing.
	Memory *Memory
}

// kind is what a text is.
type kind int

const (
	freeText kind = iota
	pagePath
	hostName
)

// Text returns s with a mark in the place of each piece of personal data. It is
// for what people and scripts write freely: search terms, fields of events,
// titles, values of query parameters and of campaigns. A number of eight digits is
// a telephone number in it, unless it reads as a date, a year or a price. URLs lose
// user, query and fragment.
//
// Text(Text(s)) is Text(s). The result is valid UTF-8 where s is, and at most four
// times as long. The time is linear in the length of s, of which at most MaxText
// bytes are read. Where there is nothing to mark s itself is returned, and for most
// texts nothing allocated.
func (s Scrubber) Text(text string) string { return s.scrub(text, freeText) }

// Path is Text for the decoded path of a page, or its host and path. Slashes stay
// where they are. A number of eight digits in one go is a telephone number in it only
// if it begins with 4 or 9, as mobiles do: the others are far more often ids of pages.
// The result is in Unicode's normal form C.
func (s Scrubber) Path(path string) string {
	if !isASCII(path) {
		path = norm.NFC.String(path)
	}
	return s.scrub(path, pagePath)
}

// Host is Text for the name of a host, in which hyphens part the numbers of an
// address, too.
func (s Scrubber) Host(host string) string { return s.scrub(host, hostName) }

// Value returns v and true, or 0 and false where the number is that of a person: a
// national identity number, also without zeros at its begin and end and with a full stop
// behind its date, a payment card, a telephone number or the sender's address. A number
// with a decimal point is no telephone, and a multiple of 500 of eight digits is a sum of
// money or a size.
func (s Scrubber) Value(v float64) (float64, bool) {
	if size := math.Abs(v); size < 1e6 && v == math.Trunc(v) || size < 1e-11 || size > 1e19 {
		return v, true // as nearly all are
	}
	text := strings.TrimPrefix(strconv.FormatFloat(v, 'f', -1, 64), "-")
	whole, fraction, _ := strings.Cut(text, ".")
	for _, n := range []string{whole, "0" + whole, broken(whole, fraction)} {
		if checked(n) != n {
			return 0, false
		}
	}
	for _, n := range []string{text, whole + fraction, "0" + whole + fraction} {
		if s.own(n) != n {
			return 0, false
		}
	}
	if sum := len(whole) == 8 && math.Mod(v, 500) == 0; fraction == "" && !sum && phones(whole, true) != whole {
		return 0, false
	}
	return v, true
}

// broken returns the eleven digits of the national identity number that a number with a
// decimal point may have been: one that stands behind the date, or before all of it. A
// number has at most two zeros at its end, or all sums of money with two decimals might
// be one. It returns "" if it can't be.
func broken(whole, fraction string) string {
	const zeros = "00"
	at := 6 - len(whole)
	if whole == "0" {
		at, whole = 0, ""
	}
	digits := 11 - at - len(whole) // behind the point
	if at < 0 || at > 1 || len(fraction) > digits || len(fraction) < digits-len(zeros) {
		return ""
	}
	return zeros[:at] + whole + fraction + zeros[:digits-len(fraction)]
}

// Text, Path and Host are those of a Scrubber that knows of no sender.
func Text(s string) string    { return Scrubber{}.Text(s) }
func Path(path string) string { return Scrubber{}.Path(path) }
func Host(host string) string { return Scrubber{}.Host(host) }

// scrub marks what a text holds in any of its layers. What is returned is the
// innermost layer that held something, with its marks.
func (s Scrubber) scrub(text string, as kind) string {
	cut := len(text) > MaxText
	if cut {
		text = Cut(text, MaxText)
	}
	found := look(text)
	if found == (traces{}) && !cut {
		return text
	}
	if s.Memory.knows(text, as) {
		return text
	}
	w := work{Scrubber: s, as: as}
	best, guessed, done := w.peel(text, found, false)
	// An outer layer may show a part of what an inner one shows whole; and what follows
	// a sign by chance is gone once it is decoded. Whichever way finds more is right.
	if guessed && done {
		if each, _, ok := w.peel(text, found, true); !ok || countMarks(each) > countMarks(best) {
			best, done = each, ok
		}
	}
	switch {
	case !done && as == pagePath:
		return "/" + encoded
	case !done:
		return encoded
	case cut, len(best) > MaxText: // or of many bytes that are no UTF-8
		return Cut(best, max(min(len(best), MaxText)-tail, 0))
	case best == text && !w.personal:
		s.Memory.keep(text, as)
	}
	return best
}

// work is one text being scrubbed.
type work struct {
	Scrubber
	as       kind
	personal bool // what is found depends on the sender
}

// peel takes one layer after the other off a text, and marks what it finds: in the
// innermost one, or in each of those that may not have been a layer, on its way. guessed
// says that there was such a one. done is false if there is no end of them.
func (w *work) peel(text string, found traces, each bool) (best string, guessed, done bool) {
	best = text
	stripped := false
	for range levels {
		inner, harmless := decode(text)
		if inner != text && found.url {
			// A URL ends where it ends in the layer in which it stands: what decoding
			// makes a space of belongs to it.
			if bare := urls(text, w.as, w.as != pagePath || found.inner); bare != text {
				was := found.inner
				stripped, text, found = true, bare, look(bare)
				found.inner = was
				inner, harmless = decode(text)
			}
		}
		if inner == text || each && !harmless {
			marked, ok := w.mark(text, found)
			if !ok {
				return text, guessed, false
			}
			if marked != text || stripped {
				best, text = marked, marked
				inner, _ = decode(text)
			}
			if inner == text {
				return best, guessed, true
			}
		}
		if len(inner) > maxInner {
			return text, guessed, false
		}
		guessed = guessed || !harmless
		text, found = inner, look(inner)
		found.inner = true
	}
	return text, guessed, false
}

// countMarks returns how many marks s holds.
func countMarks(s string) (n int) {
	for i := range len(s) {
		if s[i] == '[' && markAt(s[i:]) {
			n++
		}
	}
	return n
}

// Unmark returns s with round brackets around what would read as a mark, hit.Others or
// hit.Erased, that the program itself has left: it is for texts as they were sent.
func Unmark(s string) string {
	if strings.IndexByte(s, '[') < 0 {
		return s
	}
	return unmark.Replace(s)
}

var unmark = func() *strings.Replacer {
	var pairs []string
	for _, m := range append(marks[:], hit.Others, hit.Erased) {
		pairs = append(pairs, m, "("+m[1:len(m)-1]+")")
	}
	return strings.NewReplacer(pairs...)
}()

// HasMark reports whether s holds a mark.
func HasMark(s string) bool { return strings.IndexByte(s, '[') >= 0 && countMarks(s) > 0 }

// markAt reports whether s begins with a mark.
func markAt(s string) bool {
	for _, m := range marks {
		if strings.HasPrefix(s, m) {
			return true
		}
	}
	return false
}

// mark looks at one layer until it finds nothing more. done is false if that takes
// too long.
func (w *work) mark(text string, found traces) (marked string, done bool) {
	for range passes {
		marked := w.pass(text, found)
		if marked == text {
			return text, true
		}
		inner := found.inner
		text, found = marked, look(marked)
		found.inner = inner
	}
	return text, false
}

// pass looks for one kind after the other. The order matters: the local part of
// a mail address may be a telephone number, and a key may hold any number.
func (w *work) pass(text string, found traces) string {
	if found.url {
		text = urls(text, w.as, w.as != pagePath || found.inner)
	}
	if found.at {
		text = spokenMails(mails(text))
	}
	if found.address {
		text = addresses(text, w.as)
	}
	if (found.digits >= 4 || found.long) && mayBeOwn(text) {
		w.personal = true
		text = w.own(text)
	}
	if found.keyword {
		text = secrets(text, w.as)
	}
	if found.key {
		text = tokens(text)
	}
	if found.digits >= 8 {
		text = phones(checked(text), w.as != freeText)
	}
	return text
}

// traces says what a text may hold. Without a trace it does not hold it.
type traces struct {
	code    bool // something that may be an encoding
	at      bool // an at sign
	url     bool // what a URL or a query begins with
	address bool // two colons, or two short numbers with signs behind them
	keyword bool // a word that keys stand behind
	key     bool // a stretch of letters and digits that words do not have
	long    bool // eight hexadecimal digits in one go
	digits  int  // all of them, from 4
	inner   bool // an encoding is taken off already
}

// look reads s once for traces, stretch by stretch of letters and digits. Most
// texts have none.
func look(s string) (found traces) {
	start, colons, numbers := 0, 0, 0
	some, every := byte(0), byte(0xff)
	for i := 0; ; i++ {
		var c byte
		if i < len(s) {
			c = class[s[i]]
			found.digits += int(c & digit)
			if c&alnum != 0 {
				some, every = some|c, every&c
				continue
			}
		}
		n := i - start
		if n >= 3 && !found.keyword && some&letter != 0 {
			found.keyword = mayBeKeyword(s, start, i)
		}
		if n >= 4 && some&digit != 0 && some&letter != 0 {
			found.key = found.key || i < len(s) && isGroupSign(s[i]) || start > 0 && isGroupSign(s[start-1])
		}
		if 7 <= n && n <= 16 && i < len(s) && s[i] == '.' && some&digit != 0 && some&letter != 0 {
			found.address = true // in the name of a host
		}
		if n >= 6 {
			joint := i < len(s) && isJoint(s[i]) || start > 0 && isJoint(s[start-1])
			found.key = found.key || n >= 16 || n >= 12 && every&hex != 0 || n >= 10 && some&letter == letter ||
				joint && some&digit != 0 && some&letter != 0
			found.long = found.long || n >= 8 && (every&hex != 0 || some&digit != 0)
		}
		if i >= len(s) {
			break
		}
		if 0 < n && n <= 4 && every&hex != 0 && (isJoint(s[i]) || s[i] == '.') {
			numbers++
			found.address = found.address || numbers == 2
		}
		switch s[i] {
		case '@':
			found.at = true
		case ':':
			colons++
			found.address = found.address || colons == 2
		case '/':
			found.url = found.url || i+1 < len(s) && class[s[i+1]]&slash != 0
		case '?', '#':
			found.url = true
		case '%':
			found.code, found.url = true, true
		case '\\':
			found.code, found.url = true, found.url || i+1 < len(s) && class[s[i+1]]&slash != 0
		case '(', '[', '{':
			found.at = found.at || i+3 < len(s) && s[i+1]|0x20 == 'a' && s[i+2]|0x20 == 't'
		case 0xc3: // the first byte of æ, ø, å and é
			found.code = true
			found.at = found.at || strings.HasPrefix(s[i:], "øllalfa")
			if n < 3 && i+2 < len(s) && !found.keyword { // behind more, mayBeKeyword has read on
				end := run(s, i+2, alnum)
				found.keyword = end-start > 2 && mayBeKeyword(s, start, end)
			}
		default:
			found.code = found.code || c == code
		}
		start, some, every = i+1, 0, 0xff
	}
	if found.digits < 4 {
		found.digits = 0
	}
	if colons > 0 && strings.Contains(s, "data:") {
		found.url = true
	}
	return found
}

// Cut returns at most limit bytes of s, cut between characters. It splits no mark,
// and no number, of which a part may read as another one: a mark at the end stays, in
// place of the text before it.
func Cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := limit
	for end > 0 && s[end]&0xc0 == 0x80 {
		end--
	}
	if open := strings.LastIndexByte(s[:end], '['); open >= 0 {
		for _, m := range marks {
			if !strings.HasPrefix(s[open:], m) || open+len(m) <= end {
				continue
			}
			if len(m) > limit {
				return ""
			}
			return Cut(s[:open], limit-len(m)) + m
		}
	}
	if digitAt(s, end) {
		start := end
		for start > 0 && end-start < 20 && class[s[start-1]]&digit != 0 {
			start--
		}
		if end-start < 20 {
			end = start
		}
	}
	return s[:end]
}

// isASCII reports whether s has no byte outside ASCII.
func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
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
	if e.to == nil {
		return e.s
	}
	return string(append(e.to, e.s[e.last:]...))
}
