package visit

import (
	"encoding/binary"
	"math"
	"slices"
	"sync"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/wire"
)

// memory holds the visitors of all days, within a budget of bytes. mu is locked after
// the lock of a site. Records refer to each other by id instead of pointer: an id takes
// half the bytes, costs the garbage collector nothing, and lets a record be moved to
// close a gap.
type memory struct {
	mu     sync.Mutex
	budget int64
	share  int64 // the part of budget that one network may take

	visitors slab[visitor]
	byKey    index
	seen     ends // all visitors, in the order in which they were last seen

	blocks slab[block]

	networks  slab[network]
	byNetwork index
	freeNet   uint32 // head of the free list of networks, linked by members.newest
	inUse     int    // number of networks with a visitor

	texts texts

	days    []*siteDay // by number; nil: free
	freeDay []uint32

	evicted int64 // number of visitors evicted
}

// visitor is the record of a visitor on a day, and of their last visit.
type visitor struct {
	key   key
	other uint64              // the bits of hit.Row.Other that all rows of the visit have
	last  int64               // time of the last hit, Unix nanoseconds
	pages [inlinePages]uint32 // hashes of the first pages seen
	links [lists]link

	accountedUntil uint32 // nanoseconds before last up to which rows have counted seconds; less than a second
	day            uint32 // index in memory.days
	network        uint32 // id of the network
	origin         uint32 // text: where the visit came from, as packed by appendOrigin
	entry          uint32 // text: first path of the visit
	previous       uint32 // text: path of the last page view; only if viewed
	more           uint32 // id of the root block; 0: none
	goals          uint32 // goals that the visit has reached, as hit.Hit.Goals
	seen           uint8  // number of pages seen that day
	viewed         bool   // the visit has had a page view
	bounce         bool   // the visit counts as a bounce so far
	from           uint8  // digest of the website that led to the visit; 0: none, or unknown after a restart
}

const inlinePages = 4

// block holds hashes of pages beyond the inlinePages of a visitor. The blocks of a
// visitor are a binary tree. If a block is full, the next bit of the hash selects one of
// the two blocks below it, so that a page among hundreds is found in a few steps.
type block struct {
	pages [blockPages]uint32
	below [2]uint32 // ids; 0: none
	owner uint32    // id of the visitor
	used  uint32    // number of pages
}

const blockPages = 12

// network is a network that visitors came from.
type network struct {
	hash    uint64
	members ends
	charge  int64 // bytes of its visitors, with each text counted in full for each of them
}

var visitorBytes, blockBytes, networkBytes = sizeOf[visitor](), sizeOf[block](), sizeOf[network]()

// The lists that a visitor is in.
const (
	inSeen = iota
	inDay
	inNetwork
	lists
)

// link holds the neighbours of a visitor in a list; ends holds the ends of a list. Both
// are ids; 0 is none.
type link struct{ newer, older uint32 }
type ends struct{ newest, oldest uint32 }

// bytes returns the bytes of heap in use.
func (m *memory) bytes() int64 {
	return m.visitors.heap + m.blocks.heap + m.networks.heap + m.texts.bytes() +
		m.byKey.bytes() + m.byNetwork.bytes()
}

// find returns the id of a visitor, or 0. It needs no day: no two days share a secret, so
// keys differ between days.
func (m *memory) find(k *key) uint32 {
	return m.byKey.find(hashOf(k), func(id uint32) bool { return m.visitors.at(id).key == *k })
}

func hashOf(k *key) uint32 { return binary.LittleEndian.Uint32(k[:]) }

// add adds a visitor of a day as the one seen last, and returns the id. hash is that of
// the network.
func (m *memory) add(k *key, day uint32, hash uint64) uint32 {
	id := m.visitors.push()
	v := m.visitors.at(id)
	v.key, v.day, v.network = *k, day, m.enterNetwork(hash)
	m.byKey.add(hashOf(k), id)
	for l := range lists {
		m.link(l, id)
	}
	m.networks.at(v.network).charge += visitorBytes + indexedBytes
	return id
}

// touch makes a visitor the one seen last.
func (m *memory) touch(id uint32) {
	if m.seen.newest == id { // then also the newest of the network
		return
	}
	for _, l := range []int{inSeen, inNetwork} {
		m.unlink(l, id)
		m.link(l, id)
	}
}

// remove removes a visitor and overwrites the record. The last record moves into its
// place.
func (m *memory) remove(id uint32) {
	v := m.visitors.at(id)
	for v.more != 0 {
		m.removeBlock(v)
	}
	net := m.networks.at(v.network)
	net.charge -= visitorBytes + indexedBytes
	for _, text := range []*uint32{&v.origin, &v.entry, &v.previous} {
		m.setText(v, text, 0)
	}
	for l := range lists {
		m.unlink(l, id)
	}
	if net.members.newest == 0 {
		m.leaveNetwork(v.network)
	}
	m.byKey.remove(hashOf(&v.key), id)
	if last := m.visitors.n; last != id {
		m.move(last, id)
	}
	m.visitors.pop()
}

// move moves a record to the id of a removed one, and corrects all references to it.
func (m *memory) move(from, to uint32) {
	v := m.visitors.at(to)
	*v = *m.visitors.at(from)
	m.byKey.replace(hashOf(&v.key), from, to)
	for l := range lists {
		e, in := m.ends(l, v), v.links[l]
		if in.newer == 0 {
			e.newest = to
		} else {
			m.visitors.at(in.newer).links[l].older = to
		}
		if in.older == 0 {
			e.oldest = to
		} else {
			m.visitors.at(in.older).links[l].newer = to
		}
	}
	m.eachBlock(v.more, func(_ uint32, b *block) { b.owner = to })
}

// ends returns the ends of one of the lists that a visitor is in.
func (m *memory) ends(list int, v *visitor) *ends {
	switch list {
	case inDay:
		return &m.days[v.day].visitors
	case inNetwork:
		return &m.networks.at(v.network).members
	}
	return &m.seen
}

// link adds a visitor to a list as the newest.
func (m *memory) link(list int, id uint32) {
	v := m.visitors.at(id)
	e := m.ends(list, v)
	v.links[list] = link{older: e.newest}
	if e.newest != 0 {
		m.visitors.at(e.newest).links[list].newer = id
	} else {
		e.oldest = id
	}
	e.newest = id
}

func (m *memory) unlink(list int, id uint32) {
	v := m.visitors.at(id)
	e, in := m.ends(list, v), v.links[list]
	if in.newer == 0 {
		e.newest = in.older
	} else {
		m.visitors.at(in.newer).links[list].older = in.older
	}
	if in.older == 0 {
		e.oldest = in.newer
	} else {
		m.visitors.at(in.older).links[list].newer = in.newer
	}
}

// see adds a page or section to those that a visitor has seen. It reports whether it is
// new that day; beyond MaxPages none is.
func (m *memory) see(id uint32, page uint32) bool {
	v := m.visitors.at(id)
	if v.seen == MaxPages || m.saw(v, page) {
		return false
	}
	m.addPage(id, page)
	return true
}

// saw reports whether a visitor has seen a page or section.
func (m *memory) saw(v *visitor, page uint32) bool {
	if slices.Contains(v.pages[:min(v.seen, inlinePages)], page) {
		return true
	}
	for b, bits := v.more, page; b != 0; bits >>= 1 {
		block := m.blocks.at(b)
		if slices.Contains(block.pages[:block.used], page) {
			return true
		}
		b = block.below[bits&1]
	}
	return false
}

// addPage adds a page to those that a visitor has seen. There must be fewer than MaxPages.
func (m *memory) addPage(id uint32, page uint32) {
	v := m.visitors.at(id)
	v.seen++
	if v.seen <= inlinePages {
		v.pages[v.seen-1] = page
		return
	}
	at := &v.more
	for bits := page; *at != 0; bits >>= 1 {
		block := m.blocks.at(*at)
		if block.used < blockPages {
			block.pages[block.used] = page
			block.used++
			return
		}
		at = &block.below[bits&1]
	}
	*at = m.blocks.push() // blocks do not move, so at still points into one
	block := m.blocks.at(*at)
	block.pages[0], block.used, block.owner = page, 1, id
	m.networks.at(v.network).charge += blockBytes
}

// eachPage calls f for every page that a visitor has seen.
func (m *memory) eachPage(v *visitor, f func(page uint32)) {
	for _, page := range v.pages[:min(v.seen, inlinePages)] {
		f(page)
	}
	m.eachBlock(v.more, func(_ uint32, b *block) {
		for _, page := range b.pages[:b.used] {
			f(page)
		}
	})
}

// eachBlock calls f for a block and all below it.
func (m *memory) eachBlock(id uint32, f func(id uint32, b *block)) {
	if id == 0 {
		return
	}
	b := m.blocks.at(id)
	f(id, b)
	m.eachBlock(b.below[0], f)
	m.eachBlock(b.below[1], f)
}

// removeBlock removes a block of a visitor that has no block below it. The last of all
// blocks moves into its place.
func (m *memory) removeBlock(v *visitor) {
	at := &v.more
	for {
		b := m.blocks.at(*at)
		if b.below[0] != 0 {
			at = &b.below[0]
		} else if b.below[1] != 0 {
			at = &b.below[1]
		} else {
			break
		}
	}
	b, last := *at, m.blocks.n
	*at = 0
	m.networks.at(v.network).charge -= blockBytes
	if b != last {
		moved := m.blocks.at(last)
		at := &m.visitors.at(moved.owner).more
		for bits := moved.pages[0]; *at != last; bits >>= 1 {
			at = &m.blocks.at(*at).below[bits&1]
		}
		*at, *m.blocks.at(b) = b, *moved
	}
	m.blocks.pop()
}

// setText replaces a text of a visitor by that with id, and takes over the caller's
// reference to it.
func (m *memory) setText(v *visitor, text *uint32, id uint32) {
	m.networks.at(v.network).charge += m.texts.cost(id) - m.texts.cost(*text)
	m.texts.release(*text)
	*text = id
}

// enterNetwork returns the id of a network, which it adds if needed.
func (m *memory) enterNetwork(hash uint64) uint32 {
	id := m.byNetwork.find(uint32(hash), func(id uint32) bool { return m.networks.at(id).hash == hash })
	if id != 0 {
		return id
	}
	if id = m.freeNet; id != 0 {
		m.freeNet = m.networks.at(id).members.newest
	} else {
		id = m.networks.push()
	}
	*m.networks.at(id) = network{hash: hash}
	m.byNetwork.add(uint32(hash), id)
	m.inUse++
	return id
}

// leaveNetwork forgets a network that has no visitor.
func (m *memory) leaveNetwork(id uint32) {
	net := m.networks.at(id)
	m.byNetwork.remove(uint32(net.hash), id)
	*net = network{members: ends{newest: m.freeNet}}
	m.freeNet = id
	if m.inUse--; m.inUse == 0 {
		m.networks, m.freeNet = slab[network]{}, 0
	}
}

// reserve evicts visitors, oldest first, until one more fits.
func (m *memory) reserve() {
	for m.seen.oldest != 0 {
		need := m.bytes()
		if m.visitors.full() {
			need += perChunk * visitorBytes
		}
		if m.blocks.full() {
			need += perChunk * blockBytes
		}
		if m.networks.full() && m.freeNet == 0 {
			need += perChunk * networkBytes
		}
		if m.texts.list.full() && m.texts.free == 0 {
			need += perChunk * textBytes
		}
		if need <= m.budget {
			return
		}
		m.evict(m.seen.oldest)
	}
}

// settle evicts the oldest visitors of a network until it keeps to its share, and then
// the oldest of all until memory keeps to its budget. It keeps at least one visitor.
func (m *memory) settle(id uint32) {
	for net := m.networks.at(id); net.charge > m.share && net.members.oldest != net.members.newest; {
		m.evict(net.members.oldest)
	}
	for m.bytes() > m.budget && m.seen.oldest != m.seen.newest {
		m.evict(m.seen.oldest)
	}
}

func (m *memory) evict(id uint32) {
	m.remove(id)
	m.trim()
	m.evicted++
}

// trim frees empty chunks.
func (m *memory) trim() {
	m.visitors.trim()
	m.blocks.trim()
}

// enterDay adds a day and sets its number.
func (m *memory) enterDay(s *siteDay) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.freeDay); n > 0 {
		s.number, m.freeDay = m.freeDay[n-1], m.freeDay[:n-1]
		m.days[s.number] = s
		return
	}
	s.number = uint32(len(m.days))
	m.days = append(m.days, s)
}

// forget removes a day and its visitors, and returns their number. It unlocks m.mu after
// every atATime visitors, so that hits of other sites need not wait for all of them.
func (m *memory) forget(s *siteDay) int {
	const atATime = 1000
	for n := 0; ; {
		m.mu.Lock()
		for range atATime {
			if s.visitors.newest == 0 {
				m.trim()
				m.days[s.number] = nil
				m.freeDay = append(m.freeDay, s.number)
				m.mu.Unlock()
				return n
			}
			m.remove(s.visitors.newest)
			n++
		}
		m.mu.Unlock()
	}
}

// An origin is the fields of a row that say where its visit came from, encoded by package
// wire as one text. If all of them are empty, so is the text.
var (
	originFields = slices.DeleteFunc(slices.Clone(hit.Fields), func(f hit.Field) bool {
		return f.Fact != hit.SourceFact && f.Fact != hit.CampaignFact
	})
	originRows  = wire.NewRows(originFields)
	originTexts = make([]func(*hit.Row) *string, len(originFields))
)

func init() {
	for i, f := range originFields {
		originTexts[i] = f.At.(func(*hit.Row) *string)
	}
}

// maxOrigin is the length of the longest origin in bytes: each text has its number and
// length in front.
var maxOrigin = len(originFields) * (MaxText + 4)

// appendOrigin appends the origin of a row, with its texts cut to MaxText.
func appendOrigin(b []byte, row *hit.Row) []byte {
	for i, at := range originTexts {
		b = wire.AppendText(b, originFields[i].Number, cut(*at(row)))
	}
	return b
}

// unpackOrigin sets the fields of a row to those of an origin.
func unpackOrigin(packed string, row *hit.Row) {
	for _, at := range originTexts {
		*at(row) = ""
	}
	originRows.Read(packed, row) // can't fail: appendOrigin encoded it, or isOrigin checked it
}

// source is what of an origin decides whether a hit begins another visit.
type source struct{ channel, source, campaign, term string }

// sourceOf returns the source in a packed origin. It takes less time than to unpack all.
func sourceOf(packed string) (s source) {
	for m := wire.Read(packed); m.Next(); {
		switch m.Number {
		case channelNumber:
			s.channel = m.Text(math.MaxInt)
		case sourceNumber:
			s.source = m.Text(math.MaxInt)
		case campaignNumber:
			s.campaign = m.Text(math.MaxInt)
		case termNumber:
			s.term = m.Text(math.MaxInt)
		}
	}
	return s
}

var channelNumber, sourceNumber, campaignNumber, termNumber = numberOf("channel"), numberOf("source"), numberOf("campaign"), numberOf("campaign_term")

// numberOf returns the number of the field of an origin with a name.
func numberOf(name string) int {
	return originFields[slices.IndexFunc(originFields, func(f hit.Field) bool { return f.Name == name })].Number
}

// isOrigin reports whether a text is a packed origin.
func isOrigin(packed string) bool {
	var row hit.Row
	ok := originRows.Read(packed, &row) == nil
	for _, at := range originTexts {
		ok = ok && len(*at(&row)) <= MaxText
	}
	return ok
}
