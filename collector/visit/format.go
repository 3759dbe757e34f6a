package visit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"time"

	"github.com/fotspor/fotspor/calendar"
)

// A hand-over is one file. Integers of fixed size are little-endian; varint and
// uvarint are those of encoding/binary. A change of anything takes a new version.
//
//	file     "fotspor visitors" (16 bytes), version (1 byte),
//	         secret of networks (16 bytes), number of days (uvarint), days, number of visitors (uvarint), visitors,
//	         CRC-32C of all that (4 bytes)
//	day      site (uvarint), kind (uvarint): 0 today, 1 a past day
//	         when the last hit came (varint, Unix nanoseconds; of a past day only),
//	         day (varint), its first moment (varint, Unix seconds), its length
//	         (uvarint, seconds), time zone (text), secrets of visitors (32 bytes)
//	         and of pages (16 bytes)
//	visitor  index of the day in the list of days (uvarint), key (16 bytes), hash of
//	         the network (8 bytes), last hit (uvarint, nanoseconds of the day), how much
//	         of that rows do not account for yet (uvarint, nanoseconds),
//	         flags (1 byte), entry page (text), previous page (text; of
//	         a visit with a page view only), origin (text), number of pages (uvarint),
//	         hashes of pages (uvarint)
//	text     0, length (uvarint) and bytes: the next of a list; or its index, from 1
//
// Past days come in the order of their last use, the latest first, and visitors in
// the order in which they would have to leave. The list of texts is emptied before it
// would hold more than maxShared texts, or more than maxSharedBytes bytes of them. That
// bounds the memory of both sides.
const (
	magic   = "fotspor visitors"
	version = 3
	maxDay  = 48 * time.Hour // longer than any day was
	chunk   = 64 << 10       // bytes read or written at a time

	maxShared      = 1 << 15
	maxSharedBytes = 1 << 20
)

// Flags of a visitor.
const (
	flagViewed = 1 << iota
	flagBounce
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	errShort    = errors.New("file is cut short")
	errMagic    = errors.New("file is not a hand-over")
	errVersion  = errors.New("file has a format that this version does not read")
	errChecksum = errors.New("checksum of file does not match")
	errDecode   = errors.New("file does not decode")
)

// encode writes the state. It is called with hits held.
func (t *state) encode(w io.Writer) error {
	e := &encoder{w: w, buf: make([]byte, 0, chunk), texts: make(map[string]uint64)}
	defer func() { clear(e.buf[:cap(e.buf)]) }()
	e.write([]byte(magic))
	e.write([]byte{version})
	e.uint64(t.secret[0])
	e.uint64(t.secret[1])
	indexes := e.days(t)
	m := &t.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	e.uvarint(uint64(m.visitors.n))
	for id := m.seen.oldest; id != 0; id = m.visitors.at(id).links[inSeen].newer {
		e.visitor(m, m.visitors.at(id), indexes)
	}
	e.flush()
	e.buf = binary.LittleEndian.AppendUint32(e.buf, e.sum)
	e.flush()
	return e.err
}

// encoder writes by way of a buffer that never grows. After a failure it writes
// nothing.
type encoder struct {
	w      io.Writer
	err    error
	sum    uint32
	buf    []byte
	texts  map[string]uint64
	shared int // bytes of texts
}

// days writes every day that has begun, and returns their indexes in the list.
func (e *encoder) days(t *state) map[*siteDay]uint64 {
	indexes := make(map[*siteDay]uint64)
	for _, s := range t.days() {
		if s.loc != nil {
			indexes[s] = 0
		}
	}
	e.uvarint(uint64(len(indexes)))
	n := uint64(0)
	for id, s := range t.sites {
		if s.loc != nil {
			e.uvarint(uint64(id))
			e.uvarint(0)
			e.day(s)
			indexes[s] = n
			n++
		}
	}
	for _, d := range t.past.days {
		e.uvarint(uint64(d.id))
		e.uvarint(1)
		e.varint(d.used.UnixNano())
		e.day(d.siteDay)
		indexes[d.siteDay] = n
		n++
	}
	return indexes
}

func (e *encoder) day(s *siteDay) {
	e.varint(int64(s.day))
	e.varint(s.start.Unix())
	e.uvarint(uint64(s.end.Sub(s.start) / time.Second))
	e.text(s.loc.String())
	e.write(s.salt[:])
	e.write(s.pages[:])
}

func (e *encoder) visitor(m *memory, v *visitor, indexes map[*siteDay]uint64) {
	day := m.days[v.day]
	e.uvarint(indexes[day])
	e.write(v.key[:])
	e.uint64(m.networks.at(v.network).hash)
	e.uvarint(uint64(v.last - day.start.UnixNano()))
	e.uvarint(uint64(v.accountedUntil))
	var flags byte
	if v.viewed {
		flags |= flagViewed
	}
	if v.bounce {
		flags |= flagBounce
	}
	e.write([]byte{flags})
	e.text(m.texts.get(v.entry))
	if v.viewed {
		e.text(m.texts.get(v.previous))
	}
	e.text(m.texts.get(v.origin))
	e.uvarint(uint64(v.seen))
	m.eachPage(v, func(page uint32) { e.uvarint(uint64(page)) })
}

func (e *encoder) text(s string) {
	if index, ok := e.texts[s]; ok {
		e.uvarint(index)
		return
	}
	if len(e.texts) == maxShared || e.shared+len(s) > maxSharedBytes {
		clear(e.texts)
		e.shared = 0
	}
	e.texts[s] = uint64(len(e.texts)) + 1
	e.shared += len(s)
	e.uvarint(0)
	e.uvarint(uint64(len(s)))
	e.write([]byte(s))
}

func (e *encoder) uint64(n uint64) {
	e.reserve(8)
	e.buf = binary.LittleEndian.AppendUint64(e.buf, n)
}

func (e *encoder) uvarint(n uint64) {
	e.reserve(binary.MaxVarintLen64)
	e.buf = binary.AppendUvarint(e.buf, n)
}

func (e *encoder) varint(n int64) {
	e.reserve(binary.MaxVarintLen64)
	e.buf = binary.AppendVarint(e.buf, n)
}

// write writes a few bytes: less than the buffer holds.
func (e *encoder) write(b []byte) {
	e.reserve(len(b))
	e.buf = append(e.buf, b...)
}

// reserve makes room for n bytes in the buffer.
func (e *encoder) reserve(n int) {
	if cap(e.buf)-len(e.buf) < n {
		e.flush()
	}
}

func (e *encoder) flush() {
	e.sum = crc32.Update(e.sum, castagnoli, e.buf)
	if e.err == nil {
		_, e.err = e.w.Write(e.buf)
	}
	e.buf = e.buf[:0]
}

// verify says whether a file of some size is a hand-over and whole, and returns
// what is between its version and its checksum.
func verify(f io.ReaderAt, size int64) (*io.SectionReader, error) {
	var head [len(magic) + 1]byte
	const least = int64(len(head) + crc32.Size)
	n, err := f.ReadAt(head[:], 0)
	switch {
	case err != nil && err != io.EOF:
		return nil, err
	case string(head[:min(n, len(magic))]) != magic[:min(n, len(magic))]:
		return nil, errMagic
	case size < least:
		return nil, errShort
	case head[len(magic)] != version:
		return nil, fmt.Errorf("%w: format %d", errVersion, head[len(magic)])
	}
	buf := make([]byte, chunk)
	defer clear(buf)
	sum := crc32.New(castagnoli)
	if _, err := io.CopyBuffer(sum, io.NewSectionReader(f, 0, size-crc32.Size), buf); err != nil {
		return nil, err
	}
	var want [crc32.Size]byte
	if _, err := f.ReadAt(want[:], size-crc32.Size); err != nil {
		return nil, err
	}
	if binary.LittleEndian.Uint32(want[:]) != sum.Sum32() {
		return nil, errChecksum
	}
	return io.NewSectionReader(f, int64(len(head)), size-least), nil
}

// decode adds what is in the body of a hand-over, size bytes long, to the state,
// which has no days. It is called with hits held. After an error the state holds a
// part of it. Whatever the body, decode takes no more memory than in proportion to
// its size and to the budget.
func (t *state) decode(body io.Reader, size int64, now time.Time) error {
	d := &decoder{r: body, left: size, buf: make([]byte, chunk), zones: make(map[string]*time.Location)}
	defer func() { clear(d.buf); d.next = decoded{} }()
	t.secret = [2]uint64{d.uint64(), d.uint64()}
	days := d.days(t, now)
	for n := d.uvarint(math.MaxInt64); n > 0 && d.err == nil; n-- {
		d.visitor(t, days)
	}
	if d.left > 0 {
		d.fail()
	}
	return d.err
}

// decoder reads by way of a buffer. After a failure it reads zeros.
type decoder struct {
	r      io.Reader
	err    error
	left   int64 // bytes to come, those in rest among them
	buf    []byte
	rest   []byte // of buf
	texts  []string
	shared int                       // bytes of texts
	zones  map[string]*time.Location // nil: unknown
	word   [8]byte                   // buffer of uint64
	next   decoded                   // the visitor that is read
}

// decoded is a visitor as read.
type decoded struct {
	visitor
	network                 uint64
	entry, previous, origin string
	pages                   [MaxPages]uint32
}

// decodedDay is a day of the list of days. One that is not taken over has no site.
type decodedDay struct {
	siteDay *siteDay
	length  time.Duration
}

// days reads every day, and takes those over that go on.
func (d *decoder) days(t *state, now time.Time) []decodedDay {
	var days []decodedDay
	for n := d.uvarint(math.MaxInt64); n > 0 && d.err == nil; n-- {
		id, past := uint32(d.uvarint(math.MaxUint32)), d.uvarint(1) == 1
		s := t.sites[id]
		if s == nil || past {
			s = new(siteDay)
		}
		day := pastDay{siteDay: s, id: id}
		if past {
			day.used = time.Unix(0, d.varint()).UTC()
		} else if s.loc != nil {
			d.fail() // it has a today already
			break
		}
		length, same := d.day(s, &t.memory)
		switch {
		case d.err != nil || !same || past && day.idle(now):
			s.forget(&t.memory)
			s = nil
		case past && len(t.past.days) == MaxPastDays:
			s.forget(&t.memory)
			d.fail()
		case past:
			t.past.days = append(t.past.days, day)
		case !s.open(now, s.loc): // its visitors stay behind
			s.begin(dayOf(now, s.loc), s.loc, &t.memory)
			t.sites[id], s = s, nil
		default:
			t.sites[id] = s
		}
		days = append(days, decodedDay{s, length})
	}
	return days
}

// day reads a day into s. It says whether the day has the bounds that it had.
func (d *decoder) day(s *siteDay, m *memory) (length time.Duration, same bool) {
	day := calendar.Day(d.between(math.MinInt32, math.MaxInt32))
	start := d.varint()
	length = time.Duration(d.uvarint(uint64(maxDay/time.Second))) * time.Second
	loc := d.zone(d.text(MaxText))
	d.read(s.salt[:])
	d.read(s.pages[:])
	if d.err != nil || loc == nil {
		return length, false
	}
	s.set(day, loc, m)
	return length, s.start.Unix() == start && s.end.Sub(s.start) == length
}

// zone returns the time zone of a name, or nil.
func (d *decoder) zone(name string) *time.Location {
	if d.err != nil {
		return nil
	}
	loc, ok := d.zones[name]
	if !ok {
		loc, _ = time.LoadLocation(name)
		d.zones[name] = loc
	}
	return loc
}

// visitor reads a visitor, who joins the state if the day did.
func (d *decoder) visitor(t *state, days []decodedDay) {
	index := d.uvarint(uint64(len(days)))
	v := &d.next
	*v = decoded{}
	d.read(v.key[:])
	v.network = d.uint64()
	last := int64(d.uvarint(uint64(maxDay)))
	v.accountedUntil = uint32(d.uvarint(uint64(time.Second - 1)))
	flags := d.uvarint(flagViewed | flagBounce)
	v.viewed, v.bounce = flags&flagViewed != 0, flags&flagBounce != 0
	v.entry = d.text(MaxText)
	if v.viewed {
		v.previous = d.text(MaxText)
	}
	v.origin = d.text(originTexts * (2 + MaxText))
	v.seen = uint8(d.uvarint(MaxPages))
	for i := range v.seen {
		v.pages[i] = uint32(d.uvarint(math.MaxUint32))
	}
	if d.err == nil && (index == uint64(len(days)) || last >= int64(days[index].length) || !isOrigin(v.origin)) {
		d.fail()
	}
	if d.err != nil || days[index].siteDay == nil {
		return
	}
	s := days[index].siteDay
	v.last = s.start.UnixNano() + last
	if !t.memory.readmit(v, s.number) {
		d.fail()
	}
}

// readmit makes a visitor the one seen last, and says whether they were not known
// before.
func (m *memory) readmit(d *decoded, day uint32) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.find(&d.key) != 0 {
		return false
	}
	m.reserve()
	id := m.add(&d.key, day, d.network)
	v := m.visitors.at(id)
	v.last, v.accountedUntil, v.viewed, v.bounce = d.last, d.accountedUntil, d.viewed, d.bounce
	m.setText(v, &v.entry, m.texts.intern([]byte(d.entry)))
	m.setText(v, &v.previous, m.texts.intern([]byte(d.previous)))
	m.setText(v, &v.origin, m.texts.intern([]byte(d.origin)))
	for _, page := range d.pages[:d.seen] {
		m.addPage(id, page)
	}
	m.settle(v.network)
	return true
}

// text reads a text of at most limit bytes.
func (d *decoder) text(limit uint64) string {
	if index := d.uvarint(uint64(len(d.texts))); index > 0 {
		s := d.texts[index-1]
		if uint64(len(s)) > limit {
			d.fail()
		}
		return s
	}
	b := make([]byte, d.uvarint(limit))
	d.read(b)
	s := string(b)
	if len(d.texts) == maxShared || d.shared+len(s) > maxSharedBytes {
		clear(d.texts)
		d.texts, d.shared = d.texts[:0], 0
	}
	d.texts = append(d.texts, s)
	d.shared += len(s)
	return s
}

func (d *decoder) fail() {
	if d.err == nil {
		d.err = errDecode
	}
}

// has says whether n bytes are to come.
func (d *decoder) has(n uint64) bool {
	if d.err == nil && n > uint64(d.left) {
		d.fail()
	}
	return d.err == nil
}

// ReadByte implements io.ByteReader.
func (d *decoder) ReadByte() (byte, error) {
	if !d.has(1) || !d.fill() {
		return 0, d.err
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	d.left--
	return b, nil
}

// read fills b, if there is as much.
func (d *decoder) read(b []byte) {
	if !d.has(uint64(len(b))) {
		return
	}
	for len(b) > 0 && d.fill() {
		n := copy(b, d.rest)
		b, d.rest = b[n:], d.rest[n:]
		d.left -= int64(n)
	}
}

// fill sees to it that rest is not empty, where there are bytes to come.
func (d *decoder) fill() bool {
	if len(d.rest) == 0 {
		n := min(int64(len(d.buf)), d.left)
		if _, err := io.ReadFull(d.r, d.buf[:n]); err != nil {
			d.err = err
			return false
		}
		d.rest = d.buf[:n]
	}
	return true
}

func (d *decoder) uint64() uint64 {
	clear(d.word[:])
	d.read(d.word[:])
	return binary.LittleEndian.Uint64(d.word[:])
}

func (d *decoder) uvarint(max uint64) uint64 {
	n, err := binary.ReadUvarint(d)
	if err != nil || n > max {
		d.fail()
		return 0
	}
	return n
}

func (d *decoder) varint() int64 { return d.between(math.MinInt64, math.MaxInt64) }

func (d *decoder) between(min, max int64) int64 {
	n, err := binary.ReadVarint(d)
	if err != nil || n < min || n > max {
		d.fail()
		return 0
	}
	return n
}
