package embedded

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestRepairLogs: of each table's log the last record goes if its part never came to
// be, and nothing else does.
func TestRepairLogs(t *testing.T) {
	const (
		first  = "1\t202611_1_1_0\ttoken-1\n"
		second = "1\t202611_2_2_0\ttoken-2\n"
		drop   = "2\t202611_1_1_0\ttoken-1\n"
	)
	tests := []struct {
		name      string
		logs      map[string]string
		parts     []string
		want      map[string]string // what the logs are after it
		forgotten []string
	}{
		{name: "no log"},
		{name: "empty log", logs: map[string]string{"1": ""}},
		{
			name: "nothing was cut short", logs: map[string]string{"1": first + second},
			parts: []string{"202611_1_1_0", "202611_2_2_0"},
		},
		{
			name: "merged since", logs: map[string]string{"1": first + second},
			parts: []string{"202611_1_2_1"},
		},
		{
			name: "changed by a mutation", logs: map[string]string{"1": first + second},
			parts: []string{"202611_1_2_1_7"},
		},
		{
			name: "cut short", logs: map[string]string{"1": first + second}, parts: []string{"202611_1_1_0", "tmp_insert_202611_2_2_0"},
			want: map[string]string{"1": first}, forgotten: []string{"202611_2_2_0"},
		},
		{
			name: "the first one, cut short", logs: map[string]string{"1": first},
			want: map[string]string{"1": ""}, forgotten: []string{"202611_1_1_0"},
		},
		{
			name: "a part of another month does not do", logs: map[string]string{"1": second}, parts: []string{"202610_1_9_3"},
			want: map[string]string{"1": ""}, forgotten: []string{"202611_2_2_0"},
		},
		{
			name: "only the newest log counts, by number", logs: map[string]string{"9": second, "10": first}, parts: []string{"202611_1_1_0"},
		},
		{
			name: "the newest log is empty", logs: map[string]string{"1": first + second, "2": ""}, parts: []string{"202611_1_1_0"},
			want: map[string]string{"1": first}, forgotten: []string{"202611_2_2_0"},
		},
		{name: "a token that was dropped", logs: map[string]string{"1": first + drop}},
		{
			name: "half a record", logs: map[string]string{"1": first + second[:9]}, parts: []string{"202611_1_1_0"},
			want: map[string]string{"1": first}, forgotten: []string{second[2:9]},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			table := filepath.Join(dir, "store", "abc", "abcdef")
			logs := filepath.Join(table, "deduplication_logs")
			if err := os.MkdirAll(logs, 0o700); err != nil {
				t.Fatal(err)
			}
			file := func(number string) string { return filepath.Join(logs, "deduplication_log_"+number+".txt") }
			for number, text := range tt.logs {
				if err := os.WriteFile(file(number), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for _, part := range tt.parts {
				if err := os.Mkdir(filepath.Join(table, part), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			for round := range 2 { // a second repair changes nothing
				forgotten, err := repairLogs(dir)
				if err != nil {
					t.Fatal(err)
				}
				if want := tt.forgotten; round == 0 && !slices.Equal(forgotten, want) || round == 1 && forgotten != nil {
					t.Errorf("round %d: forgotten %q, want %q", round, forgotten, want)
				}
				for number, text := range tt.logs {
					if want, ok := tt.want[number]; ok {
						text = want
					}
					if got, err := os.ReadFile(file(number)); err != nil || string(got) != text {
						t.Errorf("log %s is %q, %v, want %q", number, got, err, text)
					}
				}
			}
		})
	}
}
