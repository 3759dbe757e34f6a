package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// checkConfig runs when all settings have been read and checked.
func checkConfig(_ context.Context, c *call) error {
	_, err := fmt.Fprintln(c.Stdout, "the settings are good")
	return err
}

// hidden stands for the value of a secret.
const hidden = "(hidden)"

func showConfig(_ context.Context, c *call) error {
	l := c.list("setting", "value", "origin")
	for _, s := range settingsOf(c.cmd.name) {
		if s.argument {
			continue
		}
		value := c.flags.Lookup(s.name).Value.String()
		if s.secret && value != "" {
			value = hidden
		}
		if err := l.add(s.name, value, cmp.Or(c.origins[s.name], "default")); err != nil {
			return err
		}
	}
	return l.flush()
}

// healthTime is how long the program may take to say that it lives.
const healthTime = 5 * time.Second

// checkHealth asks the program that listens on --metrics-listen of this machine.
func checkHealth(ctx context.Context, c *call) error {
	status, body, err := c.askProgram(ctx, "/healthz", 4<<10)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("/healthz: %d: %s", status, strings.TrimSpace(string(body)))
	}
	if err != nil {
		return err
	}
	_, err = c.Stdout.Write(body)
	return err
}

// askProgram gets a path from the program that listens on --metrics-listen of this machine: limit
// bytes of it at most.
func (c *call) askProgram(ctx context.Context, path string, limit int64) (status int, body []byte, err error) {
	host, port, err := net.SplitHostPort(c.opts.MetricsListen)
	if err != nil {
		return 0, nil, err
	}
	if addr, err := netip.ParseAddr(host); host == "" || err == nil && addr.IsUnspecified() {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(ctx, healthTime)
	defer cancel()
	url := "http://" + net.JoinHostPort(host, port) + path
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // and no proxy
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	body, err = io.ReadAll(io.LimitReader(resp.Body, limit))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return 0, nil, fmt.Errorf("get %s: %w", url, err)
	}
	return resp.StatusCode, body, nil
}
