package privacy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/privacy/scrub"
)

// RequestKind is the right that somebody uses.
type RequestKind string

// The kinds of requests, by the articles of the GDPR.
const (
	AskedAccess        RequestKind = "access"        // 15
	AskedRectification RequestKind = "rectification" // 16
	AskedErasure       RequestKind = "erasure"       // 17
	AskedRestriction   RequestKind = "restriction"   // 18
	AskedPortability   RequestKind = "portability"   // 20
	AskedObjection     RequestKind = "objection"     // 21
)

// RequestKinds are all kinds.
var RequestKinds = []RequestKind{AskedAccess, AskedRectification, AskedErasure, AskedRestriction, AskedPortability, AskedObjection}

// Request is a line of the register of requests: that somebody asked, and when the answer was
// given. Who asked, and about what, stands in the case system of the organisation alone.
type Request struct {
	Case     string // number in the organisation's own case system
	Kind     RequestKind
	Received calendar.Day
	Extended bool         // by two months, with a reason that the person was told (article 12(3))
	Answered calendar.Day // 0: not yet
	By       string       // name of the user who changed the line last
}

// RequestKeep is how long the register keeps a request after its end.
var RequestKeep = Period{Months: 12}

// MaxRequests is how many requests the register holds.
const MaxRequests = 10_000

// Errors of the register.
var (
	ErrCase        = errors.New("want the number of a case, such as 2026/123: digits, at most four letters, and / - . _ between them; nothing of a person")
	ErrNoRequest   = errors.New("no such request")
	ErrKnown       = errors.New("the register has this case already")
	ErrManyRequest = fmt.Errorf("the register has %d requests", MaxRequests)
	ErrExtended    = errors.New("the time for the answer is extended already")
	ErrAnswered    = errors.New("the request is answered already")
	ErrRequestDay  = errors.New("want a day that has come, and an answer not before the request")
)

// AnswerBy returns the last day for the answer (article 12(3)).
func (r Request) AnswerBy() calendar.Day {
	if r.Extended {
		return r.Received.AddMonths(3)
	}
	return AnswerBy(r.Received)
}

// Overdue reports whether the answer is late.
func (r Request) Overdue(today calendar.Day) bool { return r.Answered == 0 && r.AnswerBy() < today }

// End is the day from which RequestKeep counts: that of the answer, or else the last for it.
func (r Request) End() calendar.Day {
	if r.Answered > 0 {
		return r.Answered
	}
	return r.AnswerBy()
}

// Extend extends the time for the answer.
func (r *Request) Extend() error {
	switch {
	case r.Answered > 0:
		return ErrAnswered
	case r.Extended:
		return ErrExtended
	}
	r.Extended = true
	return nil
}

// Answer notes the day of the answer.
func (r *Request) Answer(day calendar.Day) error {
	if r.Answered > 0 {
		return ErrAnswered
	}
	r.Answered = day
	return nil
}

// Validate returns an error for a request that the register does not take. It does not hold the
// number of the case, which may be a name by mistake. today is that in UTC: in other time zones
// it may be tomorrow.
func (r Request) Validate(today calendar.Day) error {
	switch {
	case !isCase(r.Case):
		return ErrCase
	case !slices.Contains(RequestKinds, r.Kind):
		return fmt.Errorf("kind %q: want one of %v", r.Kind, RequestKinds)
	case r.Received <= 0 || max(r.Received, r.Answered) > today+1 || r.Answered > 0 && r.Answered < r.Received:
		return ErrRequestDay
	}
	return nil
}

const (
	longestCase = 30
	caseLetters = 4 // as in SAK-123; more could be a name
)

// isCase reports whether a text can be the number of a case, and not a name, an address or a
// number of a person.
func isCase(text string) bool {
	letters, digits, parted := 0, 0, true
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z':
			letters++
		case !strings.ContainsRune("/-._", r) || parted:
			return false
		}
		parted = strings.ContainsRune("/-._", r)
	}
	return len(text) <= longestCase && digits > 0 && letters <= caseLetters && !parted && !likePerson(text)
}

// likePerson reports whether the digits of a text may be those of a person or a machine.
func likePerson(text string) bool {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
	spaced := strings.NewReplacer("/", " ", "-", " ", "_", " ").Replace(text)
	if scrub.Text(text) != text || scrub.Text(spaced) != spaced || strings.Count(text, ".") > 2 {
		return true // also the network of an address
	}
	if len(digits) != 11 {
		return false
	}
	// A national identity number begins with a date, whose day and month may be moved by 40 or
	// 80. Also one with a digit mistyped is not taken.
	day, month := int(digits[0]-'0')*10+int(digits[1]-'0'), int(digits[2]-'0')*10+int(digits[3]-'0')
	return day%40 >= 1 && day%40 <= 31 && month%40 >= 1 && month%40 <= 12
}
