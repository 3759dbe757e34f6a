package store_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store/storetest"
)

func TestTokens(t *testing.T) {
	st := storetest.Open(t)
	ctx := t.Context()
	if tokens, err := st.Credentials(ctx); len(tokens) > 0 || err != nil {
		t.Fatalf("tokens = %v, %v, want none", tokens, err)
	}
	var want []site.Credential
	secrets := map[string]bool{}
	for name, sites := range map[string][]uint32{"logs of 'web 1' ?": {1, 17}, "everything": nil} {
		token, secret, err := st.AddCredential(ctx, name, sites)
		if err != nil {
			t.Fatal(err)
		}
		if token.Name != name || token.Hash != site.HashSecret(secret) || token.ID == "" || token.Created.IsZero() {
			t.Errorf("token = %+v", token)
		}
		// The form that Matomo's clients for Java insist on.
		if !regexp.MustCompile(`^[a-z0-9]{32}$`).MatchString(secret) || strings.Contains(secret, token.ID) {
			t.Errorf("token %q has the secret %q", token.ID, secret)
		}
		want = append(want, token)
		secrets[secret] = true
	}
	options := cmp.Options{cmpopts.EquateEmpty(), cmpopts.SortSlices(func(a, b site.Credential) bool { return a.ID < b.ID })}
	got, err := st.Credentials(ctx)
	if diff := cmp.Diff(want, got, options); diff != "" || err != nil {
		t.Errorf("tokens: %v (-want +got):\n%s", err, diff)
	}
	stored := query(t, st, "SELECT * FROM credentials")
	for secret := range secrets {
		if strings.Contains(stored, secret) {
			t.Error("a secret is stored")
		}
	}

	if err := st.RemoveCredential(ctx, want[0].ID); err != nil {
		t.Fatal(err)
	}
	got, err = st.Credentials(ctx)
	if diff := cmp.Diff(want[1:], got, options); diff != "" || err != nil {
		t.Errorf("tokens after one was removed: %v (-want +got):\n%s", err, diff)
	}
	for _, id := range []string{want[0].ID, "none", "", "x' OR 1=1"} {
		if err := st.RemoveCredential(ctx, id); !errors.Is(err, site.ErrNotFound) {
			t.Errorf("remove token %q: %v, want ErrNotFound", id, err)
		}
	}
	if left := query(t, st, "SELECT name, hash FROM credentials WHERE id = '"+want[0].ID+"'"); left != "\t" {
		t.Errorf("left of a removed token: %q", left)
	}
	if _, _, err := st.AddCredential(ctx, "x", []uint32{1, 0}); err == nil {
		t.Error("a token for site 0 was made")
	}
}
