package privacy_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/privacy"
)

func day(text string) calendar.Day {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return calendar.DayOf(t)
}

// TestCaseNumbers: the register takes numbers of cases and nothing that may be of a person, and
// its refusal does not repeat it.
func TestCaseNumbers(t *testing.T) {
	for _, number := range []string{"2026/123", "26/01234-5", "26/1234-5", "SAK-12345", "sak-17", "2026/12345-17", "SAK-2026/123", "ref-2026-123", "2026-1", "123/2026", "2027/1", "2000/1", "JNR-26/1234", "9999/2026"} {
		if err := (privacy.Request{Case: number, Kind: privacy.AskedAccess, Received: day("2026-01-31")}).Validate(day("2026-02-01")); err != nil {
			t.Errorf("%s: %v", number, err)
		}
	}
	for what, number := range map[string]string{
		"nothing": "", "a name": "Kari Nordmann", "a name in small letters": "nordmann-1", "a name and a year": "KariNordmann2026", "no digit": "SAK",
		"a mail address": "kari@example.org", "a national identity number": "13097248022", "one with a space": "130972 48022", "one with a hyphen": "130972-48022",
		"one with a wrong digit": "13097248023", "a D number": "53097248022", "a synthetic one": "13897248022", "a telephone number": "91234567", "one in pairs": "22-45-67-89",
		"one with its country": "+4791234567", "a payment card": "4111111111111111", "an address": "203.0.113.7", "an address of IPv6": "2001:db8::1",
		"a network": "203.0.0.0/16", "a network without its length": "203.0.0.0", "a page": "/ansatte/5", "a page of somebody": "ansatte/kari-1", "a sign before": "-1", "a sign after": "1-", "two signs": "1--1",
		"a street": "Storgata 5", "letters of elsewhere": "Æ-1", "a control character": "1\n2", "a birth date": "13.09.1972", "one of two digits": "13.09.72", "one with hyphens": "13-09-72", "one with a slash": "13/9-72", "one of ISO": "2013-09-13", "one of ISO with a slash": "2013/9-13",
		"an identity of Sweden": "19720913-1234", "one of ten digits": "720913-1234", "an IPv4 address as a number": "3232235777", "one in hex": "cb00712a", "one with 0x": "0xcb00712a",
		"a year and a name": "2026/kari", "a short name": "KARI-1", "an identity with a letter": "S1234567890123456", "six digits after a word": "SAK-130972", "a year to come": "2028/1", "a short one to come": "28/1234", "a year long ago": "1999/1",
		"a number alone": "7", "digits of elsewhere": "２０２６/1", "seven digits": "2026/1234567", "a word twice": "SAK-SAK-1", "a space after": "2026/1 ", "a long one": strings.Repeat("1/", 15) + "1",
	} {
		err := (privacy.Request{Case: number, Kind: privacy.AskedAccess, Received: day("2026-01-31")}).Validate(day("2026-02-01"))
		if !errors.Is(err, privacy.ErrCase) || len(number) > 3 && strings.Contains(err.Error(), number) {
			t.Errorf("%s, %q: %v", what, number, err)
		}
	}
}

// TestAnswerBy: a month, or three, to the day of the same date, or the last of a shorter month.
func TestAnswerBy(t *testing.T) {
	for _, c := range []struct {
		received string
		extended bool
		want     string
	}{
		{"2026-03-05", false, "2026-04-05"}, {"2026-01-31", false, "2026-02-28"}, {"2028-01-31", false, "2028-02-29"}, {"2026-11-30", false, "2026-12-30"},
		{"2026-03-05", true, "2026-06-05"}, {"2026-01-31", true, "2026-04-30"}, {"2026-11-30", true, "2027-02-28"},
	} {
		r := privacy.Request{Case: "2026/1", Kind: privacy.AskedErasure, Received: day(c.received), Extended: c.extended}
		if got := r.AnswerBy(); got != day(c.want) || r.Overdue(got) || !r.Overdue(got+1) || r.End() != got {
			t.Errorf("received on %s, extended %v: by %s, want %s", c.received, c.extended, got, c.want)
		}
		if err := r.Answer(r.Received + 3); err != nil || r.Overdue(day("2030-01-01")) || r.End() != r.Received+3 {
			t.Errorf("answered: %+v, %v", r, err)
		}
		if again, more := r.Answer(r.Received), r.Extend(r.Received); !errors.Is(again, privacy.ErrAnswered) || !errors.Is(more, privacy.ErrAnswered) {
			t.Errorf("changed after the answer: %v, %v", again, more)
		}
	}
}

func TestRequestsValidated(t *testing.T) {
	for what, change := range map[string]func(*privacy.Request){
		"a kind of our own":         func(r *privacy.Request) { r.Kind = "Kari" },
		"no day":                    func(r *privacy.Request) { r.Received = 0 },
		"a day to come":             func(r *privacy.Request) { r.Received = day("2026-03-03") },
		"answered before":           func(r *privacy.Request) { r.Answered = day("2026-02-28") },
		"answered on a day to come": func(r *privacy.Request) { r.Answered = day("2026-03-03") },
	} {
		r := privacy.Request{Case: "2026/1", Kind: privacy.AskedObjection, Received: day("2026-03-01")}
		if err := r.Validate(day("2026-03-01")); err != nil {
			t.Fatal(err)
		}
		if change(&r); r.Validate(day("2026-03-01")) == nil {
			t.Errorf("%s is taken", what)
		}
	}
}

// TestExtend: once, and within the first month.
func TestExtend(t *testing.T) {
	for _, c := range []struct {
		received, today string
		want            error
	}{
		{"2026-03-05", "2026-03-05", nil}, {"2026-03-05", "2026-04-05", nil}, {"2026-03-05", "2026-04-06", privacy.ErrExtendLate}, {"2026-01-31", "2026-03-01", privacy.ErrExtendLate},
	} {
		r := privacy.Request{Case: "2026/1", Kind: privacy.AskedErasure, Received: day(c.received)}
		if err := r.Extend(day(c.today)); !errors.Is(err, c.want) || r.Extended != (c.want == nil) {
			t.Errorf("received on %s, extended on %s: %v, want %v", c.received, c.today, err, c.want)
		}
		if err := r.Extend(day(c.received)); c.want == nil && !errors.Is(err, privacy.ErrExtended) {
			t.Errorf("extended again: %v", err)
		}
	}
}
