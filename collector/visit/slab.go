package visit

import "reflect"

// perChunk is how many records a slab grows and shrinks by. With it, Go's allocator does
// not round up the size of a chunk of any of our records.
const perChunk = 256

// slab is an array of records that grows by chunks. Its first record has id 1, so
// that 0 can stand for none. All records up to n are in use: to remove one, a caller
// moves the last one into its place and calls pop. The zero slab is empty.
type slab[T any] struct {
	chunks [][]T
	n      uint32
	heap   int64 // bytes of all chunks
}

// sizeOf returns the size of a record in bytes.
func sizeOf[T any]() int64 { return int64(reflect.TypeFor[T]().Size()) }

// at returns the record of an id. The pointer is valid until a record is removed.
func (s *slab[T]) at(id uint32) *T { return &s.chunks[(id-1)/perChunk][(id-1)%perChunk] }

// full reports whether the next push allocates a chunk.
func (s *slab[T]) full() bool { return s.n == uint32(len(s.chunks))*perChunk }

// push adds a zero record, and returns its id.
func (s *slab[T]) push() uint32 {
	if s.full() {
		s.chunks = append(s.chunks, make([]T, perChunk))
		s.heap += perChunk * sizeOf[T]()
	}
	s.n++
	return s.n
}

// pop removes the last record and overwrites it.
func (s *slab[T]) pop() {
	clear(s.chunks[(s.n-1)/perChunk][(s.n-1)%perChunk:][:1])
	s.n--
}

// trim frees empty chunks.
func (s *slab[T]) trim() {
	for last := len(s.chunks) - 1; last >= 0 && s.n <= uint32(last)*perChunk; last-- {
		s.chunks[last] = nil
		s.chunks = s.chunks[:last]
		s.heap -= perChunk * sizeOf[T]()
	}
}

// index finds the ids of records by a hash of 32 bits. It is divided into parts that grow
// one at a time, so that no hit waits while all of it grows. The zero index is empty.
type index struct {
	parts [indexParts]part
	slots int64 // number of slots of all parts
}

// part is a hash table with linear probing. Unless it is small, it is between 5/16 and
// 13/16 full. It grows by a quarter.
type part struct {
	slots []slot
	used  int
}

// slot holds an id; 0 is none.
type slot struct{ hash, id uint32 }

const (
	indexParts = 256
	slotBytes  = 8
	minSlots   = 8
)

func (x *index) bytes() int64 { return x.slots * slotBytes }

// home returns the slot at which the search for a hash begins.
func (p *part) home(hash uint32) int { return int(uint64(hash) * uint64(len(p.slots)) >> 32) }

func (p *part) next(i int) int {
	if i++; i == len(p.slots) {
		return 0
	}
	return i
}

// find returns the id with this hash for which is returns true, or 0.
func (x *index) find(hash uint32, is func(id uint32) bool) uint32 {
	p := &x.parts[hash%indexParts]
	if p.used == 0 {
		return 0
	}
	for i := p.home(hash); p.slots[i].id != 0; i = p.next(i) {
		if p.slots[i].hash == hash && is(p.slots[i].id) {
			return p.slots[i].id
		}
	}
	return 0
}

// add adds an id.
func (x *index) add(hash, id uint32) {
	p := &x.parts[hash%indexParts]
	if n := len(p.slots); p.used*16 >= n*13 {
		x.resize(p, max(minSlots, n+n/4))
	}
	p.used++
	p.put(slot{hash, id})
}

func (p *part) put(s slot) {
	i := p.home(s.hash)
	for p.slots[i].id != 0 {
		i = p.next(i)
	}
	p.slots[i] = s
}

func (x *index) resize(p *part, n int) {
	old := p.slots
	p.slots = make([]slot, n)
	x.slots += int64(n - len(old))
	for _, s := range old {
		if s.id != 0 {
			p.put(s)
		}
	}
	clear(old) // the hashes are parts of keys
}

// slot returns the slot of an id, which must be in the table.
func (p *part) slot(hash, id uint32) int {
	i := p.home(hash)
	for p.slots[i].id != id {
		i = p.next(i)
	}
	return i
}

// replace replaces the id of a record that has moved.
func (x *index) replace(hash, id, by uint32) {
	p := &x.parts[hash%indexParts]
	p.slots[p.slot(hash, id)].id = by
}

// remove removes an id. It moves ids after it into the gap if a search would stop there
// before it finds them.
func (x *index) remove(hash, id uint32) {
	p := &x.parts[hash%indexParts]
	n := len(p.slots)
	gap := p.slot(hash, id)
	for i := p.next(gap); p.slots[i].id != 0; i = p.next(i) {
		home := p.home(p.slots[i].hash)
		if (i-home+n)%n >= (i-gap+n)%n { // the search from home passes the gap
			p.slots[gap], gap = p.slots[i], i
		}
	}
	p.slots[gap] = slot{}
	switch p.used--; {
	case p.used == 0:
		x.resize(p, 0)
	case n > minSlots && p.used*16 < n*5:
		x.resize(p, max(minSlots, n/2))
	}
}
