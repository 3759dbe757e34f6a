package hit

// Others stands for the values of a field that get no line of their own.
const Others = "[other]"

// Bits of Row.Other that say that values have no line together, though each may have its own.
// No field has their numbers, nor those of sections.
const (
	CampaignBit = 59 // the five parts of a campaign
	MoveBit     = 60 // the pair of PreviousPath and Path
)

// sections are the bits of Row.Other for the first segment of a path, by its field.
var sections = map[string]int{"path": 61, "entry_path": 62, "previous_path": 63}

// SectionBit returns the bit of Row.Other that says that not even the first segment of the
// field's value has a line: 0 for a field that is no path.
func (f Field) SectionBit() int { return sections[f.Name] }

// FindField returns the field of a column, and false if there is none.
func FindField(column string) (Field, bool) {
	for _, f := range Fields {
		if f.Name == column {
			return f, true
		}
	}
	return Field{}, false
}

// PathBits are the bits of Row.Other for a path.
type PathBits struct{ path, section uint }

// The paths of a row.
var (
	PageBits     = pathBits("path")
	EntryBits    = pathBits("entry_path")
	PreviousBits = pathBits("previous_path")
)

func pathBits(column string) PathBits {
	f, _ := FindField(column)
	return PathBits{uint(f.Number), uint(f.SectionBit())}
}

// Mask returns the bits.
func (b PathBits) Mask() uint64 { return 1<<b.path | 1<<b.section }

// As returns what other says of this path, as said of another path.
func (b PathBits) As(to PathBits, other uint64) uint64 {
	return other>>b.path&1<<to.path | other>>b.section&1<<to.section
}
