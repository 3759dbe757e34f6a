package visit

import "sync"

// shard holds a share of the visitors of all sites, in the order in which they
// were last seen.
type shard struct {
	mu    sync.Mutex
	limit int
	n     int
	ends  visitor // its older is the newest visitor, its newer the oldest: a ring
}

func newShard(limit int) *shard {
	s := &shard{limit: limit}
	s.ends.newer, s.ends.older = &s.ends, &s.ends
	return s
}

// oldest returns the visitor who was silent for longest; there must be one.
func (s *shard) oldest() *visitor { return s.ends.newer }

// add puts a visitor in front.
func (s *shard) add(v *visitor) {
	s.n++
	s.link(v)
}

// touch puts a visitor of the shard in front.
func (s *shard) touch(v *visitor) {
	v.newer.older, v.older.newer = v.older, v.newer
	s.link(v)
}

// remove takes a visitor out, and overwrites them.
func (s *shard) remove(v *visitor) {
	s.n--
	v.newer.older, v.older.newer = v.older, v.newer
	clear(v.pages)
	*v = visitor{}
}

func (s *shard) link(v *visitor) {
	v.newer, v.older = &s.ends, s.ends.older
	v.older.newer, s.ends.older = v, v
}
