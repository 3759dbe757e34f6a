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
	none   rank = iota
	loose       // where it reads as random: sections of websites are called so
	firm        // where it is not clearly a word
	strict      // in a path, any text but the routes; else as firm
	named       // as the value of a parameter, always; in a path as strict; else as firm
)

// stems are by a hash of their first four letters, words by themselves.
var stems, words = func() (stems [1 << 12][]keyword, words map[string]rank) {
	words = make(map[string]rank)
	for _, of := range []struct {
		rank  rank
		stem  bool
		words string
	}{
		{loose, true, "signup register registr subscri abonn påmeld pamelding paamelding newsletter nyhetsbrev nyheitsbrev preview forhandsvis"},
		{loose, false, "sso saml oauth auth callback join share deling delt access ticket nøkkel nøkkelen nøkler nokkel nonce hash signature signatur key " +
			"session sessions sesjon økt økter okt state svar rsvp link lenke lenkje tilgang tilgong"},
		{firm, true, "login signin innlogg authenti authoriz authoris autoriser autentiser validat valider recover gjenopprett " +
			"glemt gløymt gloymt engangs eingongs hemmelig avbestill kvittering godkjenn"},
		{firm, false, "loggin logginn samtykke bearer kode koden code pin signer signering forgot forgotten restore redeem claim accept approve"},
		{strict, true, "reset invit verif confirm activat unsubscri onetime magic autologin nullstill tilbakestill attendestill bekreft stadfest " +
			"aktiver avmeld innbyd optin optout"},
		{strict, false, "meldav meldaav meldaavnyhetsbrev"},
		{named, true, "token passw passord passcod passphras secretkey jsession phpsess sessionid sesjonsid apikey apinøkkel pinkode pincode " +
			"sikkerhetskode tryggleikskode engangskode engangspassord eingongskode eingongspassord"},
		{named, false, "otp pwd sid passwd secret secrets credential credentials hemmelighet"},
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
const leads = "access csrf xsrf refresh bearer client user auto new forgot forget lost change set email mail epost bruker brukar konto account mobil sms two"

// beginnings has a bit for how each keyword and lead begins, so that nearly all words
// are settled by one look.
var beginnings = func() (bits [1 << 12]bool) {
	for h := range stems {
		bits[h] = len(stems[h]) > 0
	}
	for w := range words {
		bits[beginning(w, 0, len(w))] = true
	}
	for _, w := range []string{"opt", "api", "log", "one", "meld"} { // of words with a hyphen
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
		if class[b]&upper != 0 || i > 0 && segment[i-1] == 0xc3 && b < 0xa0 { // and capitals such as Å
			b |= 0x20
		}
		if n > 0 && letters[n-1] == 0xc3 && (b == 0xa8 || b == 0xa9) { // è and é
			n, b = n-1, 'e'
		}
		letters[n] = b
		n++
	}
	begins[count] = n
	for i := range count {
		best = max(best, rankOfWord(letters[begins[i]:begins[i+1]]))
	}
	if count > 1 {
		best = max(best, rankOfWord(letters[:n]))
	}
	for i := 0; i+4 <= n; i++ {
		h := beginning(letters[:], i, n)
		if !beginnings[h] { // a table that is small enough for the processor's cache
			continue
		}
		for _, k := range stems[h] {
			begin := slices.Contains(begins[:count], i)
			if k.rank <= best || !bytes.HasPrefix(letters[i:n], []byte(k.text)) || len(k.text) < 5 && !begin {
				continue
			}
			if begin || isLead(letters[:i], begins[:count]) {
				best = k.rank
			} else { // presets
				best = max(best, min(k.rank, firm))
			}
		}
	}
	return best
}

// rankOfWord says what a word is by itself.
func rankOfWord(word []byte) rank {
	if len(word) < 3 || !beginnings[beginning(word, 0, len(word))] { // as nearly all are
		return none
	}
	return words[string(word)]
}

// isLead reports whether the last word of what stands before a keyword is one that is
// joined to keywords, or a keyword.
func isLead(before []byte, begins []int) bool {
	begin := 0
	for _, b := range begins {
		if b < len(before) {
			begin = b
		}
	}
	word := string(before[begin:])
	if words[word] > none || slices.Contains(leadWords, word) {
		return true
	}
	if len(word) < 4 {
		return false
	}
	return slices.ContainsFunc(stems[beginning(word, 0, len(word))], func(k keyword) bool { return strings.HasPrefix(word, k.text) })
}

var leadWords = strings.Fields(leads)

// isDelimiter reports whether b ends a segment.
func isDelimiter(b byte) bool {
	return b < '0' && class[b]&alnum == 0 && b != '-' && b != '.' && b != '%' && b != '+' && b != '*' && b != '$' && b != '!' ||
		strings.IndexByte(":;<=>?{|}", b) >= 0
}

// reach is for how many segments of a path a keyword speaks: Django writes
// /reset/MQ/bx7k2-….
const reach = 2

// routes are the words that websites themselves put behind a keyword, in the paths of
// their pages: what is to be reset, how it went, the step, the language.
var routes = func() map[string]bool {
	all := make(map[string]bool)
	for w := range strings.FieldsSeq(`
		password passord passwd passcode passphrase pwd email e mail post epost account accounts konto kontoen user users bruker brukar brukere brukeren member medlem
		profile profil username brukernavn brukarnamn identity identitet device enhet phone telefon mobile mobil sms bankid idporten id porten minid feide
		buypass newsletter newsletters nyhetsbrev nyheitsbrev varsel varsler notification notifications subscription abonnement order ordre booking
		reset resett verify verifiser verification verifisering verifikasjon confirm bekreft bekreftelse stadfest confirmation activate aktiver activation
		aktivering deaktiver deactivate invite invitation invitations invites invitasjon invitasjoner token tokens magic link lenke lenkje key code kode
		otp pin unsubscribe avmeld avmelding meld av av deg login signin signup register logg inn innlogging forgot forgotten glemt gløymt gloymt lost
		recover recovery nullstill tilbakestill gjenopprett resend set create opprett change endre edit rediger update oppdater enter check sjekk
		request requested foresporsel forespørsel send sent sendt done complete completed ferdig fullført fullfort ok success successful suksess vellykket takk thanks
		thank you error errors feil failed failure mislyktes invalid ugyldig expired utløpt utlopt utgått used brukt pending venter cancel cancelled avbryt
		avbrutt accept accepted aksepter decline declined avslå avslag confirmed bekreftet bekrefta verified verifisert activated aktivert subscribed
		unsubscribed avmeldt new ny nytt nye start begin begynn form skjema step steg trinn info information informasjon help hjelp hjelpetekst faq about om
		show vis list liste all alle index default home hjem main page side status result resultat next neste back tilbake end slutt start admin api v
		url redirect callback html php aspx jsp web app ios android the your my min mitt mine din ditt en et to for
		nb nn no en se sv da fi de fr es it pl uk ru ar so ti us gb dk nor eng sme smj sma nob nno bokmal bokmål nynorsk norsk english engelsk`) {
		all[w] = true
	}
	return all
}()

// isRoute reports whether a segment behind a keyword is of routes, perhaps with a small
// number, or the name of a file with such a name; or a number that is none of a person:
// of a step, a year, a date, a case or an organisation.
func isRoute(segment string) bool {
	if dot := strings.LastIndexByte(segment, '.'); dot > 0 && len(segment)-dot <= 6 && run(segment, dot+1, lower) == len(segment) {
		segment = segment[:dot]
	}
	isLetter := func(b byte) bool { return class[b]&letter != 0 || b >= 0x80 }
	some := false
	for i := 0; i < len(segment); {
		end := i
		for end < len(segment) && isLetter(segment[end]) {
			end++
		}
		number := digits(segment, end)
		switch {
		case number == i: // a sign
			if !isJoint(segment[i]) && segment[i] != '.' && segment[i] != ' ' {
				return false
			}
			i++
			continue
		case end > i:
			some = true
			if number-end > 2 || end-i > 16 || !routes[strings.ToLower(segment[i:end])] || number < len(segment) && isLetter(segment[number]) {
				return false
			}
		case number-i > 3 && !isYear(segment[i:number]) && some, number < len(segment) && isLetter(segment[number]):
			return false
		}
		i = number
	}
	return some || isPlain(segment) || isOrganisation(segment)
}

// secrets marks what stands behind a keyword: the next segments of a path, the value
// of a parameter, and the rest of a segment that the keyword begins.
func secrets(s string, as kind) string {
	e := edit{s: s}
	left, level, sign := 0, none, byte(0)
	route := false // a path goes on at s[i], whose next segment is a key unless it is a route
	for i := 0; i < len(s); {
		if route = route && i > 0 && s[i-1] == '/'; route && s[i] != '/' {
			end := segmentEnd(s, i, as)
			segment := s[i:end]
			switch {
			case segment == "":
				route = false
				continue
			case slices.Contains(marks[:], segment):
				left--
				route = false
			case !isRoute(segment):
				e.mark(i, end, token)
				left--
				route = false
			case isYear(segment): // the number of a case follows
				left, route = 0, false
			default:
				if end < len(s) && s[end] == '/' {
					end++
				}
			}
			i, sign = end, 0
			continue
		}
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
		case left >= 0 && (isKey(segment, level, sign) || sign == ':' && level == named && isValue(s, i, end)):
			e.mark(i, end, token)
		case left >= 0 && isYear(segment):
			left = 0 // the number of a case follows
		default:
			if r := rankOf(segment); r > none {
				left, level = reach, r
				if from := trailing(segment); from > 0 {
					e.mark(i+from, end, token)
				} else if r >= strict && end < len(s) && s[end] == '/' && beginsRoute(s, i, end, as) {
					route = true
					end++
				}
			}
		}
		i, sign = end, 0
	}
	return e.text()
}

// beginsRoute reports whether the segment s[i:end] is one of a path. The name of a host
// is none.
func beginsRoute(s string, i, end int, as kind) bool {
	if i > 0 && s[i-1] != '/' || i == 0 && as != pagePath {
		return false
	}
	mayBeHost := i == 0 || i > 1 && s[i-2] == '/'
	return !mayBeHost || strings.IndexByte(s[i:end], '.') < 0
}

// segmentEnd returns the end of the segment of a path at s[i]. In free text it ends
// with the word, too.
func segmentEnd(s string, i int, as kind) int {
	ends := "/?#&;"
	if as != pagePath {
		ends = "/?#&; \t\r\n\"'<>|,)"
	}
	if n := strings.IndexAny(s[i:], ends); n >= 0 {
		return i + n
	}
	return len(s)
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
	case sign == 0 && level == named && isCode(segment):
		return true
	case sign == 0:
		return isMixed(segment)
	case level == loose:
		return isMixed(segment) || sign == '/' && len(segment) >= 8 && run(segment, 0, letter) == len(segment) && !isWordlike(segment)
	}
	return !isPlain(segment)
}

// isCode reports whether a segment is a number of four to eight digits, as codes of one
// use are, and no year or date.
func isCode(segment string) bool {
	n := len(segment)
	return 4 <= n && n <= 8 && digits(segment, 0) == n && !isYear(segment) && !(n == 8 && isAnyDate(segment))
}

// isValue reports whether s[i:end], behind a keyword and a colon, is what was to be kept
// secret: it has letters and digits, or nothing follows, and is no word of a website.
func isValue(s string, i, end int) bool {
	some := byte(0)
	for _, b := range []byte(s[i:end]) {
		some |= class[b]
	}
	if isRoute(s[i:end]) {
		return false
	}
	return some&digit != 0 && some&letter != 0 || strings.IndexFunc(s[end:], isWord) < 0
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
