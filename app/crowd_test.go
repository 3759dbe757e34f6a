package app

import (
	"errors"
	"hash/maphash"
	"net"
	"net/netip"
	"testing"
)

// addressed is a connection from somewhere.
type addressed struct {
	net.Conn
	from   net.Addr
	closed bool
}

func (a *addressed) RemoteAddr() net.Addr { return a.from }
func (a *addressed) Close() error         { a.closed = true; return nil }

// arrivals is a listener to which connections come one after the other.
type arrivals struct {
	net.Listener
	conns []*addressed
}

func (a *arrivals) Accept() (net.Conn, error) {
	if len(a.conns) == 0 {
		return nil, net.ErrClosed
	}
	conn := a.conns[0]
	a.conns = a.conns[1:]
	return conn, nil
}

// TestCrowd: the number of open connections of a network is bounded, except for proxies and
// this machine itself, which have those of many networks.
func TestCrowd(t *testing.T) {
	l := &arrivals{}
	c := &crowd{
		Listener: l, most: 3, seed: maphash.MakeSeed(), open: map[uint64]int{},
		proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:ffff::/48")},
	}
	accept := func(from string) net.Conn {
		t.Helper()
		l.conns = []*addressed{{from: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(from))}}
		conn, err := c.Accept()
		if err != nil && !errors.Is(err, net.ErrClosed) {
			t.Fatal(err)
		}
		return conn
	}
	for _, from := range []string{"203.0.113.1:1", "203.0.113.2:1", "[::ffff:203.0.113.3]:1", "203.0.114.1:1", "[2001:db8:1:1::1]:1", "[2001:db8:1:2::1]:1"} {
		if accept(from) == nil {
			t.Errorf("%s is refused", from)
		}
	}
	for _, from := range []string{"203.0.113.4:1", "203.0.113.1:2", "[::ffff:203.0.113.3]:2"} {
		if accept(from) != nil {
			t.Errorf("%s is accepted, the fourth of its network", from)
		}
	}
	last := accept("[2001:db8:1:3::1]:1")
	if last == nil || accept("[2001:db8:1:4::1]:1") != nil {
		t.Error("an IPv6 /48 does not have three connections")
	}
	last.Close()
	last.Close() // which net/http may do
	if accept("[2001:db8:1:5::1]:1") == nil || accept("[2001:db8:1:6::1]:1") != nil {
		t.Error("a connection that is closed does not free a slot")
	}
	for _, from := range []string{"127.0.0.1:1", "[::1]:1", "10.1.2.3:1", "[::ffff:10.1.2.3]:1", "[2001:db8:ffff::1]:1"} {
		for range 10 {
			if accept(from) == nil {
				t.Errorf("%s is refused", from)
			}
		}
	}
}
