package visit

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/race"
)

// check returns an error unless every visitor of a memory is in three lists and found by
// key, and all counters equal the numbers of records.
func (m *memory) check() (err error) {
	n := m.visitors.n
	charges, refs := make(map[uint32]int64), make(map[uint32]uint32)
	blocks, members := 0, make(map[uint32]int)
	for id := uint32(1); id <= n; id++ {
		v := m.visitors.at(id)
		if got := m.find(&v.key); got != id {
			return fmt.Errorf("visitor %d is found as %d", id, got)
		}
		for l, in := range v.links {
			e := m.ends(l, v)
			if in.newer == 0 && e.newest != id || in.older == 0 && e.oldest != id ||
				in.newer != 0 && m.visitors.at(in.newer).links[l].older != id ||
				in.older != 0 && m.visitors.at(in.older).links[l].newer != id {
				return fmt.Errorf("visitor %d has lost their place in list %d", id, l)
			}
		}
		cost := visitorBytes + indexedBytes
		pages := min(int(v.seen), inlinePages)
		m.eachBlock(v.more, func(b uint32, block *block) {
			if block.owner != id {
				err = fmt.Errorf("block %d of visitor %d says it is of %d", b, id, block.owner)
			}
			if block.used == 0 || block.used < blockPages && block.below != [2]uint32{} {
				err = fmt.Errorf("block %d of visitor %d holds %d pages and has blocks below it", b, id, block.used)
			}
			pages += int(block.used)
			blocks++
			cost += blockBytes
		})
		m.eachPage(v, func(page uint32) {
			if m.see(id, page) {
				err = fmt.Errorf("page %x of visitor %d is not found", page, id)
			}
		})
		if pages != int(v.seen) {
			err = fmt.Errorf("visitor %d has %d pages, and %d seen", id, pages, v.seen)
		}
		if err != nil {
			return err
		}
		for _, text := range []uint32{v.entry, v.previous, v.origin} {
			if text != 0 {
				refs[text]++
				cost += m.texts.cost(text)
			}
		}
		charges[v.network] += cost
		members[v.network]++
	}
	if blocks != int(m.blocks.n) || len(charges) != m.inUse || len(refs) != m.texts.n {
		return fmt.Errorf("%d blocks, %d networks, %d texts; said are %d, %d, %d",
			blocks, len(charges), len(refs), m.blocks.n, m.inUse, m.texts.n)
	}
	for id, charge := range charges {
		if got := m.networks.at(id).charge; got != charge {
			return fmt.Errorf("network %d is charged %d, its visitors make %d", id, got, charge)
		}
		if charge > m.share && members[id] > 1 {
			return fmt.Errorf("network %d takes %d, more than its share", id, charge)
		}
	}
	heap := int64(0)
	for id, n := range refs {
		text := m.texts.list.at(id)
		if text.refs != n {
			return fmt.Errorf("text %d has %d references, and says %d", id, n, text.refs)
		}
		heap += heapBytes(len(text.s))
	}
	if heap != m.texts.heap {
		return fmt.Errorf("texts take %d bytes, and %d are said", heap, m.texts.heap)
	}
	for _, x := range []*index{&m.byKey, &m.byNetwork, &m.texts.index} {
		slots, used := 0, 0
		for _, part := range x.parts {
			slots += len(part.slots)
			in := 0
			for _, e := range part.slots {
				if e.id != 0 {
					in++
				}
			}
			if in != part.used || in > 0 && in == len(part.slots) {
				return fmt.Errorf("part of an index with %d slots has %d entries, and says %d", len(part.slots), in, part.used)
			}
			used += in
		}
		if int64(slots) != x.slots {
			return fmt.Errorf("index has %d slots, and says %d", slots, x.slots)
		}
	}
	if m.bytes() > m.budget {
		return fmt.Errorf("%d bytes, more than the budget", m.bytes())
	}
	return nil
}

// TestInvariants: random traffic of many sites and days, in little memory.
func TestInvariants(t *testing.T) {
	race.Skip(t)
	for seed := range uint64(3) { // one for each budget
		r := rand.New(rand.NewPCG(seed, 5))
		now := noon
		tr := New(Options{Now: func() time.Time { return now }})
		m := &tr.state().memory
		m.budget = []int64{200 << 10, 300 << 10, 500 << 10}[seed%3] // less than MinMemory
		m.share = m.budget / networkShare
		for i := range 10_000 {
			now = now.Add(time.Duration(r.ExpFloat64() * float64(time.Second)))
			if r.IntN(2000) == 0 {
				now = now.Add(time.Duration(r.IntN(100)-40) * time.Hour)
			}
			h := &hit.Hit{
				Site: 1 + r.Uint32N(5), Time: now.AddDate(0, 0, -r.IntN(3)), Kind: hit.Pageview,
				Addr:      hit.NewAddr(netip.AddrFrom4([4]byte{10, byte(r.IntN(4)), byte(r.ExpFloat64() * 20), byte(r.IntN(256))})),
				UserAgent: fmt.Sprint(r.IntN(3)),
			}
			pages := 1
			if r.IntN(30) == 0 {
				pages = r.IntN(MaxPages + 20)
			}
			for range pages {
				row := hit.Row{Path: "/" + strings.Repeat("x", int(r.ExpFloat64()*100)), Source: fmt.Sprint(r.IntN(100))}
				tr.Observe(h, &row, time.UTC)
			}
			if r.IntN(300) == 0 {
				tr.Sweep(now)
			}
			if i%97 == 0 {
				if err := m.check(); err != nil {
					t.Fatalf("seed %d, after %d hits: %v", seed, i, err)
				}
			}
		}
		if m.evicted == 0 {
			t.Errorf("seed %d: nobody had to leave", seed)
		}
	}
}

// TestIndex compares an index with a map, with hashes that collide.
func TestIndex(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	var x index
	hashes := make(map[uint32]uint32) // by id
	for range 200_000 {
		id := 1 + r.Uint32N(3000)
		hash, known := hashes[id]
		got := uint32(0)
		if known {
			got = x.find(hash, func(other uint32) bool { return other == id })
		}
		if known != (got == id) {
			t.Fatalf("id %d: known %t, found as %d", id, known, got)
		}
		switch {
		case !known:
			hash = r.Uint32N(3) + r.Uint32N(20)*0x0c010100
			x.add(hash, id)
			hashes[id] = hash
		case r.IntN(2) == 0:
			x.replace(hash, id, id+10_000)
			x.replace(hash, id+10_000, id)
		default:
			x.remove(hash, id)
			delete(hashes, id)
		}
	}
	for id, hash := range hashes {
		x.remove(hash, id)
	}
	if x.bytes() != 0 {
		t.Errorf("an empty index takes %d bytes", x.bytes())
	}
}

func TestCut(t *testing.T) {
	for _, s := range []string{"", "/a", strings.Repeat("x", MaxText), strings.Repeat("x", MaxText-1) + "æ", strings.Repeat("🦊", MaxText), strings.Repeat("\x80", 2*MaxText)} {
		got := cut(s)
		if len(got) > MaxText || len(got) < min(len(s), MaxText-4) || !strings.HasPrefix(s, got) {
			t.Errorf("cut(%d bytes) has %d bytes", len(s), len(got))
		}
		if strings.ToValidUTF8(s, "") == s && strings.ToValidUTF8(got, "") != got {
			t.Errorf("cut(%.8q…) ends within a character", s)
		}
	}
}
