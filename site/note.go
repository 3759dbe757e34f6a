package site

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/privacy/scrub"
)

// Bounds of notes.
const (
	MaxNotes    = 500      // of a site
	MaxNote     = 280      // characters of the text of one
	MaxNoteDays = 10 * 366 // days of one
)

// ErrManyNotes is wrapped if a site has MaxNotes notes and gets one more.
var ErrManyNotes = errors.New("a site has no room for more notes")

// Note is what a user wrote about days of a site, for all who read its figures.
type Note struct {
	ID    uint64 // random, below 1<<53; 0: a new note
	Days  calendar.Range
	Text  string
	Who   string    // who wrote it last, set by the store
	Since time.Time // when, set by the store, to the second
}

// CleanNote returns a text in the form in which notes are stored: in one line, without
// spaces around it, in NFC.
func CleanNote(text string) string { return norm.NFC.String(strings.Join(strings.Fields(text), " ")) }

// NoteProblem says what is wrong with a note.
type NoteProblem string

// The problems of notes, in the order in which they are found.
const (
	NoteWithoutDay  NoteProblem = "days" // no days, too many, or some that the store can't have
	NoteEmpty       NoteProblem = "empty"
	NoteTooLong     NoteProblem = "long"
	NoteUnprintable NoteProblem = "unprintable"
	NotePersonal    NoteProblem = "personal" // the text has personal data in a form that is known
)

// lastNoteDay is the last day that the store can have, in 2149.
const lastNoteDay calendar.Day = 65535

// Problems returns what is wrong with the note: nothing, a problem of its days, one of its
// text, or both.
func (n Note) Problems() []NoteProblem {
	var all []NoteProblem
	if n.Days.Empty() || n.Days.Days() > MaxNoteDays || n.Days.From < 0 || n.Days.To > lastNoteDay {
		all = append(all, NoteWithoutDay)
	}
	switch {
	case n.Text == "":
		all = append(all, NoteEmpty)
	case utf8.RuneCountInString(n.Text) > MaxNote:
		all = append(all, NoteTooLong)
	case !utf8.ValidString(n.Text) || n.Text != CleanNote(n.Text) || strings.ContainsFunc(n.Text, func(r rune) bool { return !unicode.IsPrint(r) }):
		all = append(all, NoteUnprintable)
	case n.Scrubbed() != n.Text:
		all = append(all, NotePersonal)
	}
	return all
}

// Scrubbed returns the text with a mark in the place of each piece of personal data.
func (n Note) Scrubbed() string { return scrub.Text(n.Text) }

// Validate returns an error that names the first problem.
func (n Note) Validate() error {
	if wrong := n.Problems(); len(wrong) > 0 {
		return fmt.Errorf("note: %s", wrong[0])
	}
	return nil
}
