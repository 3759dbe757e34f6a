package visit

import (
	"hash/maphash"
	"unicode/utf8"
)

// MaxText is the most bytes of a text that a visit keeps: as many as the collector keeps
// of a path. Longer texts are cut between two characters.
const MaxText = 1024

// indexedBytes is about how many bytes an index takes for each id.
const indexedBytes = 2 * slotBytes

var textBytes = sizeOf[text]()

// texts holds the texts of all visits, each once. Text 0 is the empty one.
type texts struct {
	list  slab[text]
	free  uint32 // head of the free list, linked by refs
	n     int    // number of texts with a reference
	index index
	heap  int64 // bytes of the texts themselves
	seed  maphash.Seed
}

type text struct {
	s    string
	hash uint32
	refs uint32
}

func newTexts() texts { return texts{seed: maphash.MakeSeed()} }

func (t *texts) bytes() int64 { return t.list.heap + t.heap + t.index.bytes() }

// get returns the text of an id.
func (t *texts) get(id uint32) string {
	if id == 0 {
		return ""
	}
	return t.list.at(id).s
}

// cost returns the bytes that a text takes, whether it is shared or not.
func (t *texts) cost(id uint32) int64 {
	if id == 0 {
		return 0
	}
	return textBytes + indexedBytes + heapBytes(len(t.list.at(id).s))
}

// heapBytes returns the bytes of heap that Go allocates for a string of n bytes.
func heapBytes(n int) int64 {
	switch {
	case n <= 8:
		return 8
	case n <= 256:
		return int64(n+15) &^ 15
	}
	return int64(n+127) &^ 127
}

// intern returns the id of the text equal to b, which it adds if needed, with one more
// reference.
func (t *texts) intern(b []byte) uint32 {
	if len(b) == 0 {
		return 0
	}
	hash := uint32(maphash.Bytes(t.seed, b))
	id := t.index.find(hash, func(id uint32) bool { return t.list.at(id).s == string(b) })
	if id != 0 {
		t.list.at(id).refs++
		return id
	}
	if id = t.free; id != 0 {
		t.free = t.list.at(id).refs
	} else {
		id = t.list.push()
	}
	*t.list.at(id) = text{string(b), hash, 1}
	t.heap += heapBytes(len(b))
	t.index.add(hash, id)
	t.n++
	return id
}

// release drops a reference. The list is freed when no text is left.
func (t *texts) release(id uint32) {
	if id == 0 {
		return
	}
	e := t.list.at(id)
	if e.refs--; e.refs > 0 {
		return
	}
	t.heap -= heapBytes(len(e.s))
	t.index.remove(e.hash, id)
	*e = text{refs: t.free}
	t.free = id
	if t.n--; t.n == 0 {
		*t = newTexts()
	}
}

// cut returns the first MaxText bytes of s, or a few less so as not to split a character.
func cut(s string) string {
	if len(s) <= MaxText {
		return s
	}
	n := MaxText
	for n > MaxText-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
