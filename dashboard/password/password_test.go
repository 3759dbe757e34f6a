package password_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/dashboard/password"
)

const secret = "en lang setning"

func TestHash(t *testing.T) {
	h := password.NewHasher()
	one, err := h.Hash(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	two, err := h.Hash(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(one, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash = %q, want argon2id with 19 MiB and 2 passes", one)
	}
	if one == two {
		t.Error("two hashes of a password are the same, want a salt")
	}
	for _, test := range []struct {
		hash, password string
		want           bool
	}{
		{one, secret, true},
		{two, secret, true},
		{one, secret + "!", false},
		{one, "", false},
		{one, strings.Repeat("x", 2000), false},
		{"", secret, false},
		{"", "", false},
	} {
		if got, err := h.Verify(t.Context(), test.hash, test.password); got != test.want || err != nil {
			t.Errorf("Verify(%.20q, %.20q) = %t, %v, want %t", test.hash, test.password, got, err, test.want)
		}
	}
}

// TestSpellings: a password is the same however its letters and spaces are written.
func TestSpellings(t *testing.T) {
	h := password.NewHasher()
	hash, err := h.Hash(t.Context(), "blåbær og cafe\u0301 au lait")
	if err != nil {
		t.Fatal(err)
	}
	for pass, want := range map[string]bool{
		"blåbær og café au lait": true, "bla\u030abær og cafe\u0301 au lait": true, "blåbær\u00a0og\u3000café au lait": true,
		"Blåbær og café au lait": false, "blåbær og cafe au lait": false, "ｂlåbær og café au lait": false,
	} {
		if ok, err := h.Verify(t.Context(), hash, pass); ok != want || err != nil {
			t.Errorf("Verify(%+q) = %t, %v, want %t", pass, ok, err, want)
		}
	}
}

// The vector was made by the reference implementation's command line:
// printf password | argon2 somesalt -id -v 13 -t 2 -k 256 -p 1 -l 32.
// It stands in the implementation's own test.c.
func TestReferenceVector(t *testing.T) {
	const vector = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	if ok, err := password.NewHasher().Verify(t.Context(), vector, "password"); !ok || err != nil {
		t.Errorf("Verify = %t, %v, want true", ok, err)
	}
}

func TestLength(t *testing.T) {
	h := password.NewHasher()
	var text strings.Builder
	for i := range 400 {
		fmt.Fprint(&text, i*i, " ")
	}
	long := text.String()
	for pass, want := range map[string]error{
		"elleve tegn":  password.ErrLength,
		"tolv tegn æø": nil,
		long[:1024]:    nil,
		long[:1025]:    password.ErrLength,
	} {
		if _, err := h.Hash(t.Context(), pass); !errors.Is(err, want) {
			t.Errorf("Hash(%.20q…) = %v, want %v", pass, err, want)
		}
	}
}

func TestBadHash(t *testing.T) {
	h := password.NewHasher()
	for _, hash := range []string{
		"plain", "$2a$10$abcdefghijklmnopqrstuv", "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65",
		"$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=99999999,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=0,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$short",
	} {
		ok, err := h.Verify(t.Context(), hash, secret)
		if ok || err == nil {
			t.Errorf("Verify(%q) = %t, %v, want an error", hash, ok, err)
		} else if strings.Contains(err.Error(), hash) {
			t.Errorf("the error %q holds the hash", err)
		}
	}
}

func TestCancelled(t *testing.T) {
	h := password.NewHasher()
	release := password.Occupy(h)
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Verify(ctx, "", secret); !errors.Is(err, context.Canceled) {
		t.Errorf("Verify with all slots taken = %v, want %v", err, context.Canceled)
	}
}

func FuzzVerify(f *testing.F) {
	h := password.NewHasher()
	f.Add("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "x")
	f.Add("$argon2id$v=19$m=,t=,p=$$", "")
	f.Fuzz(func(t *testing.T, hash, pass string) {
		if strings.Contains(hash, "m=") && len(hash) > 120 {
			t.Skip("large parameters only take time")
		}
		if ok, err := h.Verify(t.Context(), hash, pass); ok && err != nil {
			t.Errorf("Verify = true and %v", err)
		}
	})
}
