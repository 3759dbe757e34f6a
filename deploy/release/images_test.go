package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// TestImages: the program starts in its images as their user, they are of the same layers as
// deploy/Dockerfile, and the same bytes when they are made again.
func TestImages(t *testing.T) {
	need(t)
	modules, out, again := standIns(t), t.TempDir(), t.TempDir()
	timed(t, "images", func() error { return run(append(flags(modules, out, "v1.0.0"), "images")) })
	timed(t, "images again", func() error { return run(append(flags(modules, again, "v1.0.0"), "images")) })
	dockerfile, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, command string
		engine        bool
	}{{"fotspor-server.tar", "version", false}, {"fotspor-latest.tar", "serve", true}} {
		first, err1 := os.ReadFile(filepath.Join(out, c.name))
		second, err2 := os.ReadFile(filepath.Join(again, c.name))
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first, second) {
			t.Errorf("%s is not the same when it is made again", c.name)
		}
		image, err := tarball.ImageFromPath(filepath.Join(out, c.name), nil)
		if err != nil {
			t.Fatal(err)
		}
		file, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		config := file.Config
		if config.User != "65532:65532" || !slices.Equal(config.Cmd, []string{c.command}) || !slices.Equal(config.Healthcheck.Test, []string{"CMD", "/opt/fotspor/fotspor", "healthcheck"}) {
			t.Errorf("%s runs %q as %q and asks %q", c.name, config.Cmd, config.User, config.Healthcheck.Test)
		}
		for _, variable := range config.Env {
			if name, _, _ := strings.Cut(variable, "="); name != "PATH" && name != "SSL_CERT_FILE" && !strings.Contains(string(dockerfile), variable) {
				t.Errorf("%s has %s, and deploy/Dockerfile has not", c.name, variable)
			}
		}
		root := t.TempDir()
		if err := os.Chmod(root, 0o755); err != nil {
			t.Fatal(err)
		}
		unpack(t, mutate.Extract(image), root)
		if _, err := os.Stat(filepath.Join(root, "opt/fotspor/libchdb.so")); (err == nil) != c.engine {
			t.Errorf("%s: the engine: %v", c.name, err)
		}
		inside := exec.Command("/opt/fotspor/fotspor", "config", "check")
		inside.Dir, inside.Env = "/data", config.Env
		inside.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		if output, err := inside.CombinedOutput(); err != nil {
			t.Errorf("%s: fotspor config check: %v\n%s", c.name, err, output)
		}
		if pem, err := os.ReadFile(filepath.Join(root, "etc/ssl/certs/ca-certificates.crt")); err != nil || bytes.Count(pem, []byte("BEGIN CERTIFICATE")) < 100 {
			t.Errorf("%s: authorities of certificates: %d bytes, %v", c.name, len(pem), err)
		}
	}
}

// unpack writes a tree of files to a directory.
func unpack(t *testing.T, from io.ReadCloser, root string) {
	t.Helper()
	defer from.Close()
	for archive := tar.NewReader(from); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(root, header.Name)
		switch header.Typeflag {
		case tar.TypeDir:
			err = os.MkdirAll(path, 0o755)
		case tar.TypeSymlink:
			err = os.Symlink(header.Linkname, path)
		case tar.TypeReg:
			var text []byte
			if text, err = io.ReadAll(archive); err == nil {
				err = os.WriteFile(path, text, 0o644)
			}
		}
		if err == nil && header.Typeflag != tar.TypeSymlink {
			err = errors.Join(os.Chmod(path, header.FileInfo().Mode()), os.Chown(path, header.Uid, header.Gid))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
