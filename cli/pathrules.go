package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
)

// Bounds of a trial of path rules: how many paths of the day are tried, those with the most
// page views first, and how many changes are printed.
const (
	triedPaths   = 100_000
	triedDays    = 4_000 // days before today in which the last day with traffic is searched
	printedPaths = 20
)

// tryPathRules prints how the path rules of a site would have changed the paths of its last
// day with traffic, and asks whether to save them. Without such a day it does not ask. It
// returns an error if the answer is not to save.
func (c *call) tryPathRules(ctx context.Context, st *store.Store, site site.Site) error {
	rules, err := privacy.ParsePathRules(site.PathRules)
	if err != nil {
		return err
	}
	figures := store.Reports{Store: st, Planner: func() report.Planner { return report.Planner{} }}
	today := calendar.DayOf(time.Now())
	views := report.Query{
		Sites: []uint32{site.ID}, Range: calendar.Range{From: today - triedDays, To: today + 1}, Measures: []string{"pageviews"}, Step: report.Day,
	}
	days, err := figures.Ask(ctx, []report.Query{views})
	if err != nil {
		return err
	}
	if len(days[0].Lines) == 0 {
		fmt.Fprintf(c.Stdout, "Site %d has no traffic to try the rules on.\n", site.ID)
		return nil
	}
	last := calendar.DayOf(days[0].Lines[len(days[0].Lines)-1].At)
	views.Range, views.Step, views.Dimension, views.Limit = calendar.One(last), "", "page", report.MaxLimit
	var lines []report.Line
	for more := true; more && len(lines) < triedPaths; more = views.After != "" {
		pages, err := figures.Ask(ctx, []report.Query{views})
		if err != nil {
			return err
		}
		lines, views.After = append(lines, pages[0].Lines...), pages[0].Next
	}
	if err := c.printTrial(last.String(), site.PathRules, rules, lines); err != nil {
		return err
	}
	if c.yes {
		return nil
	}
	return c.confirm("Save these rules?")
}

func (c *call) printTrial(day string, texts []string, rules privacy.PathRules, lines []report.Line) error {
	var paths, marked, views, markedViews int64
	var idle []string // rules that mark nothing
	used := make([]bool, len(rules))
	w := tabwriter.NewWriter(c.Stdout, 0, 0, 2, ' ', 0)
	for _, line := range lines {
		paths, views = paths+1, views+line.Now.Count("pageviews")
		becomes := rules.Path(line.Value)
		if becomes == line.Value {
			continue
		}
		for i, hit := range rules.Hit(line.Value) {
			used[i] = used[i] || hit
		}
		if marked, markedViews = marked+1, markedViews+line.Now.Count("pageviews"); marked <= printedPaths {
			fmt.Fprintf(w, "%d\t%s\t%s\n", line.Now.Count("pageviews"), line.Value, becomes)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if marked > printedPaths {
		fmt.Fprintf(c.Stdout, "and %d paths more\n", marked-printedPaths)
	}
	for i, text := range texts {
		if !used[i] {
			idle = append(idle, text)
		}
	}
	fmt.Fprintf(c.Stdout, "On %s, %d of %d paths with %d of %d page views would have been marked.\n", day, marked, paths, markedViews, views)
	if len(idle) > 0 {
		fmt.Fprintf(c.Stdout, "No path of that day is marked by %s.\n", strings.Join(idle, ", "))
	}
	_, err := fmt.Fprintln(c.Stdout, "Rows that are stored already stay as they are.")
	return err
}

// confirm asks a question on a terminal. It returns an error if there is no terminal or the
// answer is not yes.
func (c *call) confirm(question string) error {
	if f, ok := c.Stdin.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return errors.New("nothing saved: there is no terminal to ask on; --yes saves")
	}
	fmt.Fprint(c.Stderr, question, " [y/N] ")
	answer, _ := bufio.NewReader(c.Stdin).ReadString('\n') // an error counts as no
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes", "j", "ja":
		return nil
	}
	return errors.New("nothing saved")
}
