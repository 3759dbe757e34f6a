package scrub

import "strings"

// jsonObject is how a JSON object begins in base64, and with it every JWT.
const jsonObject = "eyJ"

// tokens marks the keys of machines: UUIDs, hashes, JWTs, session ids, API keys.
// It judges each stretch of letters and digits by itself; hyphens, underscores and
// all other signs stand between stretches.
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
		}
		if to > 0 {
			e.mark(from, to, token)
			end = to
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
	if wordAt(s, end) || !isHash(s[i:end]) && !isSecret(s[i:end]) {
		return 0, 0
	}
	return widen(s, last, i, end)
}

// uuid returns the end of the UUID at s[i], 0 if there is none (RFC 9562).
func uuid(s string, i, end int) int {
	const length = 36
	if end-i != 8 || i+length > len(s) || wordAt(s, i+length) {
		return 0
	}
	for n := range length {
		switch b := s[i+n]; n {
		case 8, 13, 18, 23:
			if b != '-' {
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

// isSecret reports whether a stretch reads as if drawn by lot: letters in both
// cases and digits, or letters between many digits, and for less than half words.
// What counts as a word has four letters, or five capitals.
func isSecret(stretch string) bool {
	if len(stretch) < 20 {
		return false
	}
	some, numbers, words := byte(0), 0, 0
	for i := 0; i < len(stretch); {
		some |= class[stretch[i]] & alnum
		if end := digits(stretch, i); end > i {
			numbers++
			i = end
			continue
		}
		end := run(stretch, i, upper)
		capitals := end - i
		i = run(stretch, end, lower)
		small := i - end
		if small > 0 {
			some |= lower
			if capitals > 0 { // the last of them begins the word
				capitals, small = capitals-1, small+1
			}
		}
		if capitals >= 5 {
			words += capitals
		}
		if small >= 4 {
			words += small
		}
	}
	if 2*words >= len(stretch) {
		return false
	}
	return some == alnum || numbers >= 4 && len(stretch) >= 24
}

// widen takes into a key what base64 for URLs has between hyphens and underscores:
// the stretches beside it that are neither words nor numbers.
func widen(s string, last, from, to int) (int, int) {
	for from-1 > last && isJoint(s[from-1]) {
		start := from - 1
		for start > last && class[s[start-1]]&alnum != 0 {
			start--
		}
		if isPlain(s[start:from-1]) || start > last && (s[start-1] == '%' || wordBefore(s, start)) {
			break
		}
		from = start
	}
	for to < len(s) && isJoint(s[to]) {
		end := run(s, to+1, alnum)
		if isPlain(s[to+1:end]) || wordAt(s, end) {
			break
		}
		to = end
	}
	return from, padded(s, to)
}

func isJoint(b byte) bool { return b == '-' || b == '_' }

// isPlain reports whether a stretch can be a word, a number, or nothing.
func isPlain(stretch string) bool {
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
