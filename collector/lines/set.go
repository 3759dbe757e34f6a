package lines

import "math/bits"

// set is a set of hashes, by open addressing. The zero set is empty. It is at most
// seven eighths full and grows by half, so that a hash takes 9 to 14 bytes.
type set struct {
	slots []uint64 // 0: free
	n     int
}

const (
	leastSlots = 16
	hashBytes  = 8
)

// has reports whether the set has a hash.
func (s *set) has(h uint64) bool {
	if s.n == 0 {
		return false
	}
	_, found := s.find(whole(h))
	return found
}

// whole returns a hash that is not the mark of a free slot.
func whole(h uint64) uint64 { return max(h, 1) }

// find returns the slot of a hash, or the free one where it belongs.
func (s *set) find(h uint64) (at uint64, found bool) {
	size := uint64(len(s.slots))
	for at, _ = bits.Mul64(h, size); s.slots[at] != 0; {
		if s.slots[at] == h {
			return at, true
		}
		if at++; at == size {
			at = 0
		}
	}
	return at, false
}

// growth returns by how many bytes the set grows with one more hash.
func (s *set) growth() int64 {
	if s.n < len(s.slots)-len(s.slots)/8 {
		return 0
	}
	return int64(max(leastSlots, len(s.slots)+len(s.slots)/2)-len(s.slots)) * hashBytes
}

// add adds a hash, and reports whether it was not in the set before.
func (s *set) add(h uint64) bool {
	h = whole(h)
	if grown := s.growth(); grown > 0 {
		old := s.slots
		s.slots = make([]uint64, len(old)+int(grown/hashBytes))
		for _, h := range old {
			if h != 0 {
				at, _ := s.find(h)
				s.slots[at] = h
			}
		}
	}
	at, found := s.find(h)
	if !found {
		s.slots[at] = h
		s.n++
	}
	return !found
}

// bytes is what the set takes of the heap.
func (s *set) bytes() int64 { return int64(cap(s.slots)) * hashBytes }
