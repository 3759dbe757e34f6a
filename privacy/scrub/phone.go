package scrub

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// left is what stands before a number.
type left struct {
	word   bool // a letter or digit
	digits int  // as many digits
	linked int  // as many digits and a sign that links numbers, as in 1.16543210
}

// phones marks telephone numbers. Digits that a sign links with others are parts
// of dates, versions, prices or codes, and are left alone, and so are those behind
// letters, unless these say that they are a telephone.
func phones(s string, path bool) string {
	e := edit{s: s}
	var before left
	for i := 0; i < len(s); {
		c, n := next(s, i)
		switch {
		case c == '+' && !before.word:
			if to := international(s, i+n, false); to > 0 {
				e.mark(bracketed(s, e.last, i, to), to, phone)
				i, before = to, left{}
				continue
			}
			before = left{}
		case class[s[i]]&alnum != 0:
			end, ok := i, false
			if class[s[i]]&digit != 0 && !before.word {
				end, ok = number(s, i, before.linked, path)
				if to := digits(s, i); !ok && to == i+8 && isSubscriber(s[i], true) && !isRound(s[i:to]) && isNameLike(s[to:run(s, to, letter)]) && !wordAt(s, run(s, to, letter)) {
					end, ok = to, true // 91234567kari
				}
			} else if letters := run(s, i, letter); digitAt(s, letters) {
				switch to := digits(s, letters); {
				case isPhoneWord(s[i:letters]):
					if end, ok = number(s, letters, 0, false); ok {
						i = letters
					}
				case to == letters+8 && isSubscriber(s[letters], true) && !before.word && isNameLike(s[i:letters]) && ends(s, to, 8):
					i, end, ok = letters, to, true // kari91234567
				}
			}
			if ok && !isPrice(s, i, end) {
				e.mark(bracketed(s, e.last, i, end), end, phone)
				i, before = end, left{}
				continue
			}
			end = run(s, end, alnum)
			before = left{word: true, digits: lastDigits(s, i, end)}
			n = end - i
		case isLink(c):
			before = left{linked: before.digits}
		default:
			before = left{word: isWord(c)}
		}
		i += n
	}
	return e.text()
}

// isPhoneWord reports whether letters say that a telephone number follows.
func isPhoneWord(letters string) bool {
	if len(letters) > 24 {
		return false
	}
	letters = strings.ToLower(letters)
	if letters == "fon" || letters == "nummer" {
		return true
	}
	for _, w := range []string{"tel", "tlf", "mob", "phone", "ring", "sms", "call", "fax", "whatsapp", "msisdn"} {
		if strings.Contains(letters, w) {
			return true
		}
	}
	return false
}

// isNameLike reports whether letters glued to a mobile number may be a name rather than
// the kind of thing that the number is of.
func isNameLike(letters string) bool {
	if len(letters) < 4 || len(letters) > 24 || !isWordlike(letters) {
		return false
	}
	letters = strings.ToLower(letters)
	return !slices.ContainsFunc(things, func(w string) bool { return strings.HasPrefix(letters, w) || strings.HasSuffix(letters, w) })
}

// things are nouns that are numbered, so that a number behind one is no telephone.
var things = strings.Fields("dokument document artikkel article sak node page side produkt product vare item bilde image foto photo file versjon version ordre order faktura " +
	"invoice nummer number konto journal arkiv bygg plan kart vedlegg rapport report post melding oppgave tilbud avtale bruker user kunde customer referanse innhold content " +
	"element asset video case ticket issue bilag kurs event stilling annonse bolig eiendom skjema kroner million avis release build http item code kode organisasjon enhet")

// numberWords stand before a telephone number, with a sign between.
var numberWords = strings.Fields("tel tlf tlfnr telefonnr telefon telefonnummer telefonen mob mobil mobilnr mobilnummer mobiltelefon phone telephone mobile fax faks sms ring call whatsapp msisdn")

// isCalled reports whether the number at s[i] stands behind a word that says that it is
// a telephone's.
func isCalled(s string, i int) bool { return isBehind(s, i, numberWords...) }

// isBehind reports whether what begins at s[i] stands behind one of words, with signs
// between.
func isBehind(s string, i int, words ...string) bool {
	before := strings.TrimRight(s[max(0, i-24):i], " ./-_:=")
	if len(before) == i-max(0, i-24) {
		return false
	}
	start := len(before)
	for start > 0 && (class[before[start-1]]&letter != 0 || before[start-1] >= 0x80) {
		start--
	}
	return start < len(before) && slices.Contains(words, strings.ToLower(before[start:]))
}

// isRound reports whether eight digits are some millions.
func isRound(n string) bool { return strings.HasSuffix(n, "000000") }

// patterns are how the eight digits of a mobile number are grouped, with the signs that
// may stand between, besides those that number reads anyway.
var patterns = [...]struct {
	sizes []int
	signs string // one of them between each two groups
	wide  bool   // or spaces with a bracket or a hyphen, at most three signs in all
	path  bool   // in paths, too
}{
	{[]int{3, 2, 3}, "/", true, true}, {[]int{3, 3, 2}, "/", true, true}, {[]int{2, 2, 2, 2}, "/", false, false},
	{[]int{5, 3}, "-", false, true}, {[]int{6, 2}, "-", false, true}, {[]int{4, 4}, ".", false, false},
	{[]int{1, 1, 1, 1, 1, 1, 1, 1}, " -.", false, true},
}

// scattered returns the end of the mobile number at s[i] that is grouped by one of
// patterns, 0 if there is none.
func scattered(s string, i int, path bool) int {
	if !isSubscriber(s[i], true) {
		return 0
	}
	first := digits(s, i) - i
	if first > 6 {
		return 0
	}
	for _, p := range patterns {
		if p.sizes[0] != first || path && !p.path {
			continue
		}
		group, end := i, 0
		for n, size := range p.sizes {
			if end = digits(s, group); end != group+size {
				end = 0
				break
			}
			if n == len(p.sizes)-1 {
				break
			}
			group = end
			for group < len(s) && group-end < 3 && strings.IndexByte(p.signs, s[group]) >= 0 && !(path && s[group] == '/') {
				group++
			}
			if group-end != 1 {
				group = end
				for p.wide && group < len(s) && group-end < 4 && strings.IndexByte(" -()", s[group]) >= 0 {
					group++
				}
			}
			if group == end || group-end > 3 {
				end = 0
				break
			}
		}
		if end > 0 && !wordAt(s, end) && (end+1 >= len(s) || strings.IndexByte(" -./", s[end]) < 0 || !digitAt(s, end+1)) {
			return end
		}
	}
	return 0
}

// swedish returns the end of the Swedish mobile number at s[i], which is written as
// 070-123 45 67, 0 if there is none.
func swedish(s string, i int) int {
	if i+3 > len(s) || s[i:i+2] != "07" || strings.IndexByte("02369", s[i+2]) < 0 || digits(s, i) != i+3 {
		return 0
	}
	group := i + 3
	for _, size := range [...]int{3, 2, 2} {
		sep, start := separator(s, group)
		if sep != ' ' && sep != '-' || digits(s, start) != start+size {
			return 0
		}
		group = start + size
	}
	if !ends(s, group, 2) {
		return 0
	}
	return group
}

// lastDigits returns how many digits s[i:end] ends with.
func lastDigits(s string, i, end int) int {
	n := 0
	for end-n > i && class[s[end-n-1]]&digit != 0 {
		n++
	}
	return n
}

// isLink reports whether c makes one of two numbers.
func isLink(c rune) bool {
	return c < utf8.RuneSelf && strings.IndexByte(".,:-_", byte(c)) >= 0 || '\u2010' <= c && c <= '\u2013'
}

// links reports whether a link makes one thing of two numbers of so many digits,
// 0 if there is none. Between two of eight it makes a list.
func links(digits, others int) bool { return others > 0 && (digits != 8 || others != 8) }

// ends reports whether the number of n digits that ends before s[i] ends there.
func ends(s string, i, n int) bool {
	if i == len(s) {
		return true
	}
	c, size := next(s, i)
	if isLink(c) {
		return !links(n, digits(s, i+size)-i-size)
	}
	return !isWord(c)
}

// number returns the end of the telephone number at s[i], which linked digits
// stand before, or how far nothing is one. The second result says which.
func number(s string, i, linked int, path bool) (int, bool) {
	end := digits(s, i)
	n := end - i
	if to := isbn(s, i); to > 0 {
		return to, false
	}
	if links(n, linked) {
		return end, false
	}
	if to := prefixed(s, i, end); to > 0 {
		return to, true
	}
	if to := spaced(s, i); to > 0 {
		return to, true
	}
	if to := scattered(s, i, path); to > 0 {
		return to, true
	}
	if to := swedish(s, i); to > 0 {
		return to, true
	}
	switch n {
	case 2:
		return pairs(s, i)
	case 3:
		if to := threes(s, i, 2, 3); to > 0 {
			return to, true
		}
		if to := threes(s, i, 3, 2); to > 0 {
			return to, true
		}
	case 4:
		return fours(s, i)
	case 8:
		if ends(s, end, n) && isBare(s, i, path) {
			return end, true
		}
	case 10:
		if s[i:i+2] == "47" && ends(s, end, n) && isSubscriber(s[i+2], path) {
			return end, true
		}
	}
	return end, false
}

// prefixed returns the end of the number at s[i] that its country's code is part
// of: after 00, after a space at the very start of the text, which was a plus, or
// 47 by itself. 0 if there is none.
func prefixed(s string, i, end int) int {
	switch {
	case strings.HasPrefix(s[i:], "00") && end > i+2:
		if s[i+2] == '1' && end == i+13 && (isEAN(s[i:end]) || isBehind(s, i, "kid")) {
			return 0 // of a product, or of a payment
		}
		return international(s, i+2, true)
	case s[i:end] == "00":
		if sep, group := separator(s, end); sep == ' ' {
			return international(s, group, true)
		}
	case i == 1 && s[0] == ' ':
		return international(s, i, true)
	case s[i:end] == "47":
		_, group := separator(s, end)
		if group == 0 {
			return 0
		}
		if to := digits(s, group); to-group == 8 && ends(s, to, 8) && isSubscriber(s[group], false) {
			return to
		}
		if to := threes(s, group, 2, 3); to > 0 {
			return to
		}
		if to := threes(s, group, 3, 2); to > 0 {
			return to
		}
		to, ok := fours(s, group)
		if !ok {
			return 0
		}
		return to
	}
	return 0
}

// maxDigits is the most digits of a telephone number with its country's code, by
// ITU-T E.164.
const maxDigits = 15

// international returns the end of the number at s[i] that begins with the code of
// its country, 0 if there is none. After a plus, eight digits do; unsure of one, it
// wants ten, and the length that numbers of the country have.
func international(s string, i int, unsure bool) int {
	least, exactly := 8, 0
	if unsure {
		least = 10
	}
	i = bracket(s, i)
	if i == len(s) || s[i] == '0' {
		return 0
	}
	switch {
	case strings.HasPrefix(s[i:], "47"):
		exactly = 10
	case unsure && (s[i] == '1' || s[i] == '7'): // North America, Russia and Kazakhstan
		exactly = 11
	}
	best := 0
	for n := 0; ; {
		end := digits(s, i)
		n += end - i
		if end == i || n > maxDigits || wordAt(s, end) {
			return best
		}
		if n == exactly {
			return end
		}
		if n >= least && (exactly == 0 || !unsure) {
			best = end
		}
		i = bracket(s, end)
	}
}

// bracket skips what may stand between groups of an international number: at most
// three spaces, hyphens, underscores, full stops and parentheses.
func bracket(s string, i int) int {
	for range 3 {
		if i == len(s) {
			break
		}
		c, n := next(s, i)
		switch c {
		case ' ', '+', '\u00a0', '\u2009', '\u202f', '-', '\u2010', '\u2011', '\u2012', '\u2013', '_', '.', '(', ')':
			i += n
		default:
			return i
		}
	}
	return i
}

// bracketed takes the parenthesis of (+47) into the number s[from:to].
func bracketed(s string, last, from, to int) int {
	if from > last && s[from-1] == '(' && strings.IndexByte(s[from:to], ')') >= 0 && strings.IndexByte(s[from:to], '(') < 0 {
		return from - 1
	}
	return from
}

// pairs reads the pairs of digits from s[i] on: 22 33 44 55, with or without 47
// before. More or fewer of them are no telephone number, nor is any part of them.
func pairs(s string, i int) (end int, ok bool) {
	end = i + 2
	if wordAt(s, end) {
		return end, false
	}
	sep, group := separator(s, end)
	if sep == 0 || sep == '.' {
		return end, false
	}
	n := 1
	for c := sep; c == sep && digits(s, group)-group == 2 && !wordAt(s, group+2); n++ {
		end = group + 2
		c, group = separator(s, end)
	}
	if n%4 == 1 && s[i:i+2] == "47" {
		n--
	}
	return end, n > 0 && n%4 == 0 && s[i] >= '2' && ends(s, end, 2)
}

// spaced returns the end of the mobile number at s[i] that is written as 912 34567,
// 91234 567 or 91 23 4567, 0 if there is none.
func spaced(s string, i int) int {
	if !isSubscriber(s[i], true) {
		return 0
	}
	for _, sizes := range [...][]int{{3, 5}, {5, 3}, {2, 2, 4}} {
		group, end := i, 0
		for n, size := range sizes {
			if end = digits(s, group); end != group+size {
				end = 0
				break
			}
			sep, following := separator(s, end)
			if last := n == len(sizes)-1; last != (following == 0) || !last && sep != ' ' {
				end = 0
				break
			}
			group = following
		}
		if end > 0 && !wordAt(s, end) {
			return end
		}
	}
	return 0
}

// threes returns the end of the number at s[i] that is three digits and two groups of
// so many more, as in 912 34 567 and 912 345 67, 0 if there is none.
func threes(s string, i, middle, last int) int {
	end := i + 3
	if digits(s, i) != end || s[i] < '2' {
		return 0
	}
	sep, second := separator(s, end)
	if sep == 0 || digits(s, second) != second+middle || sep == '.' && last == 2 && !isSubscriber(s[i], true) {
		return 0
	}
	again, third := separator(s, second+middle)
	if again != sep || digits(s, third) != third+last || !ends(s, third+last, last) {
		return 0
	}
	return third + last
}

// fours reads the groups of four digits from s[i] on: 9123 4567. More of them are no
// telephone number, nor are two years, or a range of postal codes.
func fours(s string, i int) (end int, ok bool) {
	end = digits(s, i)
	sep, group := separator(s, end)
	if sep == 0 || end != i+4 {
		return end, false
	}
	n, second := 1, group
	for c := sep; c == sep && digits(s, group)-group == 4; n++ {
		end = group + 4
		c, group = separator(s, end)
	}
	if n != 2 || group > 0 || !ends(s, end, 4) || wordAt(s, end) || s[i] < '2' || s[i:i+2] == "20" {
		return end, false
	}
	switch sep {
	case '-', '_':
		return end, isSubscriber(s[i], true) && !isYear(s[second:end]) && !(s[i] == s[second] && s[i:i+4] < s[second:end])
	case '.':
		return end, false
	}
	return end, true
}

// isSubscriber reports whether a Norwegian number of eight digits can begin so.
func isSubscriber(b byte, mobile bool) bool {
	if mobile {
		return b == '4' || b == '9'
	}
	return b >= '2'
}

// isBare reports whether the eight digits at s[i], by themselves, are a telephone
// number.
func isBare(s string, i int, path bool) bool {
	n := s[i : i+8]
	if isRound(n) {
		return false
	}
	if path && !isCalled(s, i) {
		return isSubscriber(n[0], true)
	}
	// No Norwegian number begins with 20; years, sessions and case numbers do.
	return isSubscriber(n[0], false) && n[:2] != "20" && !isDate(n)
}

// isDate reports whether eight digits read as day, month and year. No telephone
// number begins with a year of ours.
func isDate(n string) bool {
	return (n[4:6] == "19" || n[4:6] == "20") && isDay(two(n), two(n[2:]), two(n[6:]))
}

// isPrice reports whether the digits s[i:end] are an amount of money.
func isPrice(s string, i, end int) bool {
	before := strings.TrimRight(s[max(0, i-6):i], " .-_")
	for _, unit := range []string{"kr", "nok", "€", "$", "£"} {
		start := len(before) - len(unit)
		if start >= 0 && strings.EqualFold(before[start:], unit) && (start == 0 || !isWord(rune(before[start-1]))) {
			return true
		}
	}
	after := s[end:]
	if strings.HasPrefix(after, ",-") {
		return true
	}
	after = strings.TrimPrefix(after, " ")
	for _, unit := range []string{"kr", "kroner", "nok", "€"} {
		if len(after) >= len(unit) && strings.EqualFold(after[:len(unit)], unit) && !wordAt(after, len(unit)) {
			return true
		}
	}
	return false
}

// isEAN reports whether the last of 13 digits is the check digit of GS1.
func isEAN(n string) bool {
	sum := 0
	for i := range len(n) {
		sum += int(n[i]-'0') * (1 + i%2*2)
	}
	return sum%10 == 0
}

// isbn returns the end of the number of a book at s[i], 0 if there is none: its
// groups can read as a telephone number.
func isbn(s string, i int) int {
	if !strings.HasPrefix(s[i:], "978") && !strings.HasPrefix(s[i:], "979") {
		return 0
	}
	n, sum := 0, 0
	for group := i; ; {
		end := digits(s, group)
		if n+end-group > 13 {
			return 0
		}
		for _, b := range []byte(s[group:end]) {
			sum += int(b-'0') * (1 + n%2*2)
			n++
		}
		if n == 13 {
			if sum%10 == 0 && !wordAt(s, end) {
				return end
			}
			return 0
		}
		if _, group = separator(s, end); group == 0 {
			return 0
		}
	}
}
