package scrub

import (
	"bytes"
	"slices"
	"strings"
)

// keyword is a word that keys stand behind, in the paths of pages and in the names of
// parameters: in English, bokmål and nynorsk.
// Other words begin with a stem, and longer ones hold one of five letters and more.
type keyword struct {
	text string
	rank rank
}

// rank says how sure it is that what stands behind a keyword is a key.
type rank int

const (
	none  rank = iota
	loose      // where it mixes letters and digits: sections of websites are called so
	firm       // where it is not clearly a word
	named      // as the value of a parameter, always; else as firm
)

// stems are by a hash of their first four letters, words by themselves.
var stems, words = func() (stems [1 << 12][]keyword, words map[string]rank) {
	words = make(map[string]rank)
	for _, of := range []struct {
		rank  rank
		stem  bool
		words string
	}{
		{loose, true, "signup register registr subscri abonn påmeld pamelding paamelding påmelding newsletter nyhetsbrev nyheitsbrev preview forhandsvis"},
		{loose, false, "sso saml oauth auth callback join share deling delt access ticket nøkkel nokkel kode code nonce hash signature signatur key pin " +
			"session sessions sesjon state svar rsvp link lenke"},
		{firm, true, "reset invit verif confirm activat unsubscri recover onetime magic signin login innlogg authenti authoriz authoris autoriser " +
			"autentiser autologin nullstill tilbakestill attendestill bekreft stadfest aktiver avmeld glemt gløymt gloymt engangs eingongs innbyd " +
			"gjenopprett validat valider optin optout"},
		{firm, false, "meldav loggin samtykke bearer"},
		{named, true, "token passw passord passcod passphras secret jsession phpsess sessionid sesjonsid apikey apinøkkel pinkode pincode sikkerhetskode"},
		{named, false, "otp pwd sid passwd credential credentials hemmelighet"},
	} {
		for w := range strings.FieldsSeq(of.words) {
			if !of.stem {
				words[w] = of.rank
				continue
			}
			h := beginning(w, 0, len(w))
			stems[h] = append(stems[h], keyword{w, of.rank})
		}
	}
	return stems, words
}()

// leads are words that others join to a keyword, without a sign between them.
const leads = "access csrf xsrf refresh bearer client user new forgot forget lost change set email mail epost bruker brukar konto account mobil sms two"

// beginnings has a bit for how each keyword and lead begins, so that nearly all words
// are settled by one look.
var beginnings = func() (bits [1 << 12]bool) {
	for h := range stems {
		bits[h] = len(stems[h]) > 0
	}
	for w := range words {
		bits[beginning(w, 0, len(w))] = true
	}
	for _, w := range []string{"opt", "api", "log", "one"} { // of words with a hyphen
		bits[beginning(w, 0, len(w))] = true
	}
	for w := range strings.FieldsSeq(leads) {
		for next := byte('a'); next <= 'z'; next++ { // of a lead of three letters, and its keyword
			joined := w + string(next)
			bits[beginning(joined, 0, len(joined))] = true
		}
	}
	return bits
}()

// beginning is a hash of the first four letters of s[start:end], or of three.
func beginning[T string | []byte](s T, start, end int) int {
	h := uint32(s[start]|0x20) | uint32(s[start+1]|0x20)<<8 | uint32(s[start+2]|0x20)<<16
	if end-start > 3 {
		h |= uint32(s[start+3]|0x20) << 24
	}
	return int(h * 2654435761 >> 20)
}

// mayBeKeyword reports whether the stretch s[start:end], of three or more, is or holds
// a keyword, or can be the beginning of one.
func mayBeKeyword(s string, start, end int) bool {
	if !beginnings[beginning(s, start, end)] {
		return false
	}
	for end+1 < len(s) && (isJoint(s[end]) && class[s[end+1]]&alnum != 0 || s[end] >= 0x80) {
		end = run(s, end+1, alnum)
	}
	return rankOf(s[start:end]) > none
}

// rankOf says what the word or words of a segment are. The title of an article, of
// four words and more, is none.
func rankOf(segment string) (best rank) {
	var letters [40]byte // without signs, in lower case
	var begins [4]int    // where its words begin, and the last one ends
	n, count := 0, 0
	for i, b := range []byte(segment) {
		if isJoint(b) || b == '.' {
			continue
		}
		if n == len(letters) {
			return none
		}
		if i == 0 || isJoint(segment[i-1]) || segment[i-1] == '.' || class[b]&upper != 0 && class[segment[i-1]]&lower != 0 {
			if count == len(begins)-1 {
				return none
			}
			begins[count] = n
			count++
		}
		if class[b]&upper != 0 {
			b |= 0x20
		}
		letters[n] = b
		n++
	}
	begins[count] = n
	for i := range count {
		best = max(best, words[string(letters[begins[i]:begins[i+1]])])
	}
	if count > 1 {
		best = max(best, words[string(letters[:n])])
	}
	for i := 0; i+4 <= n; i++ {
		for _, k := range stems[beginning(letters[:], i, n)] {
			if k.rank > best && bytes.HasPrefix(letters[i:n], []byte(k.text)) && (len(k.text) >= 5 || slices.Contains(begins[:count], i)) {
				best = k.rank
			}
		}
	}
	return best
}

// isDelimiter reports whether b ends a segment.
func isDelimiter(b byte) bool {
	return b < '0' && class[b]&alnum == 0 && b != '-' && b != '.' && b != '%' && b != '+' && b != '*' && b != '$' && b != '!' ||
		strings.IndexByte(":;<=>?{|}", b) >= 0
}

// reach is for how many segments of a path a keyword speaks: Django writes
// /reset/MQ/bx7k2-….
const reach = 2

// secrets marks what stands behind a keyword: the next segments of a path, the value
// of a parameter, and the rest of a segment that the keyword begins.
func secrets(s string) string {
	e := edit{s: s}
	left, level, sign := 0, none, byte(0)
	for i := 0; i < len(s); {
		if isDelimiter(s[i]) {
			switch s[i] {
			case '/', '=', ':':
				sign = s[i]
			case ' ':
			default:
				left = 0
			}
			i++
			continue
		}
		end := i
		for end < len(s) && !isDelimiter(s[end]) {
			end++
		}
		segment := s[i:end]
		left--
		switch {
		case countMarks(segment) > 0:
		case left >= 0 && isKey(segment, level, sign):
			e.mark(i, end, token)
		case left >= 0 && isYear(segment):
			left = 0 // the number of a case follows
		default:
			if r := rankOf(segment); r > none {
				left, level = reach, r
				if from := trailing(segment); from > 0 {
					e.mark(i+from, end, token)
				}
			}
		}
		i, sign = end, 0
	}
	return e.text()
}

// isKey reports whether a segment is a key behind a keyword of a rank; sign is what
// stands between them, 0 for a space.
func isKey(segment string, level rank, sign byte) bool {
	switch {
	case isOrganisation(segment):
		return false
	case sign == '=' && level == named:
		return true
	case sign == 0 && level == loose:
		return false
	case sign == 0 || level == loose:
		return isMixed(segment)
	}
	return !isPlain(segment)
}

// isMixed reports whether a segment has letters among digits as no word has them.
func isMixed(segment string) bool {
	some, known := byte(0), 0
	for i := 0; i < len(segment); {
		end := run(segment, i, alnum)
		if end == i {
			i++
			continue
		}
		for _, b := range []byte(segment[i:end]) {
			some |= class[b]
		}
		known += explained(segment[i:end])
		i = end
	}
	return len(segment) >= 6 && some&digit != 0 && some&letter != 0 && 2*known < len(segment) && !isPlain(segment)
}

// trailing returns where in a segment that begins with a keyword the key behind it
// begins, 0 if there is none.
func trailing(segment string) int {
	for i := 1; i < len(segment); i++ {
		if isJoint(segment[i-1]) && rankOf(segment[:i-1]) >= firm && isMixed(segment[i:]) {
			return i
		}
	}
	return 0
}

// isOrganisation reports whether a segment is the number of a Norwegian organisation:
// nine digits from 8 or 9 on, the last of which checks the others, see
// https://www.brreg.no/en/about-us-2/our-registers/about-the-central-coordinating-register-for-legal-entities-ccr/about-the-organisation-number/.
func isOrganisation(n string) bool {
	return len(n) == 9 && digits(n, 0) == 9 && n[0] >= '8' && weigh([]byte(n), 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0
}
