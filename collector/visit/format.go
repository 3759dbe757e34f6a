package visit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"slices"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/internal/wire"
)

// A hand-over is one file.
//
//	file     "fotspor visitors" (16 bytes), version (1 byte), a message in the encoding of
//	         package wire, CRC-32C of all that (4 bytes, little-endian)
//
// The fields of the message, and of the messages in it, are listed below. A program skips
// fields that it does not know, so a hand-over survives an upgrade that adds one.
//
// Texts of visitors repeat. The first time, a field holds the text itself, which is added
// to a list; later it holds the index of the text in that list, from 1. The list is
// emptied before it would hold more than maxShared texts, or more than maxSharedBytes
// bytes of them. This bounds the memory of both sides.
//
// Past days are in the order of their last use, latest first. Visitors come after all
// days, in the order in which they would be evicted.
const (
	magic   = "fotspor visitors"
	version = 4
	maxDay  = 48 * time.Hour // longer than any day has been
	chunk   = 64 << 10       // bytes read or written at a time, and the longest message of a day or visitor

	maxShared      = 1 << 15
	maxSharedBytes = 1 << 20
)

// Fields of the file.
const (
	fileHead    = iota + 1
	fileDay     // each day that has begun
	fileVisitor // each visitor
)

// Fields of the head: the two halves of the secret for the hashes of networks.
const (
	headSecret0 = iota + 1
	headSecret1
)

// Fields of a day.
const (
	daySite   = iota + 1
	dayPast   // 1: a past day
	dayUsed   // time when the last hit came, Unix nanoseconds; for a past day only
	dayDay    // the day
	dayStart  // its first moment, Unix seconds
	dayLength // seconds
	dayZone   // name of the time zone
	daySalt   // secret of visitors, 32 bytes
	dayPages  // secret of pages, 16 bytes

	dayErasures // those of which the visitors of the site hold nothing, as Forget has them
)

// Fields of a visitor.
const (
	visitorDay       = iota + 1 // index of the day among those of the file, from 0
	visitorKey                  // 16 bytes
	visitorNetwork              // hash
	visitorLast                 // time of the last hit, nanoseconds since the start of the day
	visitorAccounted            // nanoseconds before the last hit up to which rows have counted seconds
	visitorFlags                // bits
	visitorEntry                // text: entry page
	visitorPrevious             // text: previous page; only for a visit with a page view
	visitorOrigin               // text: where the visit came from, as packed by appendOrigin
	visitorPages                // hashes of pages and sections, 4 bytes each
	visitorOther                // values of the visit that are counted under [other], as hit.Row.Other
	visitorGoals                // goals that the visit has reached, one bit each
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

// encode writes the state. Hits are held.
func (t *state) encode(w io.Writer) error {
	e := &encoder{w: w, buf: make([]byte, 0, chunk), message: make([]byte, 0, 1<<10), texts: make(map[string]uint64)}
	defer func() { clear(e.buf[:cap(e.buf)]); clear(e.message[:cap(e.message)]) }()
	e.write([]byte(magic))
	e.write([]byte{version})
	head := wire.AppendFixed(e.message, headSecret0, t.secret[0])
	e.field(fileHead, wire.AppendFixed(head, headSecret1, t.secret[1]))
	places := e.days(t)
	m := &t.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	for id := m.seen.oldest; id != 0; id = m.visitors.at(id).links[inSeen].newer {
		e.visitor(m, m.visitors.at(id), places)
	}
	e.flush()
	e.buf = binary.LittleEndian.AppendUint32(e.buf, e.sum)
	e.flush()
	return e.err
}

// encoder writes through buffers. After an error it writes nothing.
type encoder struct {
	w       io.Writer
	err     error
	sum     uint32
	buf     []byte // never grows
	message []byte // buffer for one message, empty between messages
	texts   map[string]uint64
	shared  int // total bytes in texts
}

// days writes every day that has begun, and returns their indices in the file.
func (e *encoder) days(t *state) map[*siteDay]uint64 {
	places := make(map[*siteDay]uint64)
	for id, s := range t.sites {
		if s.loc != nil {
			e.day(s, wire.AppendUint(wire.AppendUint(e.message, daySite, uint64(id)), dayErasures, t.erasures[id]))
			places[s] = uint64(len(places))
		}
	}
	for _, d := range t.past.days {
		b := wire.AppendUint(e.message, daySite, uint64(d.id))
		b = wire.AppendUint(b, dayErasures, t.erasures[d.id])
		b = wire.AppendUint(b, dayPast, 1)
		e.day(d.siteDay, wire.AppendInt(b, dayUsed, d.used.UnixNano()))
		places[d.siteDay] = uint64(len(places))
	}
	return places
}

// day writes a day. b is the beginning of its message.
func (e *encoder) day(s *siteDay, b []byte) {
	b = wire.AppendInt(b, dayDay, int64(s.day))
	b = wire.AppendInt(b, dayStart, s.start.Unix())
	b = wire.AppendUint(b, dayLength, uint64(s.end.Sub(s.start)/time.Second))
	b = wire.AppendText(b, dayZone, s.loc.String())
	b = wire.AppendBytes(b, daySalt, s.salt[:])
	e.field(fileDay, wire.AppendBytes(b, dayPages, s.pages[:]))
}

func (e *encoder) visitor(m *memory, v *visitor, places map[*siteDay]uint64) {
	day := m.days[v.day]
	b := wire.AppendUint(e.message, visitorDay, places[day])
	b = wire.AppendBytes(b, visitorKey, v.key[:])
	b = wire.AppendFixed(b, visitorNetwork, m.networks.at(v.network).hash)
	b = wire.AppendUint(b, visitorLast, uint64(v.last-day.start.UnixNano()))
	b = wire.AppendUint(b, visitorAccounted, uint64(v.accountedUntil))
	var flags uint64
	if v.viewed {
		flags |= flagViewed
	}
	if v.bounce {
		flags |= flagBounce
	}
	b = wire.AppendUint(b, visitorFlags, flags)
	b = e.text(b, visitorEntry, m.texts.get(v.entry))
	if v.viewed {
		b = e.text(b, visitorPrevious, m.texts.get(v.previous))
	}
	b = e.text(b, visitorOrigin, m.texts.get(v.origin))
	var pages [4 * MaxPages]byte
	seen := pages[:0]
	m.eachPage(v, func(page uint32) { seen = binary.LittleEndian.AppendUint32(seen, page) })
	b = wire.AppendBytes(b, visitorPages, seen)
	b = wire.AppendUint(b, visitorOther, v.other)
	e.field(fileVisitor, wire.AppendUint(b, visitorGoals, uint64(v.goals)))
}

// text appends a field for a text: the text itself, or its index in the list.
func (e *encoder) text(b []byte, number int, s string) []byte {
	if place, ok := e.texts[s]; ok {
		return wire.AppendUint(b, number, place)
	}
	if s == "" {
		return b
	}
	if len(e.texts) == maxShared || e.shared+len(s) > maxSharedBytes {
		clear(e.texts)
		e.shared = 0
	}
	e.texts[s] = uint64(len(e.texts)) + 1
	e.shared += len(s)
	return wire.AppendText(b, number, s)
}

// field writes a message as a field of the file.
func (e *encoder) field(number int, message []byte) {
	var head [2 * binary.MaxVarintLen64]byte
	e.write(wire.AppendHead(head[:0], number, len(message)))
	e.write(message)
	e.message = message[:0] // keep the buffer, which may have grown
}

// write writes b, which must fit into the empty buffer.
func (e *encoder) write(b []byte) {
	if cap(e.buf)-len(e.buf) < len(b) {
		e.flush()
	}
	e.buf = append(e.buf, b...)
}

func (e *encoder) flush() {
	e.sum = crc32.Update(e.sum, castagnoli, e.buf)
	if e.err == nil {
		_, e.err = e.w.Write(e.buf)
	}
	e.buf = e.buf[:0]
}

// verify returns an error unless a file of size bytes is a complete hand-over. It returns
// the message between version and checksum.
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

// decode adds the contents of a hand-over, size bytes long, to the state, which must have
// no days. Hits are held. After an error the state holds a part of the contents. For any
// body, the memory that decode takes is proportional to size and budget at most.
func (t *state) decode(body io.Reader, size int64, now time.Time) error {
	d := &decoder{r: body, left: size, buf: make([]byte, chunk), zones: make(map[string]*time.Location)}
	defer func() { clear(d.buf); clear(d.message[:cap(d.message)]); d.next = decoded{} }()
	var days []decodedDay
	for d.left > 0 && d.err == nil {
		switch number, m := d.field(); number {
		case fileHead:
			for m.Next() {
				switch m.Number {
				case headSecret0:
					t.secret[0] = m.Fixed()
				case headSecret1:
					t.secret[1] = m.Fixed()
				}
			}
			d.check(m)
		case fileDay:
			days = append(days, d.day(t, now, m))
		case fileVisitor:
			d.visitor(t, days, m)
		}
	}
	return d.err
}

// decoder reads through buffers. After an error it reads nothing.
type decoder struct {
	r       io.Reader
	err     error
	left    int64 // unread bytes, those in rest included
	buf     []byte
	rest    []byte // the unread part of buf
	message []byte // the current field of the file
	texts   []string
	shared  int                       // total bytes in texts
	zones   map[string]*time.Location // nil: unknown
	next    decoded                   // the current visitor
}

// decoded is a visitor as read from the file.
type decoded struct {
	visitor
	network                 uint64
	entry, previous, origin string
	pages                   [MaxPages]uint32
}

// decodedDay is a day of the file. siteDay is nil if the day is not taken over.
type decodedDay struct {
	siteDay *siteDay
	length  time.Duration
}

// day reads a day, and takes it over unless Sweep would forget it.
func (d *decoder) day(t *state, now time.Time, m *wire.Message[[]byte]) decodedDay {
	s := new(siteDay)
	day := pastDay{siteDay: s}
	var (
		past   bool
		number calendar.Day
		start  int64
		length time.Duration
		loc    *time.Location

		erasures uint64
	)
	for m.Next() {
		switch m.Number {
		case daySite:
			day.id = uint32(m.Uint(math.MaxUint32))
		case dayPast:
			past = m.Uint(1) == 1
		case dayUsed:
			day.used = time.Unix(0, m.Int(math.MinInt64, math.MaxInt64)).UTC()
		case dayDay:
			number = calendar.Day(m.Int32())
		case dayStart:
			start = m.Int(math.MinInt64, math.MaxInt64)
		case dayLength:
			length = time.Duration(m.Uint(uint64(maxDay/time.Second))) * time.Second
		case dayZone:
			loc = d.zone(string(m.Text(MaxText)))
		case daySalt:
			d.copy(s.salt[:], m)
		case dayPages:
			d.copy(s.pages[:], m)
		case dayErasures:
			erasures = m.Uint(math.MaxUint64)
		}
	}
	d.check(m)
	t.erasures[day.id] = erasures
	today := t.sites[day.id]
	if !past && today != nil && today.loc != nil {
		d.fail() // two current days of one site
	}
	if past && len(t.past.days) == MaxPastDays {
		d.fail()
	}
	if d.err != nil || loc == nil {
		s.forget(&t.memory)
		return decodedDay{nil, length}
	}
	if !past && today != nil { // keep the siteDay: a hit may be waiting for its lock
		today.salt, today.pages = s.salt, s.pages
		s.forget(&t.memory)
		s = today
	}
	s.set(number, loc, &t.memory)
	switch same := s.start.Unix() == start && s.end.Sub(s.start) == length; {
	case !same || past && day.idle(now):
		s.forget(&t.memory)
		s = nil
	case past:
		t.past.days = append(t.past.days, day)
	case !s.open(now, s.loc): // the day is over; its visitors are not taken over
		s.begin(dayOf(now, s.loc), s.loc, &t.memory)
		t.sites[day.id], s = s, nil
	default:
		t.sites[day.id] = s
	}
	return decodedDay{s, length}
}

// zone returns the time zone with a name, or nil.
func (d *decoder) zone(name string) *time.Location {
	loc, ok := d.zones[name]
	if !ok {
		loc, _ = time.LoadLocation(name)
		d.zones[name] = loc
	}
	return loc
}

// visitor reads a visitor, and adds them to the state if their day was taken over.
func (d *decoder) visitor(t *state, days []decodedDay, m *wire.Message[[]byte]) {
	v := &d.next
	*v = decoded{}
	var place, last uint64
	for m.Next() {
		switch m.Number {
		case visitorDay:
			place = m.Uint(math.MaxUint32)
		case visitorKey:
			d.copy(v.key[:], m)
		case visitorNetwork:
			v.network = m.Fixed()
		case visitorLast:
			last = m.Uint(uint64(maxDay))
		case visitorAccounted:
			v.accountedUntil = uint32(m.Uint(uint64(time.Second - 1)))
		case visitorFlags:
			flags := m.Uint(flagViewed | flagBounce)
			v.viewed, v.bounce = flags&flagViewed != 0, flags&flagBounce != 0
		case visitorEntry:
			v.entry = d.text(m, MaxText)
		case visitorPrevious:
			v.previous = d.text(m, MaxText)
		case visitorOrigin:
			v.origin = d.text(m, maxOrigin)
		case visitorOther:
			v.other = m.Uint(math.MaxUint64)
		case visitorGoals:
			v.goals = uint32(m.Uint(math.MaxUint32))
		case visitorPages:
			pages := m.Text(4 * MaxPages)
			if len(pages)%4 != 0 {
				d.fail()
			}
			v.seen = uint8(len(pages) / 4)
			for i := range v.seen {
				v.pages[i] = binary.LittleEndian.Uint32(pages[4*i:])
			}
		}
	}
	d.check(m)
	if !v.viewed && v.previous != "" || place >= uint64(len(days)) || last >= uint64(days[place].length) || !isOrigin(v.origin) {
		d.fail()
	}
	if d.err != nil || days[place].siteDay == nil {
		return
	}
	s := days[place].siteDay
	v.last = s.start.UnixNano() + int64(last)
	if !t.memory.readmit(v, s.number) {
		d.fail()
	}
}

// readmit adds a decoded visitor as the one seen last. It returns false if the key is in
// use already.
func (m *memory) readmit(d *decoded, day uint32) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.find(&d.key) != 0 {
		return false
	}
	m.reserve()
	id := m.add(&d.key, day, d.network)
	v := m.visitors.at(id)
	v.last, v.accountedUntil, v.viewed, v.bounce, v.other, v.goals = d.last, d.accountedUntil, d.viewed, d.bounce, d.other, d.goals
	m.setText(v, &v.entry, m.texts.intern([]byte(d.entry)))
	m.setText(v, &v.previous, m.texts.intern([]byte(d.previous)))
	m.setText(v, &v.origin, m.texts.intern([]byte(d.origin)))
	for _, page := range d.pages[:d.seen] {
		m.addPage(id, page)
	}
	m.settle(v.network)
	return true
}

// text returns the text of a field, of at most limit bytes.
func (d *decoder) text(m *wire.Message[[]byte], limit int) string {
	if !m.IsText() {
		if place := m.Uint(uint64(len(d.texts))); place > 0 && len(d.texts[place-1]) <= limit {
			return d.texts[place-1]
		}
		d.fail()
		return ""
	}
	s := string(m.Text(limit))
	if len(d.texts) == maxShared || d.shared+len(s) > maxSharedBytes {
		clear(d.texts)
		d.texts, d.shared = d.texts[:0], 0
	}
	d.texts = append(d.texts, s)
	d.shared += len(s)
	return s
}

// copy fills b with the bytes of a field, which must have the same length.
func (d *decoder) copy(b []byte, m *wire.Message[[]byte]) {
	if copy(b, m.Text(len(b))) < len(b) {
		d.fail()
	}
}

func (d *decoder) fail() {
	if d.err == nil {
		d.err = errDecode
	}
}

// check fails if a message did not decode.
func (d *decoder) check(m *wire.Message[[]byte]) {
	if m.Err() != nil {
		d.fail()
	}
}

// field reads a field of the file. The message is valid until the next call.
func (d *decoder) field() (number int, m *wire.Message[[]byte]) {
	number, ok := wire.DecodeHead(d.uvarint())
	n := d.uvarint()
	if !ok || n > chunk || n > uint64(d.left) {
		d.fail()
	}
	if d.err != nil {
		return 0, nil
	}
	d.message = slices.Grow(d.message[:0], int(n))[:n]
	d.read(d.message)
	if d.err != nil {
		return 0, nil
	}
	message := wire.Read(d.message)
	return number, &message
}

// ReadByte implements io.ByteReader.
func (d *decoder) ReadByte() (byte, error) {
	if d.left == 0 {
		d.fail()
	}
	if d.err != nil || !d.fill() {
		return 0, d.err
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	d.left--
	return b, nil
}

// read fills b. At least len(b) bytes must be left.
func (d *decoder) read(b []byte) {
	for len(b) > 0 && d.fill() {
		n := copy(b, d.rest)
		b, d.rest = b[n:], d.rest[n:]
		d.left -= int64(n)
	}
}

// fill refills rest if it is empty and bytes are left. It returns false after an error.
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

func (d *decoder) uvarint() uint64 {
	n, err := binary.ReadUvarint(d)
	if err != nil {
		d.fail()
	}
	return n
}
