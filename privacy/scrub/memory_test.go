package scrub_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy/scrub"
)

// TestMemory: what is known of a text from one sender changes nothing for another.
func TestMemory(t *testing.T) {
	memory := scrub.NewMemory()
	for _, c := range []struct {
		text         string
		known, title bool
	}{
		{"Tilbud nr. 12 – Eksempelforeningen på Åsen", true, true},
		{"Årsmelding 2024 – Eksempelforeningen", true, true},
		{"17. mai 2024 i Eksempelforeningen", true, true},
		{"Om oss", false, true}, // is not worth it, but as a title
		{"Skriv til kari@example.org", false, false},
		{"IP 81 166 130 147 hos Eksempelforeningen", false, false},
		{"51a68293 hos Eksempelforeningen", false, false},
		{"Eksempelforeningen 2a01..5d1 2024", false, false},
		{strings.Repeat("Eksempelforeningen ", 60), false, false},
	} {
		for range 2 {
			for _, by := range []scrub.Scrubber{{}, sender("81.166.130.146"), six, four} {
				want := by.Text(c.text)
				if by.Memory = memory; by.Text(c.text) != want {
					t.Errorf("Text(%q) = %q with a memory, want %q", c.text, by.Text(c.text), want)
				}
			}
		}
		if got := memory.Knows(c.text); got != c.known {
			t.Errorf("%q: known %v, want %v", c.text, got, c.known)
		}
		if memory.KnowsTitle(c.text) {
			t.Errorf("%q is known as a title before it is kept", c.text)
		}
		if memory.KeepTitle(c.text); memory.KnowsTitle(c.text) != c.title {
			t.Errorf("%q: known as a title %v, want %v", c.text, !c.title, c.title)
		}
	}
}

// TestMemoryChangesNothing is TestMemory for senders whose addresses stand in the texts, in
// every spelling that own knows.
func TestMemoryChangesNothing(t *testing.T) {
	memory := scrub.NewMemory()
	octet := rapid.OneOf(rapid.SampledFrom([]byte{0, 1, 9, 10, 100, 255}), rapid.Byte())
	part := rapid.SampledFrom([]string{"", " ", ".", "--", ", ", "å", " – ", " og så ", "::", "0x", " 0x", "/2024"})
	rapid.Check(t, func(t *rapid.T) {
		var b [4]byte
		for i := range b {
			b[i] = octet.Draw(t, "octet")
		}
		if b == [4]byte{255, 255, 255, 255} { // nobody sends from there, see noNumber
			b[3] = 0
		}
		a := netip.AddrFrom4(b)
		if rapid.Bool().Draw(t, "wide") {
			a = netip.AddrFrom16([16]byte{0: 0x20, 1: b[0], 13: b[1], 14: b[2], 15: b[3]})
		}
		of := rapid.SampledFrom([]netip.Addr{a, a, a, a.Prev()}).Draw(t, "of")
		spelled := rapid.SampledFrom([]func(*rapid.T, netip.Addr, *rapid.Generator[string]) string{decimal, hexadecimal, groups}).Draw(t, "spelling")
		text := part.Draw(t, "before") + spelled(t, of, part) + part.Draw(t, "behind") + rapid.SampledFrom([]string{"", "2024", "Eksempelforeningen"}).Draw(t, "end")
		by := scrub.Scrubber{Sender: hit.NewAddr(a)}
		if by.Missed(text) {
			t.Errorf("%v is in %q and can't be by mayBeOwn", a, text)
		}
		for _, by := range []scrub.Scrubber{{}, by, four} {
			for name, with := range map[string]func(scrub.Scrubber) string{
				"Text": func(s scrub.Scrubber) string { return s.Text(text) },
				"Path": func(s scrub.Scrubber) string { return s.Path(text) },
				"Host": func(s scrub.Scrubber) string { return s.Host(text) },
			} {
				want := with(by)
				if by.Memory = memory; with(by) != want {
					t.Errorf("%s(%q) = %q with a memory, want %q", name, text, with(by), want)
				}
				by.Memory = nil
			}
		}
	})
}

// decimal writes the end of an address as one to four numbers, decimal or octal.
func decimal(t *rapid.T, a netip.Addr, part *rapid.Generator[string]) (text string) {
	wide := a.As16()
	rest := wide[12:]
	if rapid.Bool().Draw(t, "backwards") {
		slices.Reverse(rest)
	}
	for n := rapid.IntRange(1, 4).Draw(t, "numbers"); n > 0; n-- {
		size := 1
		if n == 1 {
			size = len(rest)
		}
		var number uint32
		for _, b := range rest[:size] {
			number = number<<8 | uint32(b)
		}
		rest = rest[size:]
		text += fmt.Sprintf(rapid.SampledFrom([]string{"%d", "%d", "0%o", "%03d"}).Draw(t, "format"), number)
		if n > 1 {
			text += part.Draw(t, "part")
		}
	}
	return text
}

// hexadecimal writes the bytes of an address with signs between them.
func hexadecimal(t *rapid.T, a netip.Addr, part *rapid.Generator[string]) string {
	var parts []string
	for _, b := range a.AsSlice() {
		parts = append(parts, fmt.Sprintf("%02x", b))
	}
	return strings.Join(parts, part.Draw(t, "part"))
}

// groups writes an address with another sign for its colons.
func groups(t *rapid.T, a netip.Addr, part *rapid.Generator[string]) string {
	return strings.ReplaceAll(netip.AddrFrom16(a.As16()).String(), ":", part.Draw(t, "part"))
}
