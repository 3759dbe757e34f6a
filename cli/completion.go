package cli

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
)

// writeCompletion writes a script for a shell.
func writeCompletion(_ context.Context, c *call) error {
	var script string
	switch c.words[0] {
	case "bash":
		script = bashCompletion()
	case "zsh":
		script = "#compdef fotspor\nautoload -U +X bashcompinit && bashcompinit\n" + bashCompletion()
	case "fish":
		script = fishCompletion()
	}
	_, err := c.Stdout.Write([]byte(script))
	return err
}

// nextWords returns the words that may follow others at the beginning of a command, each
// once.
func nextWords(after string) (words []string) {
	for _, cmd := range commands() {
		rest, ok := strings.CutPrefix(cmd.name, after)
		if word, _, _ := strings.Cut(rest, " "); ok && word != "" && !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words
}

// bashCompletion completes words of commands, flags, and files otherwise.
func bashCompletion() string {
	var b strings.Builder
	b.WriteString("_fotspor() {\n\tlocal words=\n\tcase $COMP_CWORD in\n")
	fmt.Fprintf(&b, "\t1) words='%s help' ;;\n\t2) case ${COMP_WORDS[1]} in\n", strings.Join(nextWords(""), " "))
	for _, first := range nextWords("") {
		if second := nextWords(first + " "); len(second) > 0 {
			fmt.Fprintf(&b, "\t\t%s) words='%s' ;;\n", first, strings.Join(second, " "))
		}
	}
	b.WriteString("\t\tesac ;;\n\tesac\n\tcase \"${COMP_WORDS[1]} ${COMP_WORDS[2]} \" in\n")
	list := commands()
	// The longest first, since a case takes the first that fits.
	slices.SortStableFunc(list, func(a, b command) int { return strings.Count(b.name, " ") - strings.Count(a.name, " ") })
	for _, cmd := range list {
		var flags []string
		for _, s := range settingsOf(cmd.name) {
			flags = append(flags, "--"+s.name)
		}
		fmt.Fprintf(&b, "\t%q*) words+=' %s' ;;\n", cmd.name+" ", strings.Join(append(flags, "--help"), " "))
	}
	b.WriteString("\tesac\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$2\"))\n}\ncomplete -o default -F _fotspor fotspor\n")
	return b.String()
}

// fishCompletion completes words of commands, and flags with their meaning.
func fishCompletion() string {
	var b strings.Builder
	about := func(text string) string {
		return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(strings.ReplaceAll(text, "`", "")) + "'"
	}
	seen := func(name string) string {
		return "'string match -q -- \"" + name + " *\" (commandline -cp | string replace -r \"^\\S+\\s+\" \"\")'"
	}
	b.WriteString("complete -c fotspor -n __fish_use_subcommand -f -a '" + strings.Join(nextWords(""), " ") + " help'\n")
	for _, first := range nextWords("") {
		if second := nextWords(first + " "); len(second) > 0 {
			fmt.Fprintf(&b, "complete -c fotspor -n %s -f -a '%s'\n", seen(first), strings.Join(second, " "))
		}
	}
	for _, cmd := range commands() {
		for _, s := range settingsOf(cmd.name) {
			v := s.value(newCall(Env{}, command{}))
			argument := " -r"
			if bare, ok := v.(interface{ IsBoolFlag() bool }); ok && bare.IsBoolFlag() {
				argument = ""
			}
			_, text := flag.UnquoteUsage(&flag.Flag{Name: s.name, Usage: s.help, Value: v})
			fmt.Fprintf(&b, "complete -c fotspor -n %s -l %s%s -d %s\n", seen(cmd.name), s.name, argument, about(text))
		}
	}
	return b.String()
}
