package app_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/store/embedded"
)

// Size of the torture, from the environment: how many times processes are killed,
// and the seed of an earlier run. The seed settles the visitors, the schedule and
// what each client sends, but not how these meet.
const (
	killsVariable = "FOTSPOR_TORTURE_KILLS"
	seedVariable  = "FOTSPOR_TORTURE_SEED"
	defaultKills  = 6
)

// TestTorture kills the program under load, over and over, and stops and starts its
// store meanwhile. In the end every hit that was acknowledged is stored once, every
// rollup says the same, and no visitor's address is anywhere.
func TestTorture(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	kills := int(fromEnvironment(t, killsVariable, defaultKills))
	seed := fromEnvironment(t, seedVariable, uint64(time.Now().UnixNano()))
	t.Logf("to run it again: %s=%d %s=%d", killsVariable, kills, seedVariable, seed)

	visitors := drawVisitors(rand.New(rand.NewPCG(seed, 0)), 400)
	apart := &torture{kills: kills / 2, seed: seed, visitors: visitors}
	together := &torture{kills: kills - kills/2, seed: seed, visitors: visitors}
	t.Run("collector and engine", func(t *testing.T) { apart.run(t, apart.buildApart) })
	t.Run("serve", func(t *testing.T) { together.run(t, together.buildTogether) })
	if apart.scanner == nil || together.scanner == nil {
		return // failed, or not asked for
	}
	for c := range apart.scanner.chance {
		if together.scanner.chance[c] {
			t.Errorf("an address of four bytes is in %s, in both runs", c.place)
		}
	}
}

// fromEnvironment reads a number from the environment.
func fromEnvironment(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// drawVisitors returns n addresses, half of them of IPv6.
func drawVisitors(rng *rand.Rand, n int) []netip.Addr {
	var networks4, networks6 []string
	for _, network := range networks {
		if strings.Contains(network, ":") {
			networks6 = append(networks6, network)
		} else {
			networks4 = append(networks4, network)
		}
	}
	addrs := map[netip.Addr]bool{}
	for len(addrs) < n {
		of := networks4
		if len(addrs)%2 == 1 {
			of = networks6
		}
		addrs[draw(rng, of[rng.IntN(len(of))])] = true
	}
	return slices.SortedFunc(maps.Keys(addrs), netip.Addr.Compare)
}

// torture is the program in one topology, and what is done to it.
type torture struct {
	kills    int // how often to kill
	seed     uint64
	visitors []netip.Addr

	t       *testing.T
	rng     *rand.Rand
	scanner *scanner
	load    *load
	dir     string   // everything that the processes write is below it
	at      []string // flags by which commands find the store
	front   *part    // takes the hits
	store   *part    // nil if the front has the store itself
	killed  int
}

// part is a process that comes and goes.
type part struct {
	*service
	args []string
	data string
	logs []*buffer // of all its lives
}

// How long things go on, in answers to the clients, and at a start, which has none,
// in time.
const (
	senders      = 8
	quiet        = 3000 // between two blows, at most
	storeAway    = 3000 // at most
	startTime    = 800 * time.Millisecond
	storingTime  = 2 * time.Second // in which a segment goes to the store, mostly
	smallSpool   = "8MiB"          // so that it is full at times
	databaseName = "footprints"
)

// buildApart makes a collector and an engine in their own processes.
func (x *torture) buildApart() {
	engineAddr := freePort(x.t, x.rng)
	x.store = &part{data: filepath.Join(x.dir, "engine")}
	x.store.args = []string{"engine", "--listen", engineAddr, "--data", x.store.data}
	// A password of the owner's, there before the first start.
	if err := errors.Join(os.Mkdir(x.store.data, 0o700), os.WriteFile(embedded.PasswordPath(x.store.data), []byte("torture-0123456789\n"), 0o600)); err != nil {
		x.t.Fatal(err)
	}
	x.at = []string{"--store", engineDSN(x.t, engineAddr, x.store.data, databaseName), "--data", filepath.Join(x.dir, "command")}
	x.front = &part{data: filepath.Join(x.dir, "collector")}
	x.front.args = []string{"collector", "--store", x.at[1], "--data", x.front.data, "--spool-size", smallSpool}
}

// buildTogether makes one process of everything.
func (x *torture) buildTogether() {
	x.front = &part{data: filepath.Join(x.dir, "serve")}
	x.front.args = []string{"serve", "--data", x.front.data}
	x.at = []string{"--data", x.front.data}
}

// freePort returns an address whose port no connection takes by chance while its
// owner is away, as one that the kernel gives would be.
func freePort(t *testing.T, rng *rand.Rand) string {
	t.Helper()
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 15000+rng.IntN(15000))
		if l, err := net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr
		}
	}
	t.Fatal("no free port")
	return ""
}

// keptDir returns a directory that is removed unless the test fails.
func keptDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fotspor-torture-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("kept for a closer look: %s", dir)
		} else if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// run is the torture of one topology, from the first start to the last look.
func (x *torture) run(t *testing.T, build func()) {
	begin := time.Now()
	x.t, x.rng, x.scanner = t, rand.New(rand.NewPCG(x.seed, uint64(x.kills))), newScanner(x.visitors)
	x.dir = keptDir(t)
	temporary := filepath.Join(x.dir, "tmp")
	if err := os.Mkdir(temporary, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", temporary) // for the processes, and looked through with the rest
	build()
	x.front.args = append(x.front.args, "--trusted-proxies", "127.0.0.1", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0")
	if x.store != nil {
		x.start(x.store)
	}
	if out, errs, status := command(t, "", append([]string{"site", "add", "--host", "example.org", "--quiet", "--create"}, x.at...)...); out != "1\n" || status != 0 {
		t.Fatalf("site add: %q, %q, status %d", out, errs, status)
	}
	x.load = startLoad(t, senders, x.seed, x.visitors)
	x.start(x.front)
	for x.killed < x.kills {
		x.load.pace.await(t, x.rng.IntN(quiet))
		x.blow()
	}
	x.load.pace.await(t, quiet)
	x.load.stop()
	x.front.stop() // and starts once more, without the waits that failures have led to
	x.start(x.front)
	x.awaitEmpty()

	stored := x.check()
	x.lookEverywhere()
	s := x.load.ledger.sum()
	t.Logf("seed %d: %d kills, %d requests, %d hits, %d acknowledged, %d refused, %d unknown, %d stored, %d bots, %.0f MB looked through, %.0f seconds",
		x.seed, x.killed, x.load.ledger.requests, len(x.load.ledger.hits), s[acknowledged], s[refused], s[unknown],
		stored.rows, stored.bots, float64(x.scanner.looked)/1e6, time.Since(begin).Seconds())
}

// start starts a part, and tells the clients where it is.
func (x *torture) start(p *part) {
	x.t.Helper()
	p.service = serve(x.t, p.args...)
	p.logs = append(p.logs, p.log)
	if p == x.front {
		x.load.door.open(p.public)
	}
}

// blow does something to the program that it has to survive.
func (x *torture) blow() {
	x.t.Helper()
	if x.store == nil || x.rng.IntN(3) == 0 {
		x.end(x.front)
		x.restart(x.front)
		return
	}
	x.end(x.store)
	x.load.pace.await(x.t, x.rng.IntN(storeAway))
	if x.rng.IntN(3) == 0 { // with its store unavailable, it has to start by what it knows itself
		x.end(x.front)
		x.restart(x.front)
		x.load.pace.await(x.t, x.rng.IntN(storeAway))
	}
	x.restart(x.store)
}

// end ends a part: in order one time in five, else by a kill, at any moment or at
// the worst one.
func (x *torture) end(p *part) {
	x.t.Helper()
	if x.rng.IntN(5) == 0 {
		p.stop()
		return
	}
	if x.rng.IntN(2) == 0 {
		x.awaitStoring(p)
	}
	p.kill()
	x.killed++
	if p == x.front { // what waits is seen here only
		x.scanner.lookInto(x.t, filepath.Join(p.data, "spool"))
	}
}

// restart starts a part that has ended. At times it is killed while it starts.
func (x *torture) restart(p *part) {
	x.t.Helper()
	for x.rng.IntN(4) == 0 {
		log := new(buffer)
		cmd := process(x.t, append(p.args, "--log-format", "json")...)
		cmd.Stderr = log
		if err := cmd.Start(); err != nil {
			x.t.Fatal(err)
		}
		<-time.After(rand.N(startTime))
		cmd.Process.Kill()
		cmd.Wait()
		x.killed++
		p.logs = append(p.logs, log)
	}
	x.start(p)
}

// awaitStoring waits until the part is in the middle of storing a segment: that is,
// until the file changes in which the store notes what it has taken for one of its
// tables, or the spool's directory. If that takes long, nothing is being stored.
func (x *torture) awaitStoring(p *part) {
	var watched []string
	for _, table := range []string{"hits", "hourly", "daily", "monthly", "cube", "moves", "ledger", "titles"} {
		logs, err := filepath.Glob(filepath.Join(p.data, "clickhouse/data/*", table, "deduplication_logs/*.txt"))
		if err != nil {
			x.t.Fatal(err)
		}
		watched = append(watched, logs...)
	}
	if p == x.front {
		watched = append(watched, filepath.Join(p.data, "spool"))
	}
	file := watched[x.rng.IntN(len(watched))]
	before, err := os.Stat(file)
	if err != nil {
		x.t.Fatal(err)
	}
	for since := time.Now(); time.Since(since) < storingTime; runtime.Gosched() {
		if now, err := os.Stat(file); err != nil || now.Size() != before.Size() || now.ModTime() != before.ModTime() {
			return
		}
	}
}

// awaitEmpty waits until every hit is in the store.
func (x *torture) awaitEmpty() {
	x.t.Helper()
	await(x.t, "an empty spool", func() error {
		text := get(x.t, x.client(), x.front.metrics+"/metrics")
		if n, ok := metricOf(text, "fotspor_spool_segments"); !ok || n != 0 {
			return fmt.Errorf("%v segments wait", n)
		}
		return nil
	})
}
