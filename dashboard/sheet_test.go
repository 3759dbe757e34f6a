package dashboard

import "testing"

// TestSafeCell: a spreadsheet reads no text as a formula, with anything unseen before its sign
// and however wide that is.
func TestSafeCell(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "budsjett": false, "/nyheter": false, "a=1": false, "1+1": false, "–": false, "å": false, " budsjett": false, "\u200bå": false,
		"=1+1": true, "+47": true, "-1": true, "@SUM(1)": true, "\tx": true, "\rx": true, "\nx": true,
		"\u200b=1+1": true, "\ufeff=3": true, "＝1+1": true, "＋1": true, "－1": true, "＠x": true, "﹣1": true, "﹢1": true, "﹫x": true,
		" =1": true, "\u00a0=1": true, "\u2060+1": true, "\u202e-1": true, "\u00ad@x": true, "\x00=1": true, "\x1b=1": true, "\u200b\ufeff \u3000＝1": true, "\u0301=1": true, "\t=1": true,
	} {
		if got := safeCell(text); (got != text) != want || want && got != "'"+text {
			t.Errorf("safeCell(%q) = %q, want a sign before it: %t", text, got, want)
		}
	}
}
