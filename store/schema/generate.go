package schema

import (
	"fmt"
	"strings"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/report"
)

// Windows are the settings by which a table that is filled by inserts of segments, or by
// a view on such a table, knows an insert that is sent again. They must outlast every
// retry of a segment, on one server and on replicas.
const Windows = `non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 2592000`

// gone are the settings of a table whose rows must leave the disk when they are deleted.
const gone = `old_parts_lifetime = 5, cleanup_delay_period = 5, max_cleanup_delay_period = 10,
    min_age_to_force_merge_seconds = 0`

// Hits returns the migration that makes table hits, from hit.Fields.
func Hits() string {
	var b strings.Builder
	b.WriteString(`-- Generated from hit.Fields by go run ./generate.
-- The raw rows. One hit is one row; nothing in it says who came.
-- The sorting key has nothing that ages or may be erased: such columns are changed by
-- mutations, which can not change a key. Replaced parts leave the disk within seconds
-- instead of eight minutes, because deleted rows must be gone, not hidden.
CREATE TABLE IF NOT EXISTS hits
(
`)
	name, kind := 0, 0
	for _, f := range hit.Fields {
		name, kind = max(name, len(f.Name)), max(kind, len(f.Type))
	}
	for i, f := range hit.Fields {
		end := ","
		if i == len(hit.Fields)-1 {
			end = ""
		}
		fmt.Fprintf(&b, "    %-*s %-*s COMMENT '%s' CODEC(%s)%s\n", name, f.Name, kind, f.Type, quoted.Replace(f.Comment), f.Codec, end)
	}
	b.WriteString(`)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (site, day, channel, country, browser, os, device)
SETTINGS ` + Windows + `,
    min_bytes_for_wide_part = 16777216,
    ` + gone + `;
`)
	return b.String()
}

// Rollups returns the migration that makes the rollups and their views, from package
// report.
func Rollups() string {
	var b strings.Builder
	b.WriteString(`-- Generated from report.Rollups by go run ./generate.
-- General information about traffic: sums without any address, kept when the raw rows
-- are gone, but for the cube, which lives as long as they. Each is filled by the same
-- insert as the raw rows, under the same deduplication token.
`)
	for _, r := range report.Rollups {
		settings := Windows
		if r.Mortal {
			settings += ",\n    " + gone
		}
		fmt.Fprintf(&b, "\n%s;\n\n%s;\n", r.Table(settings), r.View())
	}
	return b.String()
}
