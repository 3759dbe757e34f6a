package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/store"
)

// requestKinds are the kinds of requests, as words of a flag.
func requestKinds() (all []string) {
	for _, k := range privacy.RequestKinds {
		all = append(all, string(k))
	}
	return all
}

// today is the day by the clock of this machine, in UTC.
func (c *call) today() calendar.Day { return calendar.DayOf(c.opts.Now().UTC()) }

// dayOr returns the day of a flag, or today.
func (c *call) dayOr(flag time.Time) calendar.Day {
	if flag.IsZero() {
		return c.today()
	}
	return calendar.DayOf(flag)
}

func listRequests(ctx context.Context, c *call) error {
	return c.withStore(ctx, func(st *store.Store) error {
		all, err := st.Requests(ctx)
		if err != nil {
			return err
		}
		nameStore(c.Stderr, st)
		l := c.list("case", "kind", "received", "answer_by", "extended", "answered", "overdue", "by")
		for _, r := range all {
			answered := ""
			if r.Answered > 0 {
				answered = r.Answered.String()
			}
			if err := l.add(r.Case, r.Kind, r.Received.String(), r.AnswerBy().String(), r.Extended, answered, r.Overdue(c.today()), r.By); err != nil {
				return err
			}
		}
		return l.flush()
	})
}

// registered runs f on the register. Then it writes a line on the request of the case. What the
// register does not take is a mistake in the command line.
func (c *call) registered(ctx context.Context, f func(st *store.Store, number string) error) error {
	return c.withStore(ctx, func(st *store.Store) error {
		number := c.words[0]
		err := f(st, number)
		for _, mistake := range []error{privacy.ErrCase, privacy.ErrRequestDay} {
			if errors.Is(err, mistake) {
				return usageError{err}
			}
		}
		if err != nil {
			return err
		}
		nameStore(c.Stderr, st)
		r, err := st.Request(ctx, number)
		switch {
		case errors.Is(err, privacy.ErrNoRequest):
			_, err = fmt.Fprintf(c.Stdout, "%s is removed\n", number)
		case err == nil && r.Answered > 0:
			_, err = fmt.Fprintf(c.Stdout, "%s is answered on %s\n", r.Case, r.Answered)
		case err == nil:
			_, err = fmt.Fprintf(c.Stdout, "%s is to be answered by %s\n", r.Case, r.AnswerBy())
		}
		return err
	})
}

func addRequest(ctx context.Context, c *call) error {
	return c.registered(ctx, func(st *store.Store, number string) error {
		return st.AddRequest(ctx, privacy.Request{Case: number, Kind: c.requestKind, Received: c.dayOr(c.received)}, c.today())
	})
}

func extendRequest(ctx context.Context, c *call) error {
	return c.registered(ctx, func(st *store.Store, number string) error {
		return st.ChangeRequest(ctx, number, c.today(), audit.RequestExtended, func(r *privacy.Request) error { return r.Extend(c.today()) })
	})
}

func answerRequest(ctx context.Context, c *call) error {
	return c.registered(ctx, func(st *store.Store, number string) error {
		return st.ChangeRequest(ctx, number, c.today(), audit.RequestAnswered, func(r *privacy.Request) error { return r.Answer(c.dayOr(c.answered)) })
	})
}

func removeRequest(ctx context.Context, c *call) error {
	return c.registered(ctx, func(st *store.Store, number string) error { return st.RemoveRequest(ctx, number) })
}
