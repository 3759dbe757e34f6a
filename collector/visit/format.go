package visit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"time"
	"unique"

	"github.com/fotspor/fotspor/hit"
)

// A hand-over is one file. Integers of fixed size are little-endian; varint and
// uvarint are those of encoding/binary. A change of anything takes a new version.
//
//	file     "fotspor visitors" (16 bytes), version (1 byte),
//	         number of days (uvarint), days, number of visitors (uvarint), visitors,
//	         CRC-32C of all that (4 bytes)
//	day      site (uvarint), kind (uvarint): 0 today, 1 a past day
//	         when the last hit came (varint, Unix nanoseconds; of a past day only),
//	         day (varint), its first moment (varint, Unix seconds), its length
//	         (uvarint, seconds), time zone (text), secrets of visitors (32 bytes)
//	         and of pages (16 bytes)
//	visitor  place of the day in the list of days (uvarint), key (16 bytes), last hit
//	         (uvarint, nanoseconds of the day), of which are yet to be told (uvarint,
//	         nanoseconds), flags (1 byte), entry page (text), previous page (text; of
//	         a visit with a page view only), origin, number of pages (uvarint),
//	         hashes of pages (8 bytes each)
//	origin   0 and seven texts: the next of a list; or its place in the list, from 1
//	text     0, length (uvarint) and bytes: the next of a list; or its place, from 1
//
// Past days come in the order of their last use, the latest first, and visitors in
// the order in which they would have to leave, shard by shard. Either list is
// emptied before it would hold more than maxShared, which bounds the memory of both
// sides.
const (
	magic     = "fotspor visitors"
	version   = 1
	maxShared = 1 << 15
	maxDay    = 48 * time.Hour // longer than any day was
	chunk     = 64 << 10       // bytes read or written at a time
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
	e := &encoder{
		w: w, buf: make([]byte, 0, chunk),
		texts: make(map[string]uint64), origins: make(map[unique.Handle[origin]]uint64),
	}
	defer func() { clear(e.buf[:cap(e.buf)]) }()
	e.write([]byte(magic))
	e.write([]byte{version})
	places := e.days(t)
	e.uvarint(uint64(t.visitors()))
	for _, sh := range t.shards {
		sh.mu.Lock()
		for v := sh.oldest(); v != &sh.ends; v = v.newer {
			e.visitor(v, places[v.site])
		}
		sh.mu.Unlock()
	}
	e.flush()
	e.buf = binary.LittleEndian.AppendUint32(e.buf, e.sum)
	e.flush()
	return e.err
}

// encoder writes by way of a buffer that never grows. After a failure it writes
// nothing.
type encoder struct {
	w       io.Writer
	err     error
	sum     uint32
	buf     []byte
	texts   map[string]uint64
	origins map[unique.Handle[origin]]uint64
}

// days writes every day that has begun, and returns their places in the list.
func (e *encoder) days(t *state) map[*site]uint64 {
	places := make(map[*site]uint64)
	for _, s := range t.days() {
		if s.loc != nil {
			places[s] = 0
		}
	}
	e.uvarint(uint64(len(places)))
	n := uint64(0)
	for id, s := range t.sites {
		if s.loc != nil {
			e.uvarint(uint64(id))
			e.uvarint(0)
			e.day(s)
			places[s] = n
			n++
		}
	}
	for _, d := range t.past.days {
		e.uvarint(uint64(d.id))
		e.uvarint(1)
		e.varint(d.used.UnixNano())
		e.day(d.site)
		places[d.site] = n
		n++
	}
	return places
}

func (e *encoder) day(s *site) {
	e.varint(int64(s.day))
	e.varint(s.start.Unix())
	e.uvarint(uint64(s.end.Sub(s.start) / time.Second))
	e.text(s.loc.String())
	e.write(s.salt[:])
	e.write(s.pages[:])
}

func (e *encoder) visitor(v *visitor, day uint64) {
	e.uvarint(day)
	e.write(v.key[:])
	e.uvarint(uint64(v.last - v.site.start.UnixNano()))
	e.uvarint(uint64(v.last - v.told))
	var flags byte
	if v.viewed {
		flags |= flagViewed
	}
	if v.bounce {
		flags |= flagBounce
	}
	e.write([]byte{flags})
	e.text(v.entry.Value())
	if v.viewed {
		e.text(v.previous.Value())
	}
	e.origin(v.origin)
	e.uvarint(uint64(len(v.pages)))
	for i := range v.pages {
		e.reserve(8)
		e.buf = binary.LittleEndian.AppendUint64(e.buf, v.pages[i])
	}
}

func (e *encoder) text(s string) {
	if place, ok := e.texts[s]; ok {
		e.uvarint(place)
		return
	}
	if len(e.texts) == maxShared {
		clear(e.texts)
	}
	e.texts[s] = uint64(len(e.texts)) + 1
	e.uvarint(0)
	e.uvarint(uint64(len(s)))
	for len(s) > 0 {
		e.reserve(1)
		n := min(len(s), cap(e.buf)-len(e.buf))
		e.buf, s = append(e.buf, s[:n]...), s[n:]
	}
}

func (e *encoder) origin(o unique.Handle[origin]) {
	if place, ok := e.origins[o]; ok {
		e.uvarint(place)
		return
	}
	if len(e.origins) == maxShared {
		clear(e.origins)
	}
	e.origins[o] = uint64(len(e.origins)) + 1
	e.uvarint(0)
	value := o.Value()
	for _, s := range value.texts() {
		e.text(*s)
	}
}

// texts lists every text of an origin, in the order in which they are handed over.
func (o *origin) texts() [7]*string {
	return [...]*string{
		&o.channel, &o.source, &o.campaign, &o.campaignSource, &o.campaignMedium,
		&o.campaignTerm, &o.campaignContent,
	}
}

func (e *encoder) uvarint(n uint64) {
	e.reserve(binary.MaxVarintLen64)
	e.buf = binary.AppendUvarint(e.buf, n)
}

func (e *encoder) varint(n int64) {
	e.reserve(binary.MaxVarintLen64)
	e.buf = binary.AppendVarint(e.buf, n)
}

// write writes a few bytes.
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
// its size and to the limit of the visitors.
func (t *state) decode(body io.Reader, size int64, now time.Time) error {
	d := &decoder{r: body, left: size, buf: make([]byte, chunk), zones: make(map[string]*time.Location)}
	defer func() { clear(d.buf); d.next = visitor{} }()
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
	r       io.Reader
	err     error
	left    int64 // bytes to come, those in rest among them
	buf     []byte
	rest    []byte // of buf
	texts   []unique.Handle[string]
	origins []unique.Handle[origin]
	zones   map[string]*time.Location // nil: unknown
	page    [8]byte                   // room to read one in
	next    visitor                   // the same
}

// decodedDay is a day of the list of days. One that is not taken over has no site.
type decodedDay struct {
	site   *site
	length time.Duration
}

// days reads every day, and takes those over that go on.
func (d *decoder) days(t *state, now time.Time) []decodedDay {
	var days []decodedDay
	for n := d.uvarint(math.MaxInt64); n > 0 && d.err == nil; n-- {
		id, past := uint32(d.uvarint(math.MaxUint32)), d.uvarint(1) == 1
		s := t.sites[id]
		if s == nil || past {
			s = newSite(t.shards)
		}
		day := pastDay{site: s, id: id}
		if past {
			day.used = time.Unix(0, d.varint()).UTC()
		} else if s.loc != nil {
			d.fail() // it has a today already
			break
		}
		length, same := d.day(s)
		switch {
		case d.err != nil || !same || past && day.idle(now):
			s.forget(t.shards)
			s = nil
		case past && len(t.past.days) == MaxPastDays:
			s.forget(t.shards)
			d.fail()
		case past:
			t.past.days = append(t.past.days, day)
		case s.over(now): // its visitors stay behind
			s.begin(dayOf(now, s.loc), s.loc, t.shards)
			t.sites[id], s = s, nil
		default:
			t.sites[id] = s
		}
		days = append(days, decodedDay{s, length})
	}
	return days
}

// day reads a day into s. It says whether the day has the bounds that it had.
func (d *decoder) day(s *site) (length time.Duration, same bool) {
	s.day = hit.Day(d.between(math.MinInt32, math.MaxInt32))
	start := d.varint()
	length = time.Duration(d.uvarint(uint64(maxDay/time.Second))) * time.Second
	loc := d.zone(d.text())
	d.read(s.salt[:])
	d.read(s.pages[:])
	if d.err != nil || loc == nil {
		return length, false
	}
	s.loc, s.start, s.end = loc, s.day.In(loc), (s.day + 1).In(loc)
	return length, s.start.Unix() == start && s.end.Sub(s.start) == length
}

// zone returns the time zone of a name, or nil.
func (d *decoder) zone(name unique.Handle[string]) *time.Location {
	if d.err != nil {
		return nil
	}
	loc, ok := d.zones[name.Value()]
	if !ok {
		loc, _ = time.LoadLocation(name.Value())
		d.zones[name.Value()] = loc
	}
	return loc
}

// visitor reads a visitor, who joins the state if the day did.
func (d *decoder) visitor(t *state, days []decodedDay) {
	place := d.uvarint(uint64(len(days)))
	v := &d.next
	*v = visitor{}
	d.read(v.key[:])
	last := int64(d.uvarint(uint64(maxDay)))
	untold := int64(d.uvarint(uint64(time.Second - 1)))
	flags := d.uvarint(flagViewed | flagBounce)
	v.viewed, v.bounce = flags&flagViewed != 0, flags&flagBounce != 0
	v.entry = d.text()
	if v.viewed {
		v.previous = d.text()
	}
	v.origin = d.origin()
	if n := d.uvarint(MaxPages); n > 0 && d.has(n*8) {
		v.pages = make([]uint64, n)
		for i := range v.pages {
			d.read(d.page[:])
			v.pages[i] = binary.LittleEndian.Uint64(d.page[:])
		}
	}
	if d.err == nil && (place == uint64(len(days)) || last >= int64(days[place].length)) {
		d.fail()
	}
	if d.err != nil || days[place].site == nil {
		return
	}
	v.site = days[place].site
	v.last = v.site.start.UnixNano() + last
	v.told = v.last - untold
	if !t.readmit(v) {
		d.fail()
	}
}

// readmit puts a visitor in front of their shard, and says whether they were not
// known before. It is called with hits held.
func (t *state) readmit(v *visitor) bool {
	i := int(v.key[0]) % len(t.shards)
	sh := t.shards[i]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if v.site.visitors[i][v.key] != nil {
		return false
	}
	in := t.admit(v.site, i, &v.key)
	v.newer, v.older = in.newer, in.older
	*in = *v
	return true
}

func (d *decoder) text() unique.Handle[string] {
	if place := d.uvarint(uint64(len(d.texts))); place > 0 {
		return d.texts[place-1]
	}
	var b []byte
	if n := d.uvarint(math.MaxInt64); n > 0 && d.has(n) {
		b = make([]byte, n)
		d.read(b)
	}
	s := unique.Make(string(b))
	if len(d.texts) == maxShared {
		d.texts = d.texts[:0]
	}
	d.texts = append(d.texts, s)
	return s
}

func (d *decoder) origin() unique.Handle[origin] {
	if place := d.uvarint(uint64(len(d.origins))); place > 0 {
		return d.origins[place-1]
	}
	var value origin
	for _, s := range value.texts() {
		*s = d.text().Value()
	}
	o := unique.Make(value)
	if len(d.origins) == maxShared {
		d.origins = d.origins[:0]
	}
	d.origins = append(d.origins, o)
	return o
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
