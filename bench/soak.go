package main

import (
	"context"
	"fmt"
	"time"
)

const (
	idleWait = 15 * time.Second // until a program that does nothing has settled
	soakStep = 20 * time.Second // of load between two looks at the memory
)

// soak prints the memory of the program idle, and then under load for as long as the
// options say: memory that is bounded does not go on growing.
func (b *bench) soak(ctx context.Context) error {
	for _, start := range []func(context.Context, string, string) (*server, error){startSplit, startEmbedded} {
		s, err := start(ctx, b.programs[0], b.dir)
		if s != nil {
			b.servers = append(b.servers, s)
		}
		if err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(idleWait):
	}
	for _, s := range b.servers {
		used, err := s.usage()
		if err != nil {
			return err
		}
		for i, u := range used {
			fmt.Fprintf(b.out, "idle: %s, process %d of %d: %d MB resident\n", s.name, i+1, len(used), u.resident>>20)
		}
	}
	return b.soakLoad(ctx, b.servers[1])
}

// soakLoad loads a server, with both wire formats in turn.
func (b *bench) soakLoad(ctx context.Context, s *server) error {
	var requests [][]byte
	for _, e := range endpoints {
		requests = append(requests, traffic(e)...)
	}
	for start := time.Now(); time.Since(start) < b.soaking; {
		windows, err := b.measure(ctx, []*server{s}, requests, b.connections[0], soakStep)
		if err != nil {
			return err
		}
		w := windows[0]
		fmt.Fprintf(b.out, "%4.0f s: %s: %3.0f MB resident at the end of load, %.0f hits/s, %d hits so far\n",
			time.Since(start).Seconds(), s.name, w.memory()/(1<<20), w.rate(), s.recorded+s.excluded)
	}
	return b.verify(ctx)
}
