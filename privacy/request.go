package privacy

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/fotspor/fotspor/calendar"
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
	ErrCase        = errors.New("want the number of a case, such as 2026/123, 26/1234-5, 123/2026 or SAK-123: a year until next year and at most six digits, with / or - between them; or at most five digits after SAK-, REF-, REQ-, DSR-, ARK- or JNR-")
	ErrNoRequest   = errors.New("no such request")
	ErrKnown       = errors.New("the register has this case already")
	ErrManyRequest = fmt.Errorf("the register has %d requests", MaxRequests)
	ErrExtended    = errors.New("the time for the answer is extended already")
	ErrExtendLate  = errors.New("the first month is over, within which the person had to be told of an extension (GDPR article 12(3))")
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

// Extend extends the time for the answer. The person is told of it within the first month (article
// 12(3)): after that the error is ErrExtendLate.
func (r *Request) Extend(today calendar.Day) error {
	switch {
	case r.Answered > 0:
		return ErrAnswered
	case r.Extended:
		return ErrExtended
	case r.Overdue(today):
		return ErrExtendLate
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
	case !isCase(r.Case, today):
		return ErrCase
	case !slices.Contains(RequestKinds, r.Kind):
		return fmt.Errorf("kind %q: want one of %v", r.Kind, RequestKinds)
	case r.Received <= 0 || max(r.Received, r.Answered) > today+1 || r.Answered > 0 && r.Answered < r.Received:
		return ErrRequestDay
	}
	return nil
}

// caseForms are the forms of the number of a case: a year and a number in it, in either order, and
// perhaps the number of a document, or a number with a word for cases before it. With a year of
// two digits, or a document, the number has three digits, since 13/9-72 is a date.
var caseForms = func() (all []*regexp.Regexp) {
	const word = `(?i:SAK|REF|REQ|DSR|ARK|JNR)-`
	for _, form := range []string{
		`(?:` + word + `)?(20\d\d)[/-]\d{1,6}`,
		`(?:` + word + `)?(20\d\d|\d\d)/\d{3,6}(?:-\d{1,3})?`,
		`(?:` + word + `)?\d{1,6}[/-](20\d\d)`,
		word + `\d{1,5}()`,
	} {
		all = append(all, regexp.MustCompile(`^`+form+`$`))
	}
	return all
}()

// isCase reports whether a text is the number of a case from 2000 to next year. Others may be of
// a person or a machine: a date, a telephone, an identity, an address as one number.
func isCase(text string, today calendar.Day) bool {
	for _, form := range caseForms {
		m := form.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		if m[1] == "" { // has none
			return true
		}
		year, err := strconv.Atoi(m[1])
		if err == nil && 2000+year%1000 <= today.Time().Year()+1 {
			return true
		}
	}
	return false
}
