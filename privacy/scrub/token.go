package scrub

import (
	"encoding/base64"
	"strings"
)

// jsonObject is how a JSON object begins in base64, and with it every JWT.
const jsonObject = "eyJ"

// tokens marks the keys of machines: UUIDs, hashes, JWTs, session ids, API keys.
// It judges each stretch of letters and digits by itself, and then those that hyphens
// and underscores join.
func tokens(s string) string {
	e := edit{s: s}
	glued := false // a letter outside ASCII stands before s[i]
	for i := 0; i < len(s); {
		if class[s[i]]&alnum == 0 {
			c, n := next(s, i)
			glued = isWord(c)
			i += n
			continue
		}
		end := run(s, i, alnum)
		from, to := i, 0
		if !glued {
			from, to = key(s, e.last, i, end)
			if to == 0 {
				from, to = i, groupedKey(s, i)
				if to > 0 {
					_, to = widen(s, i, i, to)
				}
			}
		}
		if to > 0 {
			e.mark(from, to, token)
			end = to
		} else if end < len(s) && isJoint(s[end]) && !isJoined(s, i) {
			if from, to := joined(s, i); to > 0 {
				e.mark(from, to, token)
				end = to
			}
		}
		i, glued = end, false
	}
	return e.text()
}

// key returns the bounds of the key that the stretch s[i:end] begins or is, to = 0
// if there is none. It looks no further back than last.
func key(s string, last, i, end int) (from, to int) {
	if to := uuid(s, i, end); to > 0 {
		return i, to
	}
	if to := jwt(s, i); to > 0 {
		return i, to
	}
	if to := wrapped(s, i); to > 0 {
		return i, to
	}
	if wordAt(s, end) || !isHash(s[i:end]) && !isSecret(s[i:end]) {
		return 0, 0
	}
	return widen(s, last, i, end)
}

// uuid returns the end of the UUID at s[i], 0 if there is none (RFC 9562). Any one
// sign may part its groups.
func uuid(s string, i, end int) int {
	const length = 36
	if end-i != 8 || i+length > len(s) || wordAt(s, i+length) {
		return 0
	}
	part := s[end]
	for n := range length {
		switch b := s[i+n]; n {
		case 8, 13, 18, 23:
			if b != part {
				return 0
			}
		default:
			if class[b]&hex == 0 {
				return 0
			}
		}
	}
	return i + length
}

// jwt returns the end of the JWT, or of another JSON object in base64, at s[i],
// 0 if there is none. It may be cut off.
func jwt(s string, i int) int {
	if !strings.HasPrefix(s[i:], jsonObject) || run(s, i, alnum) < i+12 {
		return 0
	}
	end := i
	for end < len(s) && (class[s[end]]&alnum != 0 || isJoint(s[end]) || s[end] == '.') {
		end++
	}
	return padded(s, i+len(strings.TrimRight(s[i:end], ".-_")))
}

// wrapped returns the end of the base64 at s[i] that holds a text with an at sign or
// with eight digits, 0 if there is none. Of words hardly one in ten thousand reads as
// text at all.
func wrapped(s string, i int) int {
	end, some := i, byte(0)
	for end < len(s) && end-i < 512 && (class[s[end]]&alnum != 0 || s[end] == '+' || isJoint(s[end])) {
		some |= class[s[end]]
		end++
	}
	if end-i < 10 || some&letter != letter {
		return 0
	}
	var text [384]byte
	for _, alphabet := range [...]*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		n, err := alphabet.Decode(text[:], []byte(s[i:end]))
		if err != nil {
			continue
		}
		numbers, at := 0, false
		for _, b := range text[:n] {
			if b < ' ' || b >= 0x7f {
				n = 0
				break
			}
			numbers += int(class[b] & digit)
			at = at || b == '@'
		}
		if n > 0 && (at || numbers >= 8) {
			return padded(s, end)
		}
	}
	return 0
}

// padded takes the padding of base64 with it.
func padded(s string, end int) int {
	for n := 0; n < 2 && end < len(s) && s[end] == '='; n++ {
		end++
	}
	return end
}

// isHash reports whether a stretch is a hash or id in hexadecimal digits.
func isHash(stretch string) bool {
	if len(stretch) < 16 || !isHex(stretch) {
		return false
	}
	return len(stretch) >= 32 || strings.ContainsAny(stretch, "0123456789") && strings.Trim(stretch, "0123456789") != ""
}

// isSecret reports whether a stretch of 16 or more reads as if drawn by lot: less than
// half of it are words and longer numbers, or two thirds where short numbers stand amid
// letters. Letters alone are judged by their pairs, capitals more strictly and from 14 on;
// what holds a number of eight digits, as the names of files do.
func isSecret(stretch string) bool {
	const shortest, shortestCapitals = 16, 14
	if len(stretch) < shortestCapitals || run(stretch, 0, digit) == len(stretch) {
		return false
	}
	if run(stretch, 0, upper) == len(stretch) {
		sum, vowels := likeness(stretch)
		return vowels == 0 || 5*sum < 26*(len(stretch)-1)
	}
	if len(stretch) < shortest {
		return false
	}
	if len(stretch) == 20 && (strings.HasPrefix(stretch, "AKIA") || strings.HasPrefix(stretch, "ASIA")) && run(stretch, 0, upper|digit) == 20 {
		return true // of Amazon
	}
	if run(stretch, 0, lower) == len(stretch) {
		sum, vowels := likeness(stretch)
		return vowels == 0 || 4*sum < 19*(len(stretch)-1)
	}
	longest, amid, strange := 0, 0, 0 // numbers, those with letters on both sides, letters of no word
	for i := 0; i < len(stretch); {
		end := piece(stretch, i)
		if class[stretch[i]]&digit != 0 {
			longest = max(longest, end-i)
			if i > 0 && end < len(stretch) && end-i < 4 {
				amid++
			}
		} else if end-i < 3 || !isWordlike(stretch[i:end]) {
			strange += end - i
		}
		i = end
	}
	if longest >= 8 && 3*longest >= len(stretch) {
		return false
	}
	known := explained(stretch)
	return 2*known < len(stretch) || amid > 0 && strange > 3 && 3*known < 2*len(stretch)
}

// joined returns the bounds of the key of stretches with hyphens and underscores
// between them that begins at s[i], as base64 for URLs and nanoid have them; to = 0 if
// there is none. Some stretch of it has letters among digits or capitals among small
// ones, and hardly anything of it is a word or a number.
func joined(s string, i int) (from, to int) {
	total, known, mixed := 0, 0, false
	first, last := 0, 0 // bounds of what is not plain
	end := i
	for end < len(s) {
		start := end
		end = run(s, start, alnum)
		if end == start {
			break
		}
		stretch := s[start:end]
		total += len(stretch)
		if isPlainStretch(stretch) && (len(stretch) < 4 || class[stretch[len(stretch)-1]]&digit != 0 || isWordlike(stretch)) {
			known += len(stretch)
		} else {
			known += explained(stretch)
			mixed = mixed || len(stretch) >= 6
			if last == 0 {
				first = start
			}
			last = end
		}
		if end == len(s) || !isJoint(s[end]) {
			break
		}
		if end++; end+1 < len(s) && isJoint(s[end]) && class[s[end+1]]&alnum != 0 { // two in a row
			end++
		}
	}
	if !mixed || total < 16 || total < 24 && isHexJoined(s[i:end]) || 2*known >= total || last-first < 12 || wordAt(s, last) {
		return 0, 0
	}
	return first, padded(s, last)
}

// isJoined reports whether one or two hyphens and underscores join what begins at s[i] to
// letters or digits before.
func isJoined(s string, i int) bool {
	for n := 1; n <= 2 && i-n > 0 && isJoint(s[i-n]); n++ {
		if class[s[i-n-1]]&alnum != 0 {
			return true
		}
	}
	return false
}

// isHexJoined reports whether s is of hexadecimal digits, hyphens and underscores.
func isHexJoined(s string) bool {
	for i := range len(s) {
		if class[s[i]]&hex == 0 && !isJoint(s[i]) {
			return false
		}
	}
	return true
}

// widen takes into a key what base64 for URLs has between hyphens and underscores:
// the stretches beside it that are neither words nor numbers.
func widen(s string, last, from, to int) (int, int) {
	for from-1 > last && isJoint(s[from-1]) {
		start := from - 1
		for start > last && class[s[start-1]]&alnum != 0 {
			start--
		}
		if isPlainStretch(s[start:from-1]) || start > last && wordBefore(s, start) {
			break
		}
		from = start
	}
	for to < len(s) && isJoint(s[to]) {
		end := run(s, to+1, alnum)
		if isPlainStretch(s[to+1:end]) || wordAt(s, end) {
			break
		}
		to = end
	}
	return from, padded(s, to)
}

func isJoint(b byte) bool { return b == '-' || b == '_' }

// isPlainStretch reports whether a stretch can be a word, a number, or nothing.
func isPlainStretch(stretch string) bool {
	if stretch == "" {
		return true
	}
	first := class[stretch[0]] & alnum
	rest := run(stretch, 1, first)
	if first == upper && rest == 1 {
		rest = run(stretch, 1, lower)
	}
	return rest == len(stretch)
}

// isGroupSign reports whether b parts the groups of a key that people are to read.
func isGroupSign(b byte) bool { return isJoint(b) || b == '.' || b == '~' }

// maxGroups is how many groups of a key are looked at.
const maxGroups = 12

// groupedKey returns the end of the key at s[i] that is written in groups with one and
// the same sign between them, as of licences and one-time links: 7H2K-9XQ4-M3VP-TT5Z,
// 3f9a-77bc-e012 and the beginning of a UUID. It returns 0 if there is none.
func groupedKey(s string, i int) int {
	first := run(s, i, alnum)
	if first-i < 4 || first-i > 8 || first == len(s) || !isGroupSign(s[first]) {
		return 0
	}
	sign, size := s[first], first-i
	n, weight, mixed, alike := 0, 0, 0, 0
	inHex, even, strong := true, size <= 6, false
	best := 0
	for start := i; n < maxGroups; {
		end := run(s, start, alnum)
		group := s[start:end]
		sameHex := inHex && (len(group) == 4 || len(group) == size) && isHex(group)
		sameSize := even && len(group) == size
		if !sameHex && !sameSize || wordAt(s, end) {
			break
		}
		inHex, even = sameHex, sameSize
		w, both := oddity(group)
		n++
		weight += w
		strong = strong || w == 3
		if both {
			mixed++
		}
		if n == 1 {
			alike = shape(group)
		} else if shape(group) != alike {
			alike = 0
		}
		switch {
		case alike > 0: // e134-e136-e105, 24h2-23h2-22h2
		case inHex && n >= 3 && mixed == n, inHex && n >= 4 && 2*mixed >= n:
			best = end
		case !even || n == 3 && (mixed < n || weight <= 2*n): // three groups want more
		case n >= 3 && (mixed > 0 || weight > 2*n) && weight != mixed && (weight >= n-1 || strong && weight >= 1):
			best = end
		}
		if end == len(s) || s[end] != sign {
			break
		}
		start = end + 1
	}
	return best
}

// oddity says how much unlike words and numbers a group of letters and digits is, from
// -1 to 3, and whether it has both.
func oddity(group string) (weight int, both bool) {
	changes, some := 0, byte(0)
	for i := range len(group) {
		c := class[group[i]] & alnum
		some |= c
		if i > 0 {
			if before := class[group[i-1]] & alnum; (c == digit) != (before == digit) || before == lower && c == upper {
				changes++
			}
		}
	}
	both = some&digit != 0 && some&letter != 0
	letters := run(group, 0, letter)
	number := digits(group, letters)
	switch {
	case some == digit:
		return 0, false
	case changes > 1, changes == 1 && !both:
		return 3, both
	case letters == len(group):
		if isWordlike(group) {
			return -1, false
		}
		return 1, false
	case letters >= 3 && number == len(group) && isWordlike(group[:letters]):
		return -1, true
	case letters == 1, letters == 2:
		return 1, true
	}
	return 2, true
}

// shape has a bit for each sign of a group, set where it is a digit, behind a first one.
func shape(group string) int {
	bits := 1
	for i := range len(group) {
		bits = bits<<1 | int(class[group[i]]&digit)
	}
	return bits
}
