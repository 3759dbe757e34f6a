package cli

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fotspor/fotspor/app"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/hostname"
	"github.com/fotspor/fotspor/privacy"
)

// value is a flag.Value that stores the result of read in to. read returns an error for an
// invalid text.
type value[T any] struct {
	to   *T
	read func(string) (T, error)
}

func keep[T any](to *T, read func(string) (T, error)) value[T] { return value[T]{to, read} }

func (v value[T]) Set(s string) error {
	got, err := v.read(s)
	if err == nil {
		*v.to = got
	}
	return err
}

// IsBoolFlag reports whether the flag may stand without a value.
func (v value[T]) IsBoolFlag() bool {
	_, ok := any(v.to).(*bool)
	return ok
}

// String returns the value in the form that read reads; "" is no value.
func (v value[T]) String() string {
	if v.to == nil { // the flag package calls String on a zero value too
		return ""
	}
	switch it := any(*v.to).(type) {
	case bool:
		if !it {
			return ""
		}
	case byteSize:
		return it.String()
	case []string:
		return strings.Join(it, ",")
	case []netip.Prefix:
		texts := make([]string, len(it))
		for i, prefix := range it {
			texts[i] = prefix.String()
		}
		return strings.Join(texts, ",")
	case time.Time:
		if it.IsZero() {
			return ""
		}
		return it.Format(time.RFC3339)
	case hit.Addr:
		return "" // it prints as nothing anyway
	}
	return fmt.Sprint(*v.to)
}

// The functions below read one kind of value each.

func readText(s string) (string, error) { return s, nil }

func readDirectory(s string) (string, error) {
	if s == "" {
		return "", errors.New("want a directory")
	}
	return s, nil
}

// oneOf returns a function that reads one of words.
func oneOf[T ~string](words ...T) func(string) (T, error) {
	return func(s string) (T, error) {
		if word := T(s); slices.Contains(words, word) {
			return word, nil
		}
		texts := make([]string, len(words))
		for i, word := range words {
			texts[i] = string(word)
		}
		return "", fmt.Errorf("want %s", strings.Join(texts, " or "))
	}
}

// readListen reads an address to listen on. It does not check whether a name is one of this
// machine; listening on it does.
func readListen(s string) (string, error) {
	host, port, err := net.SplitHostPort(s)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if _, numeric := netip.ParseAddr(host); err != nil || numeric != nil && strings.Trim(host, "0123456789.:") == "" && host != "" {
		return "", fmt.Errorf("want an address such as %s, with a port of at most 65535", app.DefaultListen)
	}
	return s, nil
}

// readLoopback reads an address to listen on that no other machine can reach.
func readLoopback(s string) (string, error) {
	if _, err := readListen(s); err != nil {
		return "", err
	}
	resolved, err := net.ResolveTCPAddr("tcp", s)
	if err != nil {
		return "", err
	}
	if !resolved.IP.IsLoopback() {
		return "", fmt.Errorf("want a loopback address such as %s, since the engine speaks without encryption", DefaultEngineListen)
	}
	return s, nil
}

func readPeriod(s string) (privacy.Period, error) {
	p, err := privacy.ParsePeriod(s)
	if err == nil {
		err = p.Validate()
	}
	return p, err
}

// readRate reads a number of hits a second.
func readRate(s string) (float64, error) {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || !(n >= 0) { // NaN too
		return 0, errors.New("want a number, 0 or more")
	}
	return n, nil
}

// durability is true for power.
type durability bool

func (d durability) String() string {
	if d {
		return "power"
	}
	return "process"
}

func readDurability(s string) (durability, error) {
	word, err := oneOf("process", "power")(s)
	return word == "power", err
}

func readAddr(s string) (hit.Addr, error) {
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return hit.Addr{}, errors.New("want an internet address")
	}
	return hit.NewAddr(addr), nil
}

// readList reads words with commas between them.
func readList(s string) ([]string, error) {
	var words []string
	for word := range strings.SplitSeq(s, ",") {
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	return words, nil
}

func readNetworks(s string) ([]netip.Prefix, error) {
	words, _ := readList(s)
	var networks []netip.Prefix
	for _, word := range words {
		network, err := netip.ParsePrefix(word)
		if addr, addrErr := netip.ParseAddr(word); err != nil && addrErr == nil {
			network, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("%q: want a network such as 10.0.0.0/8", word)
		}
		networks = append(networks, network.Masked())
	}
	return networks, nil
}

// readHosts reads names of hosts that may have a certificate from an authority.
func readHosts(s string) ([]string, error) {
	words, _ := readList(s)
	for i, word := range words {
		host, err := hostname.Parse(word)
		if _, isAddr := netip.ParseAddr(word); err != nil || isAddr == nil || !strings.Contains(host, ".") || strings.Contains(host, "*") {
			return nil, fmt.Errorf("%q: want the whole name of a host, such as stats.example.org", word)
		}
		words[i] = host
	}
	return words, nil
}

// readHTTPS reads an https URL.
func readHTTPS(s string) (string, error) {
	if u, err := url.Parse(s); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return "", errors.New("want an https URL")
	}
	return s, nil
}

// byteSize is a size in bytes.
type byteSize int64

var units = []struct {
	suffix string
	size   int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}}

func (b byteSize) String() string {
	for _, unit := range units[:3] {
		if n := int64(b); n > 0 && n%unit.size == 0 {
			return strconv.FormatInt(n/unit.size, 10) + unit.suffix
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// size returns the flag.Value for a size of at least least bytes.
func size(to *int64, least int64) value[byteSize] {
	return keep((*byteSize)(to), func(s string) (byteSize, error) {
		digits, factor := s, int64(1)
		for _, unit := range units {
			if before, ok := strings.CutSuffix(s, unit.suffix); ok {
				digits, factor = strings.TrimSpace(before), unit.size
				break
			}
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n <= 0 || n > (1<<62)/factor {
			return 0, errors.New("want a size such as 512MiB")
		}
		if n*factor < least {
			return 0, fmt.Errorf("want %v or more", byteSize(least))
		}
		return byteSize(n * factor), nil
	})
}

// readTime reads a moment: a day, or a time in RFC 3339.
func readTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t, err = time.Parse(time.DateOnly, s)
	}
	if err != nil {
		return t, errors.New("want a time such as 2026-11-22 or 2026-11-22T10:00:00Z")
	}
	return t, nil
}

// readDay reads a day as its start in UTC.
func readDay(s string) (time.Time, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return t, errors.New("want a day such as 2023-11-26")
	}
	return t, nil
}

// since returns a function that reads a time, or a period that ends at now.
func since(now time.Time) func(string) (time.Time, error) {
	return func(s string) (time.Time, error) {
		if p, err := privacy.ParsePeriod(s); err == nil {
			return now.AddDate(-p.Years, -p.Months, -p.Days), nil
		}
		t, err := readTime(s)
		if err != nil {
			return t, errors.New("want a time such as 2026-11-22, or a period such as 7d")
		}
		return t, nil
	}
}
