package store

import (
	"bytes"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	driver "github.com/ClickHouse/clickhouse-go/v2/lib/column"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
)

// column collects the values of one column of an insert.
type column interface {
	add(rows []hit.Row)
	empty() bool // all values are the default
	texts() int  // number of different texts
	send(to driver.Interface) error
	reset() // forgets the values, for the next insert
}

// blockRows is how many rows are transposed at a time: few enough to stay in the
// processor's first cache while one column after the other reads them.
const blockRows = 128

// values returns a constructor of columns of a type of which the driver accepts slices.
func values[T comparable](at func(*hit.Row) *T) func() column {
	return valuesOf(func(r *hit.Row) T { return *at(r) })
}

// days returns a constructor of columns of days. The driver accepts them as times.
func days(at func(*hit.Row) *calendar.Day) func() column {
	return valuesOf(func(r *hit.Row) time.Time { return at(r).Time() })
}

func valuesOf[T comparable](of func(*hit.Row) T) func() column {
	return func() column { return &valueColumn[T]{of: of} }
}

type valueColumn[T comparable] struct {
	of   func(*hit.Row) T
	all  []T
	some bool // there are values other than the default
}

func (c *valueColumn[T]) add(rows []hit.Row) {
	var zero T
	for i := range rows {
		v := c.of(&rows[i])
		c.some = c.some || v != zero
		c.all = append(c.all, v)
	}
}

func (c *valueColumn[T]) empty() bool { return !c.some }

func (c *valueColumn[T]) texts() int { return 0 }

func (c *valueColumn[T]) reset() { c.all, c.some = c.all[:0], false }

func (c *valueColumn[T]) send(to driver.Interface) error {
	_, err := to.Append(c.all)
	return err
}

// texts returns a constructor of low-cardinality columns.
func texts(at func(*hit.Row) *string) func() column {
	return func() column { return &textColumn{at: at, known: map[string]uint32{}, all: []string{""}} }
}

// textColumn numbers its texts in the order in which they come; "" is 0. The driver's own
// way takes an interface value for each row, and looks it up twice.
type textColumn struct {
	at    func(*hit.Row) *string
	keys  []uint32
	known map[string]uint32
	all   []string // by their numbers
}

func (c *textColumn) add(rows []hit.Row) {
	for i := range rows {
		c.keys = append(c.keys, c.key(*c.at(&rows[i])))
	}
}

func (c *textColumn) key(text string) uint32 {
	if text == "" {
		return 0
	}
	key, ok := c.known[text]
	if !ok {
		key = uint32(len(c.all))
		c.all = append(c.all, text)
		c.known[text] = key
	}
	return key
}

func (c *textColumn) empty() bool { return len(c.all) == 1 }

func (c *textColumn) texts() int { return len(c.all) }

// reset forgets the texts too, which would keep their segment in memory.
func (c *textColumn) reset() {
	clear(c.known)
	clear(c.all)
	c.keys, c.all = c.keys[:0], c.all[:1]
}

// send gives the column to the driver in the encoding in which a server would send it,
// with the numbers of texts. If the column in to has another type, send gives it the
// texts: over ClickHouse's own protocol the type is that of the table, not of the insert.
func (c *textColumn) send(to driver.Interface) error {
	if _, ok := to.(*driver.LowCardinality); ok {
		return to.Decode(proto.NewReader(bytes.NewReader(c.encode())), len(c.keys))
	}
	all := make([]string, len(c.keys))
	for i, key := range c.keys {
		all[i] = c.all[key]
	}
	_, err := to.Append(all)
	return err
}

// encode writes the column in ClickHouse's format Native: the width of the keys, the
// texts, the keys.
func (c *textColumn) encode() []byte {
	const withTexts = 1<<9 | 1<<10 // flags: the texts are in this block, and replace earlier ones
	var width uint64               // the size of a key is 1<<width bytes
	switch n := len(c.all); {
	case n > 1<<16:
		width = 2
	case n > 1<<8:
		width = 1
	}
	var b proto.Buffer
	b.PutUInt64(withTexts | width)
	b.PutInt64(int64(len(c.all)))
	for _, text := range c.all {
		b.PutString(text)
	}
	b.PutInt64(int64(len(c.keys)))
	for _, key := range c.keys {
		switch width {
		case 0:
			b.PutUInt8(uint8(key))
		case 1:
			b.PutUInt16(uint16(key))
		default:
			b.PutUInt32(key)
		}
	}
	return b.Buf
}
