// Command release makes what is given to others: packages for Debian and Red Hat, and images
// of containers. It is a module apart, so that what it needs is no dependency of the program.
//
//	release [flags] packages [NAME…]
//	release [flags] images
//
// It stands in deploy/release of a checkout in which "make build" has run. The same commit
// gives the same bytes, except for an image's base, which is of the Debian release of the machine.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// release is one version of what is given to others.
type release struct {
	root    string // of the checkout
	modules string // of npm: where the engine and the GeoIP databases are
	out     string // the directory that is written to
	version string // as git describe says it
	ldflags string
	arches  []string
	made    time.Time // of the commit
	locked  time.Time // of the commit that chose engine and GeoIP databases
	work    string    // a directory for files on their way
}

func run(args []string) (err error) {
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	root := flags.String("root", "../..", "`directory` of the checkout")
	modules := flags.String("modules", "../../node_modules", "`directory` of the packages of npm that hold engine and GeoIP databases")
	out := flags.String("out", "../../dist", "`directory` to write to")
	version := flags.String("version", "", "version as git describe says it")
	ldflags := flags.String("ldflags", "", "flags of the linker")
	arches := flags.String("arch", "amd64,arm64", "processors")
	if err := flags.Parse(args); err != nil {
		return err
	}
	r := release{modules: *modules, version: *version, ldflags: *ldflags, arches: strings.Split(*arches, ",")}
	if r.root, err = filepath.Abs(*root); err == nil {
		r.out, err = filepath.Abs(*out)
	}
	if err != nil {
		return err
	}
	if r.made, err = r.committed(); err != nil {
		return err
	}
	if r.locked, err = r.committed("package-lock.json"); err != nil {
		return err
	}
	if r.work, err = os.MkdirTemp("", "fotspor-release-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(r.work)) }()
	switch what := flags.Arg(0); what {
	case "packages":
		return r.packages(flags.Args()[1:])
	case "images":
		return r.images()
	default:
		return fmt.Errorf("%q is neither packages nor images", what)
	}
}

// committed returns when the last commit that changed the paths was made, or the time in
// SOURCE_DATE_EPOCH. See https://reproducible-builds.org/specs/source-date-epoch/.
func (r *release) committed(paths ...string) (time.Time, error) {
	seconds := os.Getenv("SOURCE_DATE_EPOCH")
	if seconds == "" {
		out, err := r.command("git", append([]string{"log", "-1", "--format=%ct", "--"}, paths...)...).Output()
		if err != nil {
			return time.Time{}, fmt.Errorf("ask git for the time of the commit: %w", err)
		}
		seconds = strings.TrimSpace(string(out))
	}
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("time of the commit: %w", err)
	}
	return time.Unix(n, 0).UTC(), nil
}

// command returns a command that runs in the root of the checkout and writes its errors to
// standard error.
func (r *release) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Dir, c.Stderr = r.root, os.Stderr
	return c
}

// build builds the program for a processor and returns the path of its file.
func (r *release) build(arch string) (string, error) {
	file := filepath.Join(r.work, "fotspor-"+arch)
	c := r.command(cmp.Or(os.Getenv("GO"), "go"), "build", "-trimpath", "-ldflags", r.ldflags, "-o", file, "./cmd/fotspor")
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOFLAGS=")
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("build for %s: %w", arch, err)
	}
	return file, nil
}

// at returns the path of a file of the checkout.
func (r *release) at(name string) string { return filepath.Join(r.root, filepath.FromSlash(name)) }

// write writes a file on its way and returns its path.
func (r *release) write(name string, content []byte) (string, error) {
	file := filepath.Join(r.work, name)
	return file, os.WriteFile(file, content, 0o644)
}
