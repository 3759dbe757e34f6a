package cli

import (
	"math"
	"testing"

	"github.com/fotspor/fotspor/app"
)

// TestGoMemory: Go gets nine tenths of what the process may take, less the engine's share.
func TestGoMemory(t *testing.T) {
	const mb = 1 << 20
	for _, c := range []struct {
		total     uint64
		engine    int64
		collector bool
		want      int64
		enough    bool
	}{
		{1500 * mb, 400 * mb, true, 950*mb + app.ReservedMemory, true},
		{1500 * mb, 400 * mb, false, 950 * mb, true},
		{1500 * mb, 0, false, 1350 * mb, true},
		{512 * mb, 0, true, 460*mb + app.ReservedMemory, true},
		{512 * mb, 400 * mb, false, leastMemory, false},
		{100 * mb, 0, false, leastMemory, false},
		{math.MaxUint64, 0, true, math.MaxInt64/10*9 + app.ReservedMemory, true},
	} {
		limit, enough := goMemory(c.total, c.engine, c.collector)
		if limit < c.want-mb || limit > c.want+mb || enough != c.enough {
			t.Errorf("goMemory(%d, %d, %v) = %d, %v, want %d, %v", c.total, c.engine, c.collector, limit, enough, c.want, c.enough)
		}
	}
}
