package app

import (
	"hash/maphash"
	"net"
	"net/netip"
	"sync"

	"golang.org/x/net/netutil"

	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/hit"
)

// Bounds of open connections.
const (
	maxConnections = 10_000 // an idle connection takes 20 kB; further ones wait
	maxOfNetwork   = 2_500  // connections of one network; further ones are closed
	// costOfTLS divides both with TLS: an idle connection takes 32 kB, and 72 kB with HTTP/2.
	costOfTLS = 2
)

// bounded returns l with bounds on the number of open connections: of all, and of each
// network. The networks of proxies and of this machine have no bound, since the connections
// of all visitors may come from there.
func bounded(l net.Listener, proxies []netip.Prefix, tls bool) net.Listener {
	share := 1
	if tls {
		share = costOfTLS
	}
	c := &crowd{Listener: l, most: maxOfNetwork / share, proxies: proxies, seed: maphash.MakeSeed(), open: map[uint64]int{}}
	return netutil.LimitListener(c, maxConnections/share)
}

// crowd is a listener that closes connections of a network that has too many. It holds
// networks only as hashes under a secret.
type crowd struct {
	net.Listener
	most    int
	proxies []netip.Prefix
	seed    maphash.Seed

	mu   sync.Mutex
	open map[uint64]int // number of open connections by network
}

// Accept implements net.Listener.
func (c *crowd) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		network, counted := c.network(conn)
		if !counted {
			return conn, nil
		}
		if c.enter(network) {
			return &member{Conn: conn, leave: sync.OnceFunc(func() { c.leave(network) })}, nil
		}
		conn.Close()
	}
}

// network returns the network of a connection, and false if its connections are not
// counted.
func (c *crowd) network(conn net.Conn) (uint64, bool) {
	peer, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return 0, false
	}
	addr := peer.AddrPort().Addr().Unmap()
	if addr.IsLoopback() {
		return 0, false
	}
	for _, proxy := range c.proxies {
		if proxy.Contains(addr) {
			return 0, false
		}
	}
	return maphash.Comparable(c.seed, geo.Network(hit.NewAddr(addr), geo.MaxBits4, geo.MaxBits6)), true
}

// enter counts a connection, and returns false if its network has too many.
func (c *crowd) enter(network uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[network] >= c.most {
		return false
	}
	c.open[network]++
	return true
}

func (c *crowd) leave(network uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[network]--; c.open[network] == 0 {
		delete(c.open, network)
	}
}

// member is a counted connection.
type member struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (m *member) Close() error {
	defer m.leave()
	return m.Conn.Close()
}
