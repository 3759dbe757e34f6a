package lines

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"math"
	"os"

	"github.com/fotspor/fotspor/calendar"
)

// The copy is one file, for a start without the store. It has the key, since hashes mean
// nothing under another one. It has no values: what a visitor sent stands in the store
// alone, where it is aged and erased. Integers are varints of encoding/binary.
//
//	file   "fotspor lines 2\n", key (16 bytes), number of sites, sites,
//	       CRC-32C of all that (4 bytes, little-endian)
//	site   id, number of tables, tables, number of counts, counts
//	count  day, length of the name of a table, name, number of its hashes that were new that day
//	table  length of its name, name, number of hashes, hashes (8 bytes each, little-endian)
const magic = "fotspor lines 2\n"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errFile is matched by the error of Restore for a file that is no whole copy.
var errFile = errors.New("file is not a whole copy of known lines")

// Save writes a copy to a file, which the owner alone may read, in place of the one
// before. "" is no file.
func (l *Lines) Save(file string) error {
	if file == "" {
		return nil
	}
	next := file + ".new"
	if err := l.write(next); err != nil {
		return fmt.Errorf("copy lines: %w", err)
	}
	if err := os.Rename(next, file); err != nil {
		return fmt.Errorf("copy lines: %w", err)
	}
	return nil
}

func (l *Lines) write(file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	sum := crc32.New(castagnoli)
	w := bufio.NewWriter(io.MultiWriter(f, sum))
	var b []byte
	put := func() { // whose error the last Flush returns
		w.Write(b)
		b = b[:0]
	}
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint64(b, l.key[0])
	b = binary.LittleEndian.AppendUint64(b, l.key[1])
	ids := l.ids()
	b = binary.AppendUvarint(b, uint64(len(ids)))
	for _, id := range ids {
		s := l.site(id)
		b = binary.AppendUvarint(b, uint64(id))
		b = binary.AppendUvarint(b, uint64(len(s.tables)))
		for i := range s.tables {
			b = s.append(b, i, l.kinds[i/2].tableName(i%2))
			put()
		}
		b = l.appendCounts(b, s)
	}
	put()
	err = w.Flush()
	if err == nil {
		_, err = f.Write(binary.LittleEndian.AppendUint32(nil, sum.Sum32()))
	}
	return errors.Join(err, f.Close())
}

// append appends a table of the site.
func (s *site) append(b []byte, table int, name string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &s.tables[table]
	b = append(binary.AppendUvarint(b, uint64(len(name))), name...)
	b = binary.AppendUvarint(b, uint64(t.known.n+t.fresh.n))
	for _, slots := range [][]uint64{t.known.slots, t.fresh.slots} {
		for _, h := range slots {
			if h != 0 {
				b = binary.LittleEndian.AppendUint64(b, h)
			}
		}
	}
	return b
}

// appendCounts appends how much was new on which day, by whichever network.
func (l *Lines) appendCounts(b []byte, s *site) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := maps.Clone(s.counts)
	maps.DeleteFunc(all, func(c count, _ int32) bool { return c.network != 0 })
	b = binary.AppendUvarint(b, uint64(len(all)))
	for c, n := range all {
		name := l.tableOf(c.kind)
		b = append(binary.AppendUvarint(binary.AppendUvarint(b, uint64(c.day)), uint64(len(name))), name...)
		b = binary.AppendUvarint(b, uint64(n))
	}
	return b
}

// tableOf names the table that a kind in a count is of.
func (l *Lines) tableOf(kind int32) string {
	if kind < 0 {
		return l.kinds[-1-kind].tableName(1)
	}
	return l.kinds[kind].tableName(0)
}

// tableName names the table of lines, 0, or of groups, 1, of a kind.
func (k *kind) tableName(i int) string {
	return k.Table + "/" + k.Dimension + [...]string{"", "/"}[i]
}

// Restore takes the known lines from the copy in a file. Call it before anything else.
// Where there is no file it returns an error that matches fs.ErrNotExist.
func (l *Lines) Restore(file string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("restore lines: %w", err)
	}
	body := len(b) - crc32.Size
	if !bytes.HasPrefix(b, []byte(magic)) || body < len(magic)+16 || crc32.Checksum(b[:body], castagnoli) != binary.LittleEndian.Uint32(b[body:]) {
		return fmt.Errorf("restore lines from %q: %w", file, errFile)
	}
	tables := map[string]int{}
	for i := range 2 * len(l.kinds) {
		tables[l.kinds[i/2].tableName(i%2)] = i
	}
	b = b[len(magic):body]
	l.setKey(b)
	r := reader{b: b[16:]}
	for range r.uvarint() {
		s := l.site(uint32(r.uvarint()))
		for range r.uvarint() {
			at, known := tables[string(r.take(r.uvarint()))]
			hashes := r.take(8 * r.uvarint())
			if r.failed {
				return fmt.Errorf("restore lines from %q: %w", file, errFile)
			}
			for ; known && len(hashes) >= 8; hashes = hashes[8:] {
				t := &s.tables[at].known
				need := t.growth()
				if l.held.Load()+need > l.Memory/4*3 {
					break
				}
				t.add(binary.LittleEndian.Uint64(hashes))
				l.held.Add(need)
			}
		}
		for range r.uvarint() {
			day := calendar.Day(r.uvarint())
			at, known := tables[string(r.take(r.uvarint()))]
			n := int32(min(r.uvarint(), math.MaxInt32))
			if r.failed {
				return fmt.Errorf("restore lines from %q: %w", file, errFile)
			}
			if !known || l.held.Load()+countBytes > l.Memory/4*3 {
				continue
			}
			c := count{day: day, kind: int32(at / 2)}
			if at%2 == 1 {
				c.kind = -1 - c.kind
			}
			s.counts[c] = n
			l.held.Add(countBytes)
		}
	}
	return nil
}

// reader reads a copy. After a failure it reads nothing.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) uvarint() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || n > uint64(len(r.b)) && n > 1<<32-1 {
		r.failed, r.b = true, nil
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.failed, r.b = true, nil
		return nil
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}
