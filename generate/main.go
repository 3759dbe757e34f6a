// Command generate writes the files that follow from lists in the program. Run it in the
// folder of the checkout. Tests hold the files to what it writes.
package main

import (
	"fmt"
	"os"

	"github.com/fotspor/fotspor/store/schema"
)

func main() {
	for file, text := range map[string]string{
		"store/schema/migrations/0001_hits.sql":    schema.Hits(),
		"store/schema/migrations/0002_rollups.sql": schema.Rollups(),
	} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
