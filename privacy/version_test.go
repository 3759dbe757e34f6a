package privacy_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/privacy"
)

// others are other values of each key than the default.
var others = map[string]string{
	"record": "minimal", "retention": "1y6m", "totals": "4y", "backups": "none", "bits4": "0", "bits6": "48", "objections": "ignore", "count-objections": "true", "titles": "8", "fold": "10", "rounding": "10", "ageing": "90d:network,1y:hour",
}

// TestKeys: each field of a policy has one key, whose text is read back, and which is in JSON.
func TestKeys(t *testing.T) {
	changed := reflect.ValueOf(privacy.Default())
	for i := range changed.NumField() {
		var by []string
		for _, k := range privacy.Keys {
			p := privacy.Default()
			if err := k.Read(&p, others[k.Name]); err != nil || k.Text(p) != others[k.Name] {
				t.Fatalf("%s = %s reads as %s, %v", k.Name, others[k.Name], k.Text(p), err)
			}
			if !reflect.ValueOf(p).Field(i).Equal(changed.Field(i)) {
				by = append(by, k.Name)
			}
			text, err := json.Marshal(p)
			var back privacy.Policy
			if err := errors.Join(err, json.Unmarshal(text, &back)); err != nil || back != p {
				t.Errorf("%s reads as %v, %v", text, back, err)
			}
		}
		if len(by) != 1 {
			t.Errorf("keys of field %s are %v, want one", changed.Type().Field(i).Name, by)
		}
	}
}

func TestReadKeys(t *testing.T) {
	for _, c := range []struct{ name, text string }{
		{"record", "all"}, {"record", ""}, {"retention", "0d"}, {"retention", "11y"}, {"retention", "3"}, {"totals", ""}, {"totals", "never"}, {"totals", "11y"}, {"totals", "0d"}, {"backups", ""}, {"backups", "0d"}, {"backups", "forever"}, {"bits4", "25"}, {"bits4", "-1"}, {"bits4", ""},
		{"bits6", "49"}, {"objections", "true"}, {"objections", "Heed"}, {"count-objections", "maybe"}, {"titles", "2"}, {"titles", "21"}, {"titles", "-1"}, {"fold", "1"}, {"fold", "101"}, {"fold", "few"}, {"ageing", ""}, {"ageing", "90d"}, {"ageing", "90d:page"}, {"ageing", "90d:network,1y:network"}, {"ageing", "0d:network"}, {"ageing", "network:90d"},
	} {
		key, ok := privacy.FindKey(c.name)
		p := privacy.Default()
		if err := key.Read(&p, c.text); !ok || err == nil || p != privacy.Default() {
			t.Errorf("%s=%q: %v, and the policy is %v", c.name, c.text, err, p)
		}
	}
}

// TestReadPolicy: what an older program wrote has defaults, and what a newer one wrote is
// refused.
func TestReadPolicy(t *testing.T) {
	minimal := privacy.Default()
	minimal.Record = privacy.Minimal
	for text, want := range map[string]privacy.Policy{`{}`: privacy.Default(), `{"record": "minimal"}`: minimal} {
		var p privacy.Policy
		if err := json.Unmarshal([]byte(text), &p); err != nil || p != want {
			t.Errorf("%s reads as %v, %v", text, p, err)
		}
	}
	for _, text := range []string{`{"sampling": "10"}`, `{"ageing": "90d:page"}`, `{"record": "tiny"}`, `{"bits4": "25"}`} {
		p := minimal
		if err := json.Unmarshal([]byte(text), &p); !errors.Is(err, privacy.ErrUnknownPolicy) || p != minimal {
			t.Errorf("%s reads as %v, %v", text, p, err)
		}
	}
}

func TestContradicts(t *testing.T) {
	said := privacy.Default()
	said.Record, said.Retention = privacy.Minimal, privacy.Period{Days: 90}
	for _, c := range []struct {
		told map[string]string
		want []string // in the error; nil: none
	}{
		{nil, nil},
		{map[string]string{"titles": "--titles", "bits4": "/x: bits4"}, nil},
		{map[string]string{"titles": "--titles", "retention": "FOTSPOR_RETENTION"}, []string{"retention is 3y, and FOTSPOR_RETENTION says 90d", "policy set retention=90d"}},
		{map[string]string{"retention": "--retention", "record": "/x: record"}, []string{"record is standard, and /x: record says minimal; retention is 3y, and --retention", "policy set record=minimal retention=90d"}},
	} {
		err := privacy.Default().Contradicts(said, c.told)
		if (err != nil) != (c.want != nil) {
			t.Errorf("told %v: %v", c.told, err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("told %v: %v, want %q in one line", c.told, err, want)
			}
		}
	}
}

// TestTotalsSince: totals have no limit until a policy has one.
func TestTotalsSince(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	h := privacy.History{{Policy: privacy.Default(), Since: now.AddDate(-2, 0, 0)}}
	if got := h.TotalsSince(now); got != 0 {
		t.Errorf("totals since %v, want always", got)
	}
	ends := privacy.Default()
	ends.Totals = privacy.Period{Years: 3}
	h = append(h, privacy.Version{Policy: ends, Since: now.AddDate(-1, 0, 0)}, privacy.Version{Policy: privacy.Default(), Since: now.AddDate(0, 0, -7)})
	if got, want := h.TotalsSince(now), calendar.DayOf(time.Date(2023, 11, 20, 0, 0, 0, 0, time.UTC)); got != want {
		t.Errorf("totals since %v, want %v", got, want)
	}
}

// TestPresets: each is a policy that may be set.
func TestPresets(t *testing.T) {
	for _, p := range privacy.Presets {
		if err := p.Policy.Validate(); err != nil {
			t.Errorf("preset %s: %v", p.Name, err)
		}
	}
	if privacy.Presets[0].Policy != privacy.Default() {
		t.Error("the first preset is not the default")
	}
}

// TestRowsSince: a longer retention does not bring rows back.
func TestRowsSince(t *testing.T) {
	day := func(text string) time.Time {
		at, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	version := func(since, retention string) privacy.Version {
		p := privacy.Default()
		p.Retention = mustParse(t, retention)
		return privacy.Version{Policy: p, Since: day(since)}
	}
	for _, c := range []struct {
		name    string
		history privacy.History
		now     string
		want    string
	}{
		{"one", privacy.History{version("2020-01-01", "30d")}, "2026-11-27", "2026-10-30"},
		{"shorter", privacy.History{version("2020-01-01", "3y"), version("2026-11-20", "30d")}, "2026-11-27", "2026-10-30"},
		{"longer", privacy.History{version("2020-01-01", "30d"), version("2026-11-20", "3y")}, "2026-11-27", "2026-10-23"},
		{"longer, long ago", privacy.History{version("2010-01-01", "30d"), version("2013-11-20", "3y")}, "2026-11-27", "2023-11-29"},
		{"for a day", privacy.History{version("2020-01-01", "3y"), version("2026-11-20", "1d"), version("2026-11-21", "3y")}, "2026-11-27", "2026-11-22"},
	} {
		if got := c.history.RowsSince(day(c.now)); got != calendar.DayOf(day(c.want)) {
			t.Errorf("%s: rows since %v, want %s", c.name, got, c.want)
		}
	}
}
