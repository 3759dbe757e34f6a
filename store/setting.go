package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/site"
)

// Setting is a value that a person has set, with who set it and when. Who is "" for a value
// that the program has from a flag.
type Setting[T any] struct {
	Value T
	Since time.Time
	Who   string
}

// setting is a key of table settings, with values of type T. Lines are only added, so that
// the table keeps which value was valid when.
type setting[T any] string

const (
	publicURL setting[string]      = "public_url"
	goals     setting[[]site.Goal] = "goals" // for one site
	guard     setting[*int]        = "guard" // for one site; null: site.DefaultGuard
	// erasures has a line for each erasure of what visits in memory may hold, with its kind.
	erasures setting[string] = "erasures" // for one site, or for all

	declared setting[declarations] = "statement" // for one site
	own      setting[ownPolicy]    = "policy"    // for one site
)

// ownPolicy is what a site has for itself in place of values of the policy, as texts; "": that of
// the policy.
type ownPolicy struct {
	Retention  string `json:"retention,omitempty"`
	Objections string `json:"objections,omitempty"`
}

// ownOf returns what is stored of a site.
func ownOf(v site.Site) ownPolicy {
	o := ownPolicy{Objections: v.Objections}
	if v.Retention != (privacy.Period{}) {
		o.Retention = v.Retention.String()
	}
	return o
}

// period returns the retention, zero for that of the policy.
func (o ownPolicy) period() (privacy.Period, error) {
	if o.Retention == "" {
		return privacy.Period{}, nil
	}
	return privacy.ParsePeriod(o.Retention)
}

// declarations are what the owner of a site says in its statement.
type declarations struct {
	privacy.Declared
	OptOut string
}

// PublicURL returns how browsers reach the program. Its error wraps site.ErrNotFound if the
// setting has no value.
func (s *Store) PublicURL(ctx context.Context) (Setting[string], error) {
	return publicURL.read(ctx, s, 0)
}

// SetPublicURL sets how browsers reach the program, for the actor of ctx. It adds no line
// if the setting has this value already.
func (s *Store) SetPublicURL(ctx context.Context, url string) error {
	return publicURL.write(ctx, s, 0, url)
}

// history returns the last values of the setting for a site by its id, or for all sites with
// id 0, at most limit. The current value comes first.
func (k setting[T]) history(ctx context.Context, s *Store, id uint32, limit int) ([]Setting[T], error) {
	query := `
		SELECT value, since, who FROM settings
		WHERE site = {site:UInt32} AND key = {key:String}
		ORDER BY number DESC, since DESC LIMIT {limit:UInt32}`
	params := clickhouse.Parameters{"site": fmt.Sprint(id), "key": string(k), "limit": fmt.Sprint(limit)}
	rows, err := s.conn.Query(bind(ctx, params), query)
	if err != nil {
		return nil, fmt.Errorf("read setting %s: %w", k, err)
	}
	defer rows.Close()
	var all []Setting[T]
	for rows.Next() {
		var one Setting[T]
		var value string
		if err := rows.Scan(&value, &one.Since, &one.Who); err != nil {
			return nil, fmt.Errorf("read setting %s: %w", k, err)
		}
		if err := json.Unmarshal([]byte(value), &one.Value); err != nil {
			return nil, fmt.Errorf("read setting %s: %w", k, err)
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read setting %s: %w", k, err)
	}
	return all, nil
}

// read returns the current value.
func (k setting[T]) read(ctx context.Context, s *Store, id uint32) (Setting[T], error) {
	all, err := k.history(ctx, s, id, 1)
	if err != nil {
		return Setting[T]{}, err
	}
	if len(all) == 0 {
		return Setting[T]{}, fmt.Errorf("setting %s: %w", k, site.ErrNotFound)
	}
	return all[0], nil
}

// write adds a line, unless the value is the current one. Before any line, the current
// value is the zero value. Lines have numbers, since the clock may be set back.
func (k setting[T]) write(ctx context.Context, s *Store, id uint32, value T) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("write setting %s: %w", k, err)
	}
	last, err := k.read(ctx, s, id)
	if err != nil && !errors.Is(err, site.ErrNotFound) {
		return err
	}
	if held, err := json.Marshal(last.Value); err == nil && string(held) == string(text) {
		return nil
	}
	about := string(k) + ": " + string(text)
	if id != 0 {
		about = fmt.Sprintf("site %d: %s", id, about)
	}
	if err := s.note(ctx, audit.SettingChanged, about); err != nil {
		return err
	}
	return k.add(ctx, s, id, value)
}

// add adds a line, and none to the audit log.
func (k setting[T]) add(ctx context.Context, s *Store, id uint32, value T) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("write setting %s: %w", k, err)
	}
	query := `
		INSERT INTO settings (site, key, value, since, who, number)
		SELECT {site:UInt32}, {key:String}, {value:String}, now64(6), {who:String}, max(number) + 1 FROM settings
		WHERE site = {site:UInt32} AND key = {key:String}`
	params := clickhouse.Parameters{"site": fmt.Sprint(id), "key": string(k), "value": string(text), "who": audit.ActorOf(ctx).Name}
	if err := s.conn.Exec(bind(ctx, params), query); err != nil {
		return fmt.Errorf("write setting %s: %w", k, err)
	}
	return nil
}
