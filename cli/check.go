package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/site"
)

// checkTogether checks what one flag or word alone does not tell, once all are read: words of a
// known form, flags that are required, and those that do not go together. It opens nothing, and
// returns all mistakes.
func (c *call) checkTogether() error {
	var mistakes []error
	refuse := func(is bool, format string, args ...any) {
		if is {
			mistakes = append(mistakes, usagef(format, args...))
		}
	}
	try := func(err error) {
		if err != nil {
			mistakes = append(mistakes, usageOr(err))
		}
	}
	word := func(i int, what string, read func(string) error) {
		if i < len(c.words) { // a missing one is told already
			err := read(c.words[i])
			refuse(err != nil, what+" %q: %w", c.words[i], err)
		}
	}
	switch c.cmd.name {
	case "site add":
		if !c.given("host") && !c.given("hosts") {
			refuse(true, "missing --host, such as --host example.org")
			break
		}
		s := newSite()
		s.ID = c.siteID
		try(c.setSite(&s))
	case "site edit", "goal remove":
		word(0, "site", checkSiteName)
	case "goal add":
		word(0, "site", checkSiteName)
		kind, pattern, err := c.goal.read()
		if try(err); err == nil && len(c.words) > 1 {
			try(site.NewGoal(c.words[1], kind, pattern, c.opts.Now()).Validate())
		}
	case "token add":
		refuse(!c.given("site"), "missing --site, such as --site 1")
	case "user add":
		if len(c.words) > 0 {
			try(site.ValidateName(c.words[0]))
			try(c.sites.refuseAdmin(c.words[0], c.role))
		}
	case "user role":
		word(1, "role", func(s string) error { _, err := readRole(s); return err })
	case "user sites":
		word(1, "sites", func(s string) error { _, err := readSites(s); return err })
	case "move":
		refuse(c.moveTo == "", "missing --to, such as --to clickhouse://user:password@host:9000/fotspor")
	case "upgrade":
		refuse(!c.check, "want --check: a new version is installed as its package or image is; this says whether the store can follow")
	case "policy set":
		if c.siteName != "" {
			_, err := readOwn(c.words)
			try(err)
		} else {
			_, err := readChanges(c.words)
			try(err)
		}
	case "policy check":
		word(0, "checklist", func(s string) error { _, err := oneOf("cnil")(s); return err })
	case "completion":
		word(0, "shell", func(s string) error { _, err := oneOf("bash", "zsh", "fish")(s); return err })
	case "retention run":
		refuse(!c.dryRun && c.at.After(c.opts.Now()), "at %s is in the future: only --dry-run looks there", c.at.Format(time.RFC3339))
	case "find", "access", "erase":
		try(c.checkSelection())
	}
	return errors.Join(mistakes...)
}

// checkSelection checks what of find, access and erase goes together.
func (c *call) checkSelection() error {
	s := c.selection
	s.From, s.To = c.from, c.to
	var mistakes []error
	refuse := func(is bool, text string) {
		if is {
			mistakes = append(mistakes, usagef("%s", text))
		}
	}
	if c.cmd.name == "find" {
		refuse(len(c.words) > 0 && s.Text != "", "a TEXT and --text: want one of them")
		if len(c.words) > 0 {
			s.Text = c.words[0]
		}
		refuse(!s.OfTexts(), "missing TEXT, --path, --pattern or --marks")
	} else {
		refuse(!c.given("ip") && s.Kind() == "time" && s.From.IsZero() && s.To.IsZero(), "missing --ip, --network, --text, --path or --pattern, or a time")
		refuse(c.given("ip") && s.Kind() != "time", "--ip and --"+s.Kind()+": want one of them")
	}
	refuse(!c.received.IsZero() && calendar.DayOf(c.received) > c.today()+1, fmt.Sprintf("--received %s: want a day that has come", c.received.Format(time.DateOnly))) // in other time zones it may be tomorrow
	refuse(!c.received.IsZero() && c.caseNumber != "", "--case and --received: want one of them")
	refuse(c.asHTML && c.asMarkdown, "--html and --markdown: want one of them")
	if s.OfTexts() {
		if _, err := s.Checked(privacy.Policy{}); err != nil {
			mistakes = append(mistakes, usageError{err})
		}
	}
	return errors.Join(mistakes...)
}
