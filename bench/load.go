package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// answerTime is the longest that any answer may take.
const answerTime = 30 * time.Second

// tally is what became of the requests of a window of load.
type tally struct {
	recorded, excluded int // by the X-Fotspor header; both were acknowledged
	took               time.Duration
	latencies          []time.Duration // of all requests, in no order
}

func (t *tally) add(other tally) {
	t.recorded += other.recorded
	t.excluded += other.excluded
	t.took += other.took
	t.latencies = append(t.latencies, other.latencies...)
}

// load sends requests to addr for a while, over a number of connections with one
// request under way on each, and returns once all are answered. An answer that
// does not acknowledge its request is an error.
func load(ctx context.Context, addr string, requests [][]byte, connections int, window time.Duration) (tally, error) {
	conns := make([]net.Conn, 0, connections)
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	var dialer net.Dialer
	for range connections {
		c, err := dialer.DialContext(ctx, "tcp", addr)
		if err != nil {
			return tally{}, err
		}
		conns = append(conns, c)
	}
	start := time.Now()
	tallies := make([]tally, connections)
	group, groupCtx := errgroup.WithContext(ctx)
	for i, c := range conns {
		group.Go(func() error {
			stop := context.AfterFunc(groupCtx, func() { c.SetDeadline(time.Now()) })
			defer stop()
			var err error
			tallies[i], err = drive(c, requests, i*len(requests)/connections, start, window)
			return err
		})
	}
	err := group.Wait()
	if ctx.Err() != nil {
		return tally{}, ctx.Err() // and not the time-outs that this led to
	}
	if err != nil {
		return tally{}, err
	}
	var total tally
	for _, t := range tallies {
		total.add(t)
	}
	total.took = time.Since(start)
	return total, nil
}

// drive sends requests on one connection, from the one numbered next, until the
// window is over.
func drive(c net.Conn, requests [][]byte, next int, start time.Time, window time.Duration) (tally, error) {
	var t tally
	if err := c.SetDeadline(start.Add(window + answerTime)); err != nil {
		return t, err
	}
	answers := bufio.NewReader(c)
	for sent := time.Now(); sent.Sub(start) < window; next++ {
		if _, err := c.Write(requests[next%len(requests)]); err != nil {
			return t, err
		}
		a, err := readAnswer(answers)
		if err != nil {
			return t, fmt.Errorf("read an answer: %w", err)
		}
		if a.status/100 != 2 {
			return t, fmt.Errorf("a request was answered with status %d", a.status)
		}
		if a.recorded {
			t.recorded++
		} else {
			t.excluded++
		}
		now := time.Now()
		t.latencies = append(t.latencies, now.Sub(sent))
		sent = now
	}
	return t, nil
}

// answer is what the load has to know of a response.
type answer struct {
	status   int
	recorded bool // X-Fotspor says so
}

var errLength = errors.New("an answer tells no Content-Length")

// readAnswer reads one response and skips its body, whose length must be told.
func readAnswer(r *bufio.Reader) (answer, error) {
	var a answer
	line, err := r.ReadSlice('\n')
	if err != nil {
		return a, err
	}
	rest, ok := bytes.CutPrefix(line, []byte("HTTP/1.1 "))
	if !ok || len(rest) < 3 {
		return a, fmt.Errorf("no status line: %q", line)
	}
	if a.status, err = strconv.Atoi(string(rest[:3])); err != nil {
		return a, fmt.Errorf("no status line: %q", line)
	}
	length := -1
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return a, err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			break
		}
		if value, ok := header(line, "content-length"); ok {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return a, fmt.Errorf("content length: %w", err)
			}
		}
		if value, ok := header(line, "x-fotspor"); ok {
			a.recorded = string(value) == "recorded"
		}
	}
	if a.status == 204 {
		return a, nil
	}
	if length < 0 {
		return a, errLength
	}
	_, err = r.Discard(length)
	return a, err
}

// header returns the value of a header line if it has this name, in lower case.
func header(line []byte, name string) ([]byte, bool) {
	if len(line) <= len(name) || line[len(name)] != ':' || !strings.EqualFold(string(line[:len(name)]), name) {
		return nil, false
	}
	return bytes.TrimSpace(line[len(name)+1:]), true
}

// percentile returns the smallest of all durations that p percent of them do not
// exceed (nearest rank); 0 of none. It sorts them.
func percentile(all []time.Duration, p float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	rank := int(math.Ceil(float64(len(all)) * p / 100))
	return all[min(max(rank, 1), len(all))-1]
}
