package app_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// needle is an address in one of the ways to write it.
type needle struct {
	addr    netip.Addr
	form    string
	certain bool // can't be there by chance
}

// scanner looks for many addresses at once: each form of an address is filed under
// its last four bytes, and a bitmap tells most places of a text that end none.
type scanner struct {
	needles map[uint32][]needle
	may     [1 << 18]uint64 // a bit for each of 2^24 hashes
	looked  int64           // bytes
	leaks   []string        // what was found

	// Four bytes may stand somewhere by chance. They are believed only where
	// another run has them in the same kind of place.
	chance map[coincidence]bool
}

// coincidence is an address of four bytes in a kind of file.
type coincidence struct {
	addr  netip.Addr
	place string
}

func newScanner(addrs []netip.Addr) *scanner {
	s := &scanner{needles: map[uint32][]needle{}, chance: map[coincidence]bool{}}
	for _, addr := range addrs {
		for form, certain := range writings(addr) {
			word := binary.LittleEndian.Uint32([]byte(form[len(form)-4:]))
			s.needles[word] = append(s.needles[word], needle{addr, form, certain})
			bit := spread(word)
			s.may[bit/64] |= 1 << (bit % 64)
		}
	}
	return s
}

// writings are the ways to write an address: those of the main job, and base64.
func writings(a netip.Addr) map[string]bool {
	forms := addressForms(a)
	for _, b := range [][]byte{a.AsSlice(), slices.Clone(a.AsSlice())} {
		forms[base64.RawStdEncoding.EncodeToString(b)] = true
		forms[base64.RawURLEncoding.EncodeToString(b)] = true
		slices.Reverse(b)
		forms[hex.EncodeToString(b)] = true
	}
	for form, certain := range addressForms(a) {
		if certain {
			forms[strings.ToUpper(form)] = true
		}
	}
	return forms
}

func spread(word uint32) uint32 { return word * 2654435769 >> 8 }

// look notes every address that stands in content. where is its path.
func (s *scanner) look(where string, content []byte) {
	s.looked += int64(len(content))
	for end := 4; end <= len(content); end++ {
		word := binary.LittleEndian.Uint32(content[end-4:])
		if bit := spread(word); s.may[bit/64]&(1<<(bit%64)) == 0 {
			continue
		}
		for _, n := range s.needles[word] {
			switch {
			case !bytes.HasSuffix(content[:end], []byte(n.form)):
			case n.certain:
				s.leaks = append(s.leaks, fmt.Sprintf("%s, byte %d: %q", where, end-len(n.form), n.form))
			default:
				s.chance[coincidence{n.addr, filepath.Base(where)}] = true
			}
		}
	}
}

// lookInto looks through every file below dir, and returns how many there are. The
// names of files may tell something, too.
func (s *scanner) lookInto(t *testing.T, dir string) (files int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		s.look("names of files", []byte(name))
		if err != nil || !d.Type().IsRegular() {
			return ignoreGone(err)
		}
		content, err := os.ReadFile(name)
		s.look(name, content)
		files++
		return ignoreGone(err)
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestScanner: an address is found in any form and at any place.
func TestScanner(t *testing.T) {
	addrs := []netip.Addr{netip.MustParseAddr("84.210.7.19"), netip.MustParseAddr("2001:700:12:34:ab:cd:ef:1")}
	for _, addr := range addrs {
		for form, certain := range writings(addr) {
			s := newScanner(addrs)
			s.look("dir/file", []byte("xyz"+form+"xyz"))
			if certain != (len(s.leaks) > 0) || !certain && !s.chance[coincidence{addr, "file"}] {
				t.Errorf("%v as %q, certain = %v: found %q and %v", addr, form, certain, s.leaks, s.chance)
			}
		}
	}
	s := newScanner(addrs)
	s.look("file", []byte("84.210.7.1, 84.210.7.20, 2001:700:12:34:ab:cd:ef:2, 84.210.0.0/16"))
	if len(s.leaks)+len(s.chance) > 0 {
		t.Errorf("found what is not there: %q, %v", s.leaks, s.chance)
	}
}
