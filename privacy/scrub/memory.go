package scrub

import (
	"crypto/rand"
	"encoding/binary"
	"sync/atomic"

	"github.com/dchest/siphash"
)

// Memory remembers texts in which nothing was found whoever sent them, because titles and
// paths come again with each visitor. It holds keyed hashes of 64 bits and no text, in 256
// KiB: a text takes the place of an older one. A nil Memory remembers nothing. It is safe
// for concurrent use.
//
// What else is done to titles need not be done again either: see KeepTitle.
type Memory struct {
	key    [2]uint64
	hashes [1 << 15]atomic.Uint64
}

// maxKnown is the length of the longest text that is remembered, in bytes.
const maxKnown = 1 << 10

// NewMemory returns a Memory without a text.
func NewMemory() *Memory {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return &Memory{key: [2]uint64{binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:])}}
}

// knows reports whether nothing is in a text of a kind. If not, that is not known.
func (m *Memory) knows(text string, as kind) bool {
	if m == nil || len(text) > maxKnown {
		return false
	}
	hash := m.hash(text, as)
	return m.at(hash).Load() == hash
}

// keep remembers that nothing is in a text of a kind.
func (m *Memory) keep(text string, as kind) {
	if m == nil || len(text) > maxKnown {
		return
	}
	hash := m.hash(text, as)
	m.at(hash).Store(hash)
}

// title is the kind of titles that stay as they are.
const title kind = hostName + 1

// KnowsTitle reports whether KeepTitle remembers a title.
func (m *Memory) KnowsTitle(text string) bool { return m.knows(text, title) }

// KeepTitle remembers a title that the caller has scrubbed as Text and keeps as it came, if
// that is so whoever sends it.
func (m *Memory) KeepTitle(text string) {
	if m.knows(text, freeText) || look(text) == (traces{}) {
		m.keep(text, title)
	}
}

func (m *Memory) at(hash uint64) *atomic.Uint64 { return &m.hashes[hash%uint64(len(m.hashes))] }

// hash is never 0, which is in a place without a text.
func (m *Memory) hash(text string, as kind) uint64 {
	var space [maxKnown]byte
	return siphash.Hash(m.key[0]+uint64(as), m.key[1], append(space[:0], text...)) | 1<<63
}
