// Package wire encodes what the program writes down for itself and reads back, perhaps by
// another version of itself: the rows of the spool, and the visitors that are handed over
// at a restart. The encoding is that of protocol buffers. Each value stands behind the
// number of its field, a field of value zero is left out, and a reader skips numbers that
// it does not know. So fields can be added without a new format.
//
// See https://protobuf.dev/programming-guides/encoding/.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// ErrDecode is matched by the errors of a Message that does not decode.
var ErrDecode = errors.New("message does not decode")

// AppendUint appends a field of an unsigned number.
func AppendUint(b []byte, number int, v uint64) []byte {
	if v == 0 {
		return b
	}
	return appendVarint(appendTag(b, number, protowire.VarintType), v)
}

// AppendInt appends a field of a number whose sign is kept in the lowest bit.
func AppendInt(b []byte, number int, v int64) []byte {
	return AppendUint(b, number, protowire.EncodeZigZag(v))
}

// AppendFixed appends a field of eight bytes, for numbers that are seldom small.
func AppendFixed(b []byte, number int, v uint64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendFixed64(appendTag(b, number, protowire.Fixed64Type), v)
}

// AppendText appends a field of bytes.
func AppendText(b []byte, number int, text string) []byte {
	if text == "" {
		return b
	}
	return append(AppendHead(b, number, len(text)), text...)
}

// AppendBytes is AppendText for bytes.
func AppendBytes(b []byte, number int, data []byte) []byte {
	if len(data) == 0 {
		return b
	}
	return append(AppendHead(b, number, len(data)), data...)
}

// AppendHead appends what stands before the bytes of a field, for a writer that has them
// elsewhere: the length follows as a uvarint.
func AppendHead(b []byte, number, size int) []byte {
	return appendVarint(appendTag(b, number, protowire.BytesType), uint64(size))
}

// DecodeHead returns the number of a field, given the first uvarint of its head. It is
// false for a field of another kind than bytes.
func DecodeHead(tag uint64) (number int, ok bool) {
	n, kind := protowire.DecodeTag(tag)
	return int(n), n >= protowire.MinValidNumber && kind == protowire.BytesType
}

func appendTag(b []byte, number int, kind protowire.Type) []byte {
	return appendVarint(b, protowire.EncodeTag(protowire.Number(number), kind))
}

// appendVarint is protowire.AppendVarint, inlined for the short ones that most are.
func appendVarint(b []byte, v uint64) []byte {
	if v < 1<<7 {
		return append(b, byte(v))
	}
	return protowire.AppendVarint(b, v)
}

// AppendMessage appends a field of a message, which fill appends. It is there even if
// the message is empty.
func AppendMessage(b []byte, number int, fill func([]byte) []byte) []byte {
	b = appendTag(b, number, protowire.BytesType)
	start := len(b)
	b = fill(b)
	size := len(b) - start
	var length [10]byte
	n := len(protowire.AppendVarint(length[:0], uint64(size)))
	b = append(b, length[:n]...)
	copy(b[start+n:], b[start:start+size])
	protowire.AppendVarint(b[:start], uint64(size))
	return b
}

// Message reads the fields of a message one by one:
//
//	for m := wire.Read(text); m.Next(); {
//		switch m.Number {
//		case 1:
//			name = m.Text(255)
//		}
//	}
//
// A field that is not asked for is skipped. After a failure Next returns false and Err
// says why. The texts that it returns are parts of the message, which is not copied.
type Message[T string | []byte] struct {
	Number int // of the field that Next read last

	rest T
	kind protowire.Type
	n    uint64
	text T
	err  error
}

// Read returns a Message before its first field.
func Read[T string | []byte](message T) Message[T] { return Message[T]{rest: message} }

// Next reads the next field, and reports whether there is one.
func (m *Message[T]) Next() bool {
	if len(m.rest) == 0 || m.err != nil {
		return false
	}
	tag, ok := m.varint()
	if !ok {
		return false
	}
	number, kind := protowire.DecodeTag(tag)
	m.Number, m.kind = int(number), kind
	switch kind {
	case protowire.VarintType:
		m.n, ok = m.varint()
	case protowire.BytesType:
		if m.n, ok = m.varint(); ok {
			if ok = m.n <= uint64(len(m.rest)); ok {
				m.text, m.rest = m.rest[:m.n], m.rest[m.n:]
			}
		}
	case protowire.Fixed64Type:
		if ok = len(m.rest) >= 8; ok {
			m.n, _ = protowire.ConsumeFixed64([]byte(m.rest[:8]))
			m.rest = m.rest[8:]
		}
	default: // what nothing here writes
		size := protowire.ConsumeFieldValue(number, kind, []byte(m.rest))
		if ok = size >= 0; ok {
			m.rest = m.rest[size:]
		}
	}
	if !ok || number < protowire.MinValidNumber {
		m.fail("value")
		return false
	}
	return true
}

// varint reads a varint: by itself if it is short, as most are.
func (m *Message[T]) varint() (uint64, bool) {
	if s := m.rest; len(s) > 1 {
		switch {
		case s[0] < 1<<7:
			m.rest = s[1:]
			return uint64(s[0]), true
		case s[1] < 1<<7:
			m.rest = s[2:]
			return uint64(s[0]&(1<<7-1)) | uint64(s[1])<<7, true
		}
	}
	v, n := protowire.ConsumeVarint([]byte(m.rest[:min(len(m.rest), binary.MaxVarintLen64)]))
	if n < 0 {
		m.fail("number")
		return 0, false
	}
	m.rest = m.rest[n:]
	return v, true
}

// Uint returns an unsigned number of at most max.
func (m *Message[T]) Uint(max uint64) uint64 {
	if m.kind != protowire.VarintType || m.n > max {
		m.fail("number")
		return 0
	}
	return m.n
}

// Int returns a signed number of min to max.
func (m *Message[T]) Int(min, max int64) int64 {
	n := protowire.DecodeZigZag(m.n)
	if m.kind != protowire.VarintType || n < min || n > max {
		m.fail("number")
		return 0
	}
	return n
}

// Int32 returns a signed number of 32 bits.
func (m *Message[T]) Int32() int32 { return int32(m.Int(math.MinInt32, math.MaxInt32)) }

// Fixed returns a number of eight bytes.
func (m *Message[T]) Fixed() uint64 {
	if m.kind != protowire.Fixed64Type {
		m.fail("number")
		return 0
	}
	return m.n
}

// IsText reports whether the field has bytes.
func (m *Message[T]) IsText() bool { return m.kind == protowire.BytesType }

// Text returns bytes, at most max of them.
func (m *Message[T]) Text(max int) T {
	if m.kind != protowire.BytesType || len(m.text) > max {
		m.fail("text")
		return m.text[:0]
	}
	return m.text
}

func (m *Message[T]) fail(what string) {
	if m.err == nil {
		m.err = fmt.Errorf("%w: %s of field %d", ErrDecode, what, m.Number)
	}
}

// Err returns why the message does not decode, or nil.
func (m *Message[T]) Err() error { return m.err }
