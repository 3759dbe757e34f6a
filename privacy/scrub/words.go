package scrub

import "strings"

// letterPairs says how much more often than by chance one letter follows another in words
// of Norwegian, English, German and Swedish: 5 is as often as by chance, and each
// step doubles. The row is the first letter. It was counted in the words of spelling
// dictionaries, with æ, ø and å written as in the names of files.
var letterPairs = [26]string{
	"76565564416868160878662232",
	"64007010520600600631500040",
	"50205007405300500414400020",
	"63048332622424520563531030",
	"65575665727869451988463452",
	"60006400630500700525400030",
	"62037255653525510673410030",
	"61007000531323600434512030",
	"64666562206759650577360104",
	"50006000200000700000400000",
	"72017212656515710666540030",
	"84158443845743730265540050",
	"74027312622363650353510030",
	"74578484725437620377431043",
	"34467453315778460866554241",
	"61017324501512660654400020",
	"00000000000000000000400000",
	"85368454826566740576652052",
	"75648545767665661478552051",
	"74228435833435730767642053",
	"44454442305657240666030001",
	"71027221601313500242210000",
	"40004002400002300100100000",
	"10001000200000020002000000",
	"32233140204434230554020000",
	"30004000300000200000301011",
}

// isWordlike reports whether letters read as a word, or as words without a space. Of
// random letters one in eight does, of sixteen one in twenty-five; of the words of the
// dictionaries with four letters 94 of 100 do, and of those with eight 99.5.
func isWordlike(letters string) bool {
	sum, vowels := likeness(letters)
	return vowels > 0 && 2*sum >= 9*(len(letters)-1)
}

// likeness returns the sum of letterPairs over letters, and how many are vowels.
func likeness(letters string) (sum, vowels int) {
	for i := range len(letters) {
		switch letters[i] | 0x20 {
		case 'a', 'e', 'i', 'o', 'u', 'y':
			vowels++
		}
		if i > 0 {
			sum += int(letterPairs[letters[i-1]|0x20-'a'][letters[i]|0x20-'a'] - '0')
		}
	}
	return sum, vowels
}

// piece returns the end of the piece of a stretch of letters and digits that begins at
// i: a number, a word with or without a capital, or capitals.
func piece(stretch string, i int) int {
	if class[stretch[i]]&digit != 0 {
		return digits(stretch, i)
	}
	capitals := run(stretch, i, upper)
	small := run(stretch, capitals, lower)
	if capitals-i > 1 && small > capitals {
		return capitals - 1 // the last of them begins the next word
	}
	return small
}

// explained returns how many bytes of a stretch of letters and digits are words, or
// numbers of four digits and more. Words of three letters count unless there are
// many numbers.
func explained(stretch string) (n int) {
	shortest, numbers := 3, 0
	for i := 0; i < len(stretch); {
		if class[stretch[i]]&digit != 0 {
			if numbers++; numbers > 2 {
				shortest = 4
			}
		}
		i = piece(stretch, i)
	}
	for i := 0; i < len(stretch); {
		end := piece(stretch, i)
		part := stretch[i:end]
		i = end
		if class[part[0]]&digit != 0 {
			if len(part) >= 4 {
				n += len(part)
			}
			continue
		}
		sum, vowels := likeness(part)
		switch {
		case class[part[len(part)-1]]&upper != 0: // capitals
			if len(part) < 5 || 4*vowels < len(part) || sum < 5*(len(part)-1) {
				continue
			}
		case len(part) < shortest || vowels == 0 || 2*sum < 9*(len(part)-1):
			continue
		}
		n += len(part)
	}
	return n
}

// isPlain reports whether what stands between two slashes is clearly what people write
// there: words, a small number, a year or a date, the number of a case as 2024-12345,
// a word with a number such as steg2. The ending of a file says nothing.
func isPlain(segment string) bool {
	if dot := strings.LastIndexByte(segment, '.'); dot > 0 && len(segment)-dot <= 6 && run(segment, dot+1, lower) == len(segment) {
		segment = segment[:dot]
	}
	numbered, year, long := 0, false, 0
	for i := 0; i < len(segment); {
		if class[segment[i]]&alnum == 0 {
			_, n := next(segment, i) // letters outside ASCII are those of words
			i += n
			continue
		}
		end := run(segment, i, alnum)
		stretch := segment[i:end]
		alone := i == 0 && end == len(segment)
		part := i > 0 && segment[i-1] >= 0x80 || end < len(segment) && segment[end] >= 0x80 // of a word such as ærlig
		letters := run(stretch, 0, letter)
		number := stretch[letters:]
		i = end
		if digits(number, 0) != len(number) { // digits amid letters
			return false
		}
		if letters == 0 {
			year = year || isYear(number)
			if len(number) > 3 && !isYear(number) && !(len(number) == 8 && isAnyDate(number)) {
				long = max(long, len(number))
			}
			continue
		}
		if number != "" {
			numbered++
			if numbered > 1 || len(number) > 2 && !isYear(number) {
				return false
			}
		}
		if !part && !isCased(stretch[:letters], alone) {
			return false
		}
	}
	return long == 0 || year && long <= 6
}

// isCased reports whether letters are words, by their capitals, too.
func isCased(letters string, alone bool) bool {
	short := 0
	for i := 0; i < len(letters); {
		end := piece(letters, i)
		switch sum, vowels := likeness(letters[i:end]); {
		case end-i == 3: // words as short as you are like no others
			if vowels == 0 || sum < 4 {
				return false
			}
		case end-i > 3:
			if !isWordlike(letters[i:end]) {
				return false
			}
		default:
			short += end - i
		}
		i = end
	}
	if short == len(letters) { // en and NB; capitals alone are none
		return len(letters) <= 2 && !(alone && class[letters[0]]&upper != 0)
	}
	return 3*short <= len(letters)
}

// isYear reports whether a number is a year of ours.
func isYear(number string) bool {
	return len(number) == 4 && (number[:2] == "19" || number[:2] == "20")
}

// isAnyDate reports whether eight digits are a day, written in any order.
func isAnyDate(n string) bool {
	return isDate(n) || (n[:2] == "19" || n[:2] == "20") && isDay(two(n[6:]), two(n[4:]), two(n[2:]))
}
