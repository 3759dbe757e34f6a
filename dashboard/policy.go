package dashboard

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/internal/baseurl"
	"github.com/fotspor/fotspor/privacy"
)

const policyURL = "/admin/policy"

// policyPage shows the policy, as it is or as it was typed.
type policyPage struct {
	Version  uint64 // of what is stored; 0: nothing is
	Fields   []field
	Wrong    []wrongField
	Preview  *policyPreview
	Seen     string // the policy that the preview is of
	Done     bool   // stored just now
	Same     bool   // what was typed is stored already
	Outdated bool   // somebody else has stored something meanwhile
	Presets  []string
	Points   []policyPoint // of the checklist
	History  []policyLine
}

// policyPoint is a point of a checklist, with the keys of its texts.
type policyPoint struct{ What, Verdict string }

// policyPreview is what a change would do.
type policyPreview struct {
	Changes   []policyChange
	Says      []string
	Processes []policyProcess
}

// policyProcess is a process that would not start again.
type policyProcess struct {
	Name, Told string
	Seen       time.Time
}

// policyLine is a version of the policy.
type policyLine struct {
	Since   time.Time
	Via     string
	Who     string
	Changes []policyChange
}

// policyChange is a value that is another in a version than in the one before, which has
// none in the first.
type policyChange struct{ Key, Was, Is string }

// changesOf returns what has changed from one policy to another, or all of it.
func changesOf(before *privacy.Policy, after privacy.Policy) []policyChange {
	var all []policyChange
	for _, k := range privacy.Keys {
		c := policyChange{Key: k.Name, Is: k.Text(after)}
		if before != nil {
			c.Was = k.Text(*before)
		}
		if c.Was != c.Is {
			all = append(all, c)
		}
	}
	return all
}

// policies returns the versions of the policy, none if there is none yet.
func (d *Dashboard) policies(c *call) (privacy.History, error) {
	all, err := d.store.Policies(c.r.Context())
	if errors.Is(err, privacy.ErrNoPolicy) {
		return nil, nil
	}
	return all, err
}

func (d *Dashboard) showPolicy(c *call) error {
	all, err := d.policies(c)
	if err != nil {
		return err
	}
	texts := map[string]string{}
	now := policyIn(all)
	for _, k := range privacy.Keys {
		texts[k.Name] = k.Text(now)
	}
	return d.renderPolicy(c, http.StatusOK, policyPage{Done: c.r.URL.Query().Get("done") != ""}, all, texts, nil)
}

// policyIn returns the policy in force, the default if there is none yet.
func policyIn(all privacy.History) privacy.Policy {
	if len(all) == 0 {
		return privacy.Default()
	}
	return all.Current().Policy
}

// changePolicy stores the policy that a form has once its reader has seen what it would do,
// and else shows that. Values that the form lacks stay as they are.
func (d *Dashboard) changePolicy(c *call) error {
	if err := c.parseForm(); err != nil {
		return err
	}
	all, err := d.policies(c)
	if err != nil {
		return err
	}
	post, after := c.r.PostForm, policyIn(all)
	chosen := slices.IndexFunc(privacy.Presets, func(p privacy.Preset) bool { return p.Name == post.Get("preset") })
	if chosen >= 0 {
		after = privacy.Presets[chosen].Policy
	}
	texts, problems := map[string]string{}, map[string]string{}
	for _, k := range privacy.Keys {
		texts[k.Name] = k.Text(after)
		if chosen >= 0 || !post.Has(k.Name) {
			continue
		}
		texts[k.Name] = strings.TrimSpace(post.Get(k.Name))
		if k.Read(&after, texts[k.Name]) != nil {
			problems[k.Name] = c.lang.Say("setting."+k.Name+".wrong", texts[k.Name])
		}
	}
	var version uint64
	if len(all) > 0 {
		version = all.Current().Number
	}
	if err := after.Validate(); err != nil && len(problems) == 0 { // the two do not go together
		problems["totals"] = c.lang.Say("setting.totals.wrong", texts["totals"])
	}
	page := policyPage{Outdated: post.Has("version") && post.Get("version") != strconv.FormatUint(version, 10)}
	switch {
	case len(problems) > 0:
		return d.renderPolicy(c, http.StatusUnprocessableEntity, page, all, texts, problems)
	case version > 0 && after == policyIn(all):
		page.Same = true
		return d.renderPolicy(c, http.StatusOK, page, all, texts, nil)
	case !page.Outdated && post.Get("seen") == after.String():
		err := d.store.ChangePolicy(c.r.Context(), version, after)
		if err == nil {
			return c.redirect(policyURL + "?done=1")
		}
		if !errors.Is(err, privacy.ErrPolicyChanged) {
			return err
		}
		if all, err = d.policies(c); err != nil {
			return err
		}
		page.Outdated = true
	}
	defer d.takeLong(c, previewTime+previewRest)()
	if page.Preview, err = d.previewPolicy(c, policyIn(all), after); err != nil {
		return err
	}
	page.Seen = after.String()
	status := http.StatusOK
	if page.Outdated {
		status = http.StatusConflict
	}
	return d.renderPolicy(c, status, page, all, texts, nil)
}

// previewPolicy returns what a change of the policy would do now.
func (d *Dashboard) previewPolicy(c *call, before, after privacy.Policy) (*policyPreview, error) {
	found, says, err := d.counted(c, func(ctx context.Context) (privacy.Preview, error) { return d.store.PreviewPolicy(ctx, after, c.now) })
	if err != nil {
		return nil, err
	}
	p := &policyPreview{Changes: changesOf(&before, after), Says: says}
	for _, one := range found.Contradicting {
		var told []string
		for _, k := range privacy.Keys {
			if text, ok := one.Told[k.Name]; ok && text != k.Text(after) {
				told = append(told, k.Name+"="+text)
			}
		}
		p.Processes = append(p.Processes, policyProcess{one.Name, strings.Join(told, " "), one.Seen})
	}
	return p, nil
}

// How long a preview may take: its counting, and then the rest of the page.
const (
	previewTime = 40 * time.Second
	previewRest = requestTimeout
)

// counted returns what a preview finds, and says it. One that takes too long says that it is not
// counted, so that the change can be made nevertheless.
func (d *Dashboard) counted(c *call, count func(context.Context) (privacy.Preview, error)) (privacy.Preview, []string, error) {
	ctx, cancel := context.WithTimeout(c.r.Context(), previewTime)
	defer cancel()
	found, err := count(ctx)
	switch {
	case err == nil:
		return found, saidOf(c.lang, found), nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded) && c.r.Context().Err() == nil:
		return found, []string{c.lang.Say("policy.uncounted"), c.lang.Say("policy.stays")}, nil
	}
	return found, nil, err
}

// saidOf says what the next deletion pass would do.
func saidOf(l *i18n.Language, found privacy.Preview) []string {
	day := func(t time.Time) string { return l.Day(calendar.DayOf(t.UTC())) }
	says := []string{l.Say("policy.rows.none")}
	if found.Rows.Rows > 0 {
		says = []string{l.Counted("policy.rows", found.Rows.Rows), l.Say("policy.days", day(found.Rows.First), day(found.Rows.Last))}
	}
	if found.Titles.Rows > 0 {
		says = append(says, l.Counted("policy.titles", found.Titles.Rows))
	}
	for _, aged := range found.Aged {
		says = append(says, l.Counted("policy.aged."+aged.Name, aged.Rows))
	}
	if found.Few > 0 {
		says = append(says, l.Counted("policy.few", found.Few))
	}
	if found.Totals.Rows > 0 {
		says = append(says, l.Counted("policy.totals", found.Totals.Rows), l.Say("policy.days", day(found.Totals.First), day(found.Totals.Last)))
	}
	return append(says, l.Say("policy.stays"))
}

// renderPolicy shows the form with texts, the problems with them, and the history.
func (d *Dashboard) renderPolicy(c *call, status int, page policyPage, all privacy.History, texts, problems map[string]string) error {
	for _, k := range privacy.Keys {
		f := policyField(k.Name, texts[k.Name])
		if f.Problem = problems[k.Name]; f.Problem != "" {
			page.Wrong = append(page.Wrong, wrongField{k.Name, f.Problem})
		}
		page.Fields = append(page.Fields, f)
	}
	for _, p := range privacy.Presets {
		page.Presets = append(page.Presets, p.Name)
	}
	sites, err := d.sites(c)
	if err != nil {
		return err
	}
	policy, base := policyIn(all), d.base.Or(baseurl.Of(c.r))
	var checked []privacy.PapersSite
	for _, s := range sites {
		checked = append(checked, privacy.PapersSite{Statement: s.Statement(policy, c.now), Choice: s.SharesDomain(base.Hostname())})
	}
	for _, p := range privacy.CNIL(policy, checked) {
		page.Points = append(page.Points, policyPoint{"cnil." + p.Key, "cnil." + string(p.Verdict)})
	}
	for i, v := range all {
		line := policyLine{Since: v.Since, Via: c.lang.Known("via.", v.Via), Who: v.Who}
		if i > 0 {
			line.Changes = changesOf(&all[i-1].Policy, v.Policy)
		} else {
			line.Changes = changesOf(nil, v.Policy)
		}
		page.History = append(page.History, line)
		page.Version = v.Number
	}
	slices.Reverse(page.History)
	return d.render(c, status, "policy", page)
}

// policyField is the field of a value of the policy.
func policyField(name, text string) field {
	f := field{Key: name, What: "setting." + name + ".what", Text: text}
	choose := func(prefix string, words ...string) {
		for _, word := range words {
			f.Choices = append(f.Choices, settingChoice{word, prefix + word})
		}
	}
	most := func(n int) { f.Number, f.Most = true, n }
	switch name {
	case "record":
		choose("setting.policy.", string(privacy.Standard), string(privacy.Minimal))
	case "retention":
		f.Suggests = []string{"3y", "25m", "1y", "90d"}
	case "totals":
		f.Suggests = []string{privacy.Forever, "10y", "3y", "25m"}
	case "backups":
		f.Suggests = []string{"30d", "7d", "3m", privacy.NoBackups}
	case "bits4":
		most(privacy.MaxBits4)
	case "bits6":
		most(privacy.MaxBits6)
	case "objections":
		choose("setting.objections.", privacy.Heed, privacy.Ignore)
	case "count-objections":
		choose("setting.count-objections.", "false", "true")
	case "titles":
		most(privacy.MaxTitleVisitors)
	case "ageing":
		f.Suggests = []string{privacy.Never, "90d:network", "90d:network,1y:hour,1y:version,1y:region"}
	case "fold":
		most(privacy.MaxFoldBelow)
	case "rounding":
		most(privacy.MaxRounding)
	}
	return f
}
