package cli_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"go.uber.org/goleak"

	"github.com/fotspor/fotspor/cli"
	"github.com/fotspor/fotspor/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

const testPassword = "korrekt hest batteri stift"

// command runs a command in this process, and returns its output and exit status.
func command(t *testing.T, stdin string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	return commandIn(t, nil, stdin, args...)
}

// commandAt is command with a clock that stands, and that the kernel does not vouch for.
func commandAt(t *testing.T, now time.Time, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, errs bytes.Buffer
	status = cli.Main(t.Context(), cli.Env{
		Args: args, Environ: []string{"FOTSPOR_ENGINE=" + storetest.Library(t)}, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		Now: func() time.Time { return now }, Synchronised: func() bool { return false },
	})
	return out.String(), errs.String(), status
}

// commandIn is command with an environment.
func commandIn(t *testing.T, environ []string, stdin string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, errs bytes.Buffer
	status = cli.Main(t.Context(), cli.Env{
		Args: args, Environ: append([]string{"FOTSPOR_ENGINE=" + storetest.Library(t)}, environ...),
		Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs,
	})
	return out.String(), errs.String(), status
}
