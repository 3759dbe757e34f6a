package store

import (
	"context"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/report"
)

// changes knows when tables were changed last, as long as all statements that change them pass
// the engine of this process. It is safe for concurrent use.
type changes struct {
	mu     sync.Mutex
	last   uint64                  // number of the last change
	all    uint64                  // of the last one that may concern all tables
	tables map[string]uint64       // of the last insert into each
	days   map[calendar.Day]uint64 // of the last insert of hits of each day alone
}

// maxChanged bounds how many tables, and days, changes knows apart.
const maxChanged = 4096

// daysOf is the key of the days that the hits of an insert are of, in its context.
type daysOf struct{}

// note takes down that a table was changed, or with "" any. It is for embedded.Engine.Watch.
func (c *changes) note(ctx context.Context, table string) {
	days, _ := ctx.Value(daysOf{}).(map[calendar.Day]bool)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	switch {
	case table == "" || len(c.tables) > maxChanged || len(c.days) > maxChanged:
		c.all = c.last
		clear(c.tables)
		clear(c.days)
	case table == "hits" && days != nil:
		for day := range days {
			c.days[day] = c.last
		}
	default:
		c.tables[table] = c.last
	}
}

// A scope is what an answer is read from: tables, and of hits and rollups some days only.
type scope struct {
	tables []string
	days   []calendar.Range
}

// since reports whether something of a scope was changed after a change.
func (c *changes) since(number uint64, of scope) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all > number || slices.ContainsFunc(of.tables, func(table string) bool { return c.tables[table] > number }) {
		return true
	}
	for day, changed := range c.days {
		if changed > number && slices.ContainsFunc(of.days, func(r calendar.Range) bool { return r.Contains(day) }) {
			return true
		}
	}
	return false
}

// unchanged returns a function that reports whether nothing of a scope has changed since this
// call. It is nil if statements may change the store that this process does not see. The days
// of the scope may be set later, before the function is called.
func (s *Store) unchanged(of *scope) func() bool {
	if !s.sees.Load() {
		return nil
	}
	s.changes.mu.Lock()
	number := s.changes.last
	s.changes.mu.Unlock()
	return func() bool { return s.sees.Load() && !s.changes.since(number, *of) }
}

// ofFigures are the tables that answers to queries are read from.
func ofFigures() []string {
	tables := []string{"hits", "erased"}
	for _, r := range report.Rollups {
		tables = append(tables, r.Name)
	}
	return tables
}

// recalled keeps what was read last, each with a function that reports whether it still holds.
// Values are shared: nobody changes them. It is safe for concurrent use.
type recalled[K comparable, V any] struct {
	mu    sync.Mutex
	kept  map[K]recollection[V]
	bytes int // of what is kept
}

type recollection[V any] struct {
	value V
	holds func() bool
	bytes int
}

// maxRecalled bounds what is kept of a kind, in bytes; entryBytes is what an entry takes besides
// its key and value.
const (
	maxRecalled = 2 << 20
	entryBytes  = 256
)

// recall returns what is kept under a key if it still holds, or else reads it and keeps it. read
// may set of which days the value is. Nothing is kept where changes are not seen.
func recall[K comparable, V any](s *Store, kept *recalled[K, V], key K, of *scope, read func() (V, error)) (V, error) {
	holds := s.unchanged(of)
	if holds == nil {
		return read()
	}
	kept.mu.Lock()
	known, found := kept.kept[key]
	kept.mu.Unlock()
	if found && known.holds() {
		return known.value, nil
	}
	value, err := read()
	if err != nil {
		return value, err
	}
	kept.keep(key, recollection[V]{value, holds, entryBytes + sizeOf(reflect.ValueOf(key)) + sizeOf(reflect.ValueOf(&value))})
	return value, nil
}

// keep keeps a value, unless it takes more than a quarter of the bytes. When they are used up it
// begins anew.
func (r *recalled[K, V]) keep(key K, one recollection[V]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if old, known := r.kept[key]; known {
		delete(r.kept, key)
		r.bytes -= old.bytes
	}
	if one.bytes > maxRecalled/4 {
		return
	}
	if r.kept == nil || r.bytes+one.bytes > maxRecalled {
		r.kept, r.bytes = map[K]recollection[V]{}, 0
	}
	r.kept[key] = one
	r.bytes += one.bytes
}

// sizeOf returns about how many bytes a value takes, with what it points to. A location of time
// zones is shared, and counts as a pointer.
func sizeOf(v reflect.Value) int {
	n := int(v.Type().Size())
	switch v.Kind() {
	case reflect.String:
		n += v.Len()
	case reflect.Slice:
		n += (v.Cap() - v.Len()) * int(v.Type().Elem().Size())
		for i := range v.Len() {
			n += sizeOf(v.Index(i))
		}
	case reflect.Map:
		for of := v.MapRange(); of.Next(); {
			n += 2 * (sizeOf(of.Key()) + sizeOf(of.Value())) // a map is at most half empty
		}
	case reflect.Pointer:
		if !v.IsNil() && v.Type() != reflect.TypeFor[*time.Location]() {
			n += sizeOf(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			n += sizeOf(v.Field(i)) - int(v.Field(i).Type().Size())
		}
	}
	return n
}
