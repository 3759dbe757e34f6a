package cli

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

const settingsDoc = "../docs/settings.md"

// TestSettingsAsDocumented: docs/settings.md and the manual page are made of the table.
func TestSettingsAsDocumented(t *testing.T) {
	for file, want := range map[string]string{settingsDoc: document(), "../deploy/fotspor.1": manual()} {
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s is not of the table (-table +file), go generate ./cli writes it:\n%s", file, diff)
		}
	}
}

// manual writes the manual page, in the macros of man(7).
func manual() string {
	roff := strings.NewReplacer(`\`, `\e`, "-", `\-`, "`", "", "'", `\(aq`)
	var b strings.Builder
	b.WriteString(".\\\" Written by go generate ./cli.\n.TH FOTSPOR 1\n.SH NAME\nfotspor \\- privacy\\-friendly web analytics\n" +
		".SH SYNOPSIS\n.B fotspor\n.I command\n.RI [ flags ]\n.SH COMMANDS\n")
	for _, cmd := range commands() {
		fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff.Replace(strings.TrimSpace(cmd.name+" "+cmd.args)), roff.Replace(cmd.about))
		for _, s := range settingsOf(cmd.name) {
			if s.argument {
				kind, _, _ := describe(s)
				fmt.Fprintf(&b, ".RS\n.TP\n.B %s\n%s\n.RE\n", roff.Replace(strings.TrimSpace("--"+s.name+" "+kind)), roff.Replace(s.help))
			}
		}
	}
	b.WriteString(".SH SETTINGS\nEach has a twin in the environment and a key in the file of settings.\n")
	for _, s := range settings() {
		if !s.argument {
			kind, standard, _ := describe(s)
			fmt.Fprintf(&b, ".TP\n.B %s\n%s. Default: %s.\n", roff.Replace(strings.TrimSpace("--"+s.name+" "+kind)), roff.Replace(s.help), roff.Replace(standard))
		}
	}
	return b.String() + ".SH FILES\n.TP\n.I " + DefaultConfig + "\nSettings, in TOML.\n" +
		".SH EXIT STATUS\n0, 1 after a failure, 2 after a mistake in the command line or a setting.\n"
}

// document writes the table of settings for people.
func document() string {
	var b strings.Builder
	b.WriteString("# Settings\n\n<!-- Written by go generate ./cli. -->\n\n" +
		"A flag wins over its twin in the environment, which wins over the [file of settings](#a-file-of-settings), which wins over the default; an empty value is none. A command takes the flags that concern it, and `fotspor help COMMAND` lists them. " +
		"A bad value, an unknown flag or an unknown key of the file ends the program before it opens anything, with one line and exit status 2. The line names all mistakes of the environment, the file and the values of both; a flag that can't be read is named alone, before these are looked at. A warning names each variable that begins with `" + prefix + "` and is no setting.\n\n" +
		policyNames() + " are the privacy policy, which lives in the store. The collector writes by it, the retention worker deletes by it, and the public statement is made from it. These settings set it when a collector first starts on a store without one; later `fotspor policy set` does, and a process whose settings say otherwise does not start: see [privacy](privacy.md#the-policy-lives-in-the-store).\n\n" +
		"A size is a number of bytes, or one with a unit, such as `512MiB` or `1GB`. A period is years, months and days, such as `3y`, `1y6m` or `90d`.\n\n" +
		"| flag | environment | default | commands | meaning |\n|---|---|---|---|---|\n")
	for _, s := range settings() {
		if s.argument {
			continue
		}
		kind, standard, text := describe(s)
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s |\n", strings.TrimSpace("--"+s.name+" "+kind), s.twin(), standard, commandList(s.commands), text)
	}
	b.WriteString(aboutFiles)
	b.WriteString("\n## Commands\n\n| command | does |\n|---|---|\n")
	var own string
	for _, cmd := range commands() {
		name := strings.TrimSpace("fotspor " + cmd.name + " " + cmd.args)
		fmt.Fprintf(&b, "| `%s` | %s |\n", name, cmd.about)
		var list string
		for _, s := range settingsOf(cmd.name) {
			if !s.argument {
				continue
			}
			kind, standard, text := describe(s)
			list += fmt.Sprintf("- `%s`: %s", strings.TrimSpace("--"+s.name+" "+kind), text)
			if standard != "none" && standard != "off" {
				list += " Default: " + standard + "."
			}
			list += "\n"
		}
		if list != "" {
			own += "\n### " + name + "\n\n" + list
		}
	}
	b.WriteString("\nSome take flags of their own besides settings. These have twins in the environment, too.\n" + own)
	return b.String()
}

const aboutFiles = `
## A file of settings

A setting has its name, without the two hyphens, as its key in a file in [TOML](https://toml.io/en/v1.0.0). The file is ` + "`" + DefaultConfig + "`" + ` if there is one, or another that ` + "`--config`" + ` names. Each command reads what concerns it, so that ` + "`fotspor site list`" + ` finds the store of the service without a flag.

` + "```toml" + `
public-url = "https://stats.example.org"
trusted-proxies = ["127.0.0.1", "10.0.0.0/8"]
rate-limit = 50
demo = false
` + "```" + `

` + "`fotspor config check`" + ` reads and checks all settings, those of other commands too, and opens nothing else. ` + "`fotspor config show`" + ` lists them with where each comes from (` + "`--json`" + ` for programs). The file may have 1 MiB, and [nobody else may be able to change it](install.md#whose-files-it-takes). What a command asks of one run, such as ` + "`--dry-run`" + `, is no key.

## Secrets

` + "`--store`" + ` may hold a password, and so may ` + "`--geo-url`" + `. It is hidden in ` + "`config show`" + ` and in errors. Beside the ways of other settings it can be the content of a file of at most 64 KiB, without the line end:

- ` + "`" + `FOTSPOR_STORE_FILE=/run/secrets/store` + "`" + ` names one, as for secrets of Compose and Kubernetes;
- ` + "`LoadCredential=store:/etc/fotspor/store`" + ` in a unit of systemd hands one on as the credential ` + "`store`" + `.
`

// policyNames names the settings of the policy.
func policyNames() string {
	var names []string
	for _, s := range settings() {
		if s.policy {
			names = append(names, "`--"+s.name+"`")
		}
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// describe returns the kind of value of a setting, its default and its meaning.
func describe(s setting) (kind, standard, text string) {
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	flags.Var(s.value(newCall(Env{}, command{})), s.name, s.help)
	f := flags.Lookup(s.name)
	kind, text = flag.UnquoteUsage(f)
	text = strings.ToUpper(text[:1]) + text[1:] + "."
	if s.more != "" {
		text += " " + s.more
	}
	bare, _ := f.Value.(interface{ IsBoolFlag() bool })
	switch {
	case s.none != "":
		standard = s.none
	case f.DefValue != "":
		standard = "`" + f.DefValue + "`"
	case bare.IsBoolFlag():
		standard = "off"
	default:
		standard = "none"
	}
	if bare.IsBoolFlag() {
		kind = ""
	}
	return strings.ToUpper(kind), standard, strings.NewReplacer("*", `\*`, "|", `\|`).Replace(text)
}

// commandList names commands, or those that are not among them if that is shorter.
func commandList(names []string) string {
	if rest := allBut(names...); len(rest) <= len(names) {
		if len(rest) == 0 {
			return "all"
		}
		return "all but " + code(rest)
	}
	return code(names)
}

func code(names []string) string { return "`" + strings.Join(names, "`, `") + "`" }

// TestSettings: a command takes no flag twice and names no command that is not there, and each setting
// says what it is.
func TestSettings(t *testing.T) {
	taken := map[string]bool{}
	for _, s := range settings() {
		if len(s.commands) == 0 || s.help == "" || !regexp.MustCompile(`^[a-z]+[46]?(-[a-z]+)*$`).MatchString(s.name) {
			t.Errorf("setting %q lacks commands, help or a name", s.name)
		}
		for _, name := range s.commands {
			if taken[name+" --"+s.name] {
				t.Errorf("%s takes --%s twice", name, s.name)
			}
			taken[name+" --"+s.name] = true
			if !slices.ContainsFunc(commands(), func(c command) bool { return c.name == name }) {
				t.Errorf("--%s is of %q, which is no command", s.name, name)
			}
		}
	}
}

// TestDefaultsAreGood: every default in the help is a valid value.
func TestDefaultsAreGood(t *testing.T) {
	for _, s := range settings() {
		v := s.value(newCall(Env{}, command{}))
		if text := v.String(); text != "" && s.none == "" {
			if err := v.Set(text); err != nil || v.String() != text {
				t.Errorf("--%s %s, the default: %v, and it reads %s then", s.name, text, err, v)
			}
		}
	}
}

// TestDocsNameSettings: the commands in the docs exist, and have the flags with which they are
// written.
func TestDocsNameSettings(t *testing.T) {
	for _, name := range []string{"README.md", "docs/install.md", "docs/operations.md", "docs/privacy.md", "docs/moving-from-matomo.md", "docs/script.md", "docs/dashboard.md"} {
		text, err := os.ReadFile("../" + name)
		if err != nil {
			t.Fatal(err)
		}
		typed := regexp.MustCompile("(?m)(?:^|`|\\$ |bin/)fotspor ([a-z]+(?: [^`\n|#]*)?)(?:[`|#]|$)").FindAllStringSubmatch(string(text), -1)
		for _, m := range typed {
			cmd, rest, err := find(strings.Fields(m[1]))
			if err != nil {
				t.Errorf("%s: %q: %v", name, m[1], err)
				continue
			}
			for _, word := range rest {
				flagName, ok := strings.CutPrefix(strings.Trim(word, `'"()[].,:`), "--")
				flagName, _, _ = strings.Cut(flagName, "=")
				if ok && flagName != "" && flagName != "help" && !slices.ContainsFunc(settingsOf(cmd.name), func(s setting) bool { return s.name == flagName }) {
					t.Errorf("%s: %q: fotspor %s takes no --%s", name, m[1], cmd.name, flagName)
				}
			}
		}
		known := map[string]bool{}
		for _, s := range settings() {
			known[s.twin()] = true
		}
		for _, variable := range regexp.MustCompile(`\b`+prefix+`[A-Z_]+`).FindAllString(string(text), -1) {
			if !known[variable] {
				t.Errorf("%s names %s, which is no setting", name, variable)
			}
		}
	}
}
