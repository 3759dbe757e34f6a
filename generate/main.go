// Command generate writes the files that follow from lists in the program: the migration
// that stores lack to be what is declared, if they lack something. With -anew it writes the
// first migrations anew in place of that, which is right as long as nobody has a store.
// Run it in the folder of the checkout. Tests hold the files to what it writes.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/fotspor/fotspor/store/schema"
)

const migrations = "store/schema/migrations/"

func main() {
	anew := flag.Bool("anew", false, "write the first migrations anew")
	flag.Parse()
	files := map[string]string{}
	if *anew {
		files["0001_hits.sql"], files["0002_rollups.sql"] = schema.Hits(), schema.Rollups()
	} else if name, text, err := schema.Next(schema.All()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	} else if name != "" {
		files[name] = text
	}
	for name, text := range files {
		if err := os.WriteFile(migrations+name, []byte(text), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(migrations + name)
	}
}
