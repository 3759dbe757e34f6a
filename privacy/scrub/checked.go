package scrub

import "strings"

// checked marks the numbers whose check digits tell them: national identity numbers
// and payment cards. A letter may stand before and behind them.
func checked(s string) string {
	e := edit{s: s}
	for i := 0; i < len(s); {
		if class[s[i]]&digit == 0 {
			i++
			continue
		}
		if end := identity(s, i); end > 0 {
			e.mark(i, end, nationalID)
			i = end
			continue
		}
		if end := card(s, i); end > 0 {
			e.mark(i, end, token)
			i = end
			continue
		}
		i = digits(s, i)
	}
	return e.text()
}

// date returns the end of the six digits of a day at s[i], with the digits: in one go,
// or in pairs with one of " .-/_" between them, the same each time. A year may have
// four digits. 0 if there is none; sign is what stands between the pairs, or 0.
func date(s string, i int) (six [6]byte, end int, sign byte) {
	switch n := digits(s, i) - i; n {
	case 6:
		copy(six[:], s[i:i+6])
		return six, i + 6, 0
	case 8: // DDMMYYYY
		copy(six[:4], s[i:i+4])
		copy(six[4:], s[i+6:i+8])
		return six, i + 8, 0
	case 2:
	default:
		return six, 0, 0
	}
	copy(six[:], s[i:i+2])
	end = i + 2
	for n := 1; n < 3; n++ {
		if end == len(s) || strings.IndexByte(" .-/_", s[end]) < 0 || n == 2 && s[end] != sign {
			return six, 0, 0
		}
		sign = s[end]
		start := end + 1
		end = digits(s, start)
		if n == 2 && end-start == 4 {
			start += 2
		}
		if end-start != 2 {
			return six, 0, 0
		}
		copy(six[2*n:], s[start:end])
	}
	return six, end, sign
}

// maxIdentityGap is how many signs may stand between the date and the number of an
// identity number.
const maxIdentityGap = 4

// identity returns the end of the national identity number of a Nordic country at
// s[i], 0 if there is none.
func identity(s string, i int) (end int) {
	end = digits(s, i)
	switch n := end - i; {
	case n == 11, n > 11 && strings.Trim(s[i:end-11], "0") == "": // with zeros before
		if isNationalID([11]byte([]byte(s[end-11 : end]))) {
			return end
		}
		return 0
	case n == 10 && isBehind(s, i, identityWords...) && isNationalID([11]byte([]byte("0"+s[i:end]))):
		return end
	}
	if to := halves(s, i, end); to > 0 {
		return to
	}
	if to := grouped(s, i); to > 0 {
		return to
	}
	six, end, sign := date(s, i)
	if end == 0 {
		return 0
	}
	if to := nordic(s, six, end, sign, i); to > 0 {
		return to
	}
	group := gap(s, end, maxIdentityGap)
	if group == 0 || sign == '/' && s[end] == '/' { // the path of a page by date
		return 0
	}
	var number [11]byte
	n := copy(number[:], six[:])
	for {
		to := digits(s, group)
		if n+to-group > len(number) {
			return 0
		}
		n += copy(number[n:], s[group:to])
		if n == len(number) {
			break
		}
		if _, group = separator(s, to); group == 0 { // 999 97
			return 0
		}
	}
	if !isNationalID(number) || number[0] >= '8' && end-i != 6 {
		return 0
	}
	return digits(s, group)
}

// identityWords stand before an identity number.
var identityWords = strings.Fields("fnr fødselsnummer fodselsnummer fødselsnr fodselsnr personnummer personnr pnr dnr dnummer ssn")

// halves returns the end of the national identity number at s[i] whose first digits end
// before s[first], 0 if there is none: its other ones follow behind one sign, or behind
// tags of HTML, or behind an x in place of the hyphen.
func halves(s string, i, first int) int {
	n := first - i
	if n > 10 || first == len(s) {
		return 0
	}
	group := tags(s, first)
	if group == first {
		sign, following := separator(s, first)
		switch group = following; {
		case sign == '.' && n < 6: // a coordinate
			return 0
		case sign == 0 && n == 6 && s[first]|0x20 == 'x':
			group = first + 1
		}
	}
	if group == 0 || digits(s, group) != group+11-n {
		return 0
	}
	var number [11]byte
	copy(number[copy(number[:], s[i:first]):], s[group:])
	if number[0] >= '8' || !isNationalID(number) {
		return 0
	}
	return group + 11 - n
}

// tags returns the end of the tags of HTML at s[i], such as <br>.
func tags(s string, i int) int {
	const longest = 16
	for i < len(s) && s[i] == '<' {
		end := strings.IndexByte(s[i:min(len(s), i+longest)], '>')
		if end < 0 {
			break
		}
		i += end + 1
	}
	return i
}

// grouped returns the end of the national identity number at s[i] that is written in
// three groups or more, with one and the same sign between them, 0 if there is none. An
// account number has groups of 4, 2 and 5.
func grouped(s string, i int) int {
	var number [11]byte
	n, groups, account := 0, 0, true
	sign, group := rune(0), i
	for {
		end := digits(s, group)
		size := end - group
		if n+size > len(number) {
			return 0
		}
		account = account && groups < 3 && size == [...]int{4, 2, 5}[groups]
		n += copy(number[n:], s[group:end])
		groups++
		if n == len(number) {
			if groups < 3 || account || number[0] >= '8' || !isNationalID(number) {
				return 0
			}
			return end
		}
		c, following := separator(s, end)
		if following == 0 || groups > 1 && c != sign {
			return 0
		}
		sign, group = c, following
	}
}

// nordic returns the end of a Swedish, Danish or Finnish identity number whose six
// digits of a date end before s[end], 0 if there is none. Only with the sign that is
// written between date and number, and with the right check, is it one.
func nordic(s string, six [6]byte, end int, sign byte, start int) int {
	if sign != 0 || end+5 > len(s) || strings.IndexByte("-+ ABCDEFYXWVU", s[end]) < 0 {
		return 0
	}
	if to := end + 4; digits(s, end+1) >= to && class[s[to]]&alnum != 0 && !wordAt(s, to+1) && end-start == 6 { // Finland, dvv.fi
		n := 0
		for _, b := range append(six[:], s[end+1:to]...) {
			n = n*10 + int(b-'0')
		}
		if isDay(two(six[:]), two(six[2:]), two(six[4:])) && s[to] == "0123456789ABCDEFHJKLMNPRSTUVWXY"[n%31] {
			return to + 1
		}
	}
	if strings.IndexByte("-+ ", s[end]) < 0 || digits(s, end+1) != end+5 {
		return 0
	}
	if end-start == 8 { // YYYYMMDD
		if century := two(s[start:]); century < 18 || century > 20 {
			return 0
		}
		copy(six[:], s[start+2:end])
	}
	number := append(six[:], s[end+1:end+5]...)
	year, month, day := two(number), two(number[2:]), two(number[4:])
	if day > 60 {
		day -= 60 // samordningsnummer
	}
	if isDay(day, month, year) && luhn(number) && (s[end] != ' ' || isBorn(six, s[start:end])) { // Sweden, Skatteverket SKV 704
		return end + 5
	}
	if end-start == 6 && s[end] == '-' && isDay(two(number), two(number[2:]), two(number[4:])) && (number[9] == '9' || number[9] == '0') &&
		weigh(number, 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0 { // Iceland, skra.is
		return end + 5
	}
	if end-start == 6 && s[end] == '-' && isDay(two(number), two(number[2:]), two(number[4:])) &&
		weigh(number, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0 { // Denmark, cpr.dk, those of before 2007
		return end + 5
	}
	return 0
}

// isBorn reports whether a date of Sweden is of somebody born in the last century, and no
// date of other use: behind one with a space a time of day may stand.
func isBorn(six [6]byte, date string) bool {
	if len(date) == 8 {
		return date[:2] == "19"
	}
	return two(six[:]) > 31
}

// maxCard is the most digits of a payment card, by ISO/IEC 7812.
const maxCard = 19

// card returns the end of the payment card at s[i], which may be written in groups,
// 0 if there is none.
func card(s string, i int) (end int) {
	var number [maxCard]byte
	n, first := 0, 0
	for group := i; ; {
		end = digits(s, group)
		if end == group || n+end-group > maxCard {
			return 0
		}
		n += copy(number[n:], s[group:end])
		if first == 0 {
			first = n
		}
		if n >= 14 && (first == n || first == 4) && isCard(number[:n]) {
			return end
		}
		if _, group = separator(s, end); group == 0 {
			return 0
		}
	}
}

// isNationalID reports whether n, in ASCII, can be a Norwegian national identity
// number: fødselsnummer or D-number, or one of those made like them.
//
// From 2032 the Tax Administration issues numbers whose first check digit may leave
// 0 to 3, to people born before as well; the second one does not change. Such
// numbers are found already, for nobody is to wait for a new version when they
// come. Of all numbers of eleven digits one in 120 reads as one, and of the account
// numbers of Norwegian banks, whose check digit is the second one of these, one in
// ten. Sources, with published examples:
// https://skatteetaten.github.io/folkeregisteret-api-dokumentasjon/nytt-fodselsnummer-fra-2032/
// and foedselsEllerDNummerValidator.js there.
func isNationalID(n [11]byte) bool {
	k1 := weigh(n[:10], 3, 7, 6, 1, 8, 9, 4, 5, 2, 1)
	k2 := weigh(n[:], 5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
	if k2%11 != 0 || k1%11 > 3 {
		return false
	}
	if n[0] >= '8' {
		// FH-number of the health service, without a date: nhn.no, "Hva er felles hjelpenummer".
		return k1%11 == 0
	}
	day, month, year := two(n[0:]), two(n[2:]), two(n[4:])
	if day > 40 {
		day -= 40 // D-number
	}
	for _, series := range months {
		if isDay(day, month-series.offset, year) && (series.registry || k1%11 == 0) {
			return true
		}
	}
	return false
}

// months are what is added to the month, by who does it. The registry's own
// numbers may have the check digits of 2032.
var months = []struct {
	offset   int
	registry bool
}{
	{0, true},   // the National Registry
	{80, true},  // its synthetic test population (Tenor): same page, "Test for konsumenter"
	{40, false}, // H-numbers of hospitals (HIS 1001); test persons of Nav (Dolly): navikt/fnrvalidator issue 116
	{20, false}, // Nav's own numbers for people without another (NPID), as in no.nav.etterlatte's NavPersonIdent
	{60, false}, // the same in its tests
	{65, false}, // test persons of Norsk helsenett: nhn.no, "Om SyntPop"
}

// weigh returns the sum of the digits times their weights.
func weigh(number []byte, weights ...int) (sum int) {
	for i, w := range weights {
		sum += w * int(number[i]-'0')
	}
	return sum
}

// two returns the number that two digits write.
func two[T string | []byte](s T) int { return int(s[0]-'0')*10 + int(s[1]-'0') }

// isDay reports whether there is such a day in some century; year is its last two
// digits.
func isDay(day, month, year int) bool {
	switch month {
	case 1, 3, 5, 7, 8, 10, 12:
		return 1 <= day && day <= 31
	case 4, 6, 9, 11:
		return 1 <= day && day <= 30
	case 2:
		return 1 <= day && (day <= 28 || day == 29 && year%4 == 0)
	}
	return false
}

// isCard reports whether number, in ASCII, can be a payment card: a length that
// its scheme issues, and the check digit of ISO/IEC 7812 (Luhn). Thirteen digits
// are none: old cards had them, but books and times in milliseconds have them now.
func isCard(number []byte) bool {
	n, scheme := len(number), two(number)
	switch {
	case scheme/10 == 4: // Visa
		if n != 16 && n != 19 {
			return false
		}
	case scheme == 34 || scheme == 37: // American Express
		if n != 15 {
			return false
		}
	case scheme == 30 || scheme == 36 || scheme == 38 || scheme == 39: // Diners Club
		if n != 14 && n != 16 {
			return false
		}
	case scheme >= 22 && scheme <= 27 || scheme >= 51 && scheme <= 55: // Mastercard
		if n != 16 {
			return false
		}
	case scheme/10 == 6 || scheme == 35: // Discover, Maestro, UnionPay, JCB
		if n < 16 {
			return false
		}
	default:
		return false
	}
	return luhn(number)
}

// luhn reports whether the last of a number's digits is the check digit of ISO/IEC
// 7812.
func luhn(number []byte) bool {
	sum := 0
	for i, b := range number {
		d := int(b - '0')
		if (len(number)-i)%2 == 0 {
			d = 2*d/10 + 2*d%10
		}
		sum += d
	}
	return sum%10 == 0
}
