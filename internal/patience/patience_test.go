package patience

import (
	"testing"
	"time"
)

func TestTimes(t *testing.T) {
	for _, c := range []struct {
		text string
		want time.Duration
	}{
		{"", time.Second},
		{"nonsense", time.Second},
		{"0.10 0.20 0.30 1/200 99\n", time.Second},
		{"20.00 22.10 17.02 3/1234 4711\n", 10 * time.Second},
		{"0.50 22.10 17.02 8/1234 4711\n", 4 * time.Second},
	} {
		if got := times(time.Second, c.text, 2); got != c.want {
			t.Errorf("times(%q) = %v, want %v", c.text, got, c.want)
		}
	}
	if Of(time.Second) < time.Second {
		t.Error("less patience than asked for")
	}
}
