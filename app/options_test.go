package app_test

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/app"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/store/storetest"
)

// TestOptions changes one field of good options at a time.
func TestOptions(t *testing.T) {
	good := func() app.Options {
		o := app.DefaultOptions()
		o.Collector = true
		o.Listen, o.MetricsListen = "127.0.0.1:0", "127.0.0.1:0"
		return o
	}
	for name, change := range map[string]func(*app.Options){
		"no part":      func(o *app.Options) { o.Collector = false },
		"demo":         func(o *app.Options) { o.Demo = true },
		"logger":       func(o *app.Options) { o.Logger = nil },
		"record":       func(o *app.Options) { o.Policy.Record = "all" },
		"retention":    func(o *app.Options) { o.Policy.Retention = privacy.Period{} },
		"IPv4 address": func(o *app.Options) { o.Policy.Bits4 = 25 },
		"IPv6 address": func(o *app.Options) { o.Policy.Bits6 = 64 },
	} {
		o := good()
		change(&o)
		err := app.Run(t.Context(), o)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, word := range strings.Fields(name) {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: the error %q does not name %q", name, err, word)
			}
		}
	}
}

// TestStopWhileStarting: who is asked to stop while it starts has not failed.
func TestStopWhileStarting(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o := app.DefaultOptions()
	o.Collector, o.Dashboard, o.Retention = true, true, true
	o.Data, o.Engine = t.TempDir(), storetest.Library(t)
	o.Listen, o.MetricsListen = "127.0.0.1:0", "127.0.0.1:0"
	o.Logger, o.Out = slog.New(slog.DiscardHandler), io.Discard
	o.Started = func(app.Addrs) { t.Error("it started") }
	if err := app.Run(ctx, o); err != nil {
		t.Errorf("Run returned %v", err)
	}
}
