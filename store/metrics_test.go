package store_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

// TestStatementsAreMeasured: statements are counted by what they do and to which table, failures
// too, but not what a caller gave up; lines of the audit log by who wrote them; and tables have
// their sizes.
func TestStatementsAreMeasured(t *testing.T) {
	server := httptest.NewServer(storetest.Engine(t))
	defer server.Close()
	registry := prometheus.NewPedanticRegistry()
	st, err := store.Open(t.Context(), store.Config{DSN: server.URL + "/" + storetest.Database(), Create: true, Registerer: registry})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	counts := func() map[string]uint64 {
		t.Helper()
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]uint64{}
		for _, family := range families {
			for _, m := range family.Metric {
				key := family.GetName()[len("fotspor_"):]
				for _, l := range m.Label {
					key += " " + l.GetValue()
				}
				all[key] = m.GetHistogram().GetSampleCount() + uint64(m.GetCounter().GetValue())
			}
		}
		return all
	}
	before := counts()
	if err := st.Note(t.Context(), audit.Entry{Time: time.Now(), Actor: audit.Actor{Via: audit.Page}, Action: audit.LoggedIn}); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Audit(t.Context(), time.Time{}, time.Time{}, 10); err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := st.Audit(gone, time.Time{}, time.Time{}, 10); err == nil {
		t.Error("a statement that was given up succeeded")
	}
	sizes, err := st.Sizes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	server.CloseClientConnections()
	server.Close()
	if _, err := st.Audit(t.Context(), time.Time{}, time.Time{}, 10); err == nil {
		t.Error("a statement without a server succeeded")
	}
	got := map[string]uint64{}
	for key, n := range counts() {
		if n -= before[key]; n > 0 {
			got[key] = n
		}
	}
	for _, key := range []string{"store_statement_duration_seconds insert audit", "store_statement_duration_seconds select audit", "audit_lines_total page"} {
		if got[key] == 0 {
			t.Errorf("%s: nothing is counted: %v", key, got)
		}
	}
	failures := map[string]uint64{}
	for key, n := range got {
		var table string
		if _, err := fmt.Sscanf(key, "store_statement_failures_total select %s", &table); err == nil {
			failures[table] = n
		}
	}
	if diff := cmp.Diff(map[string]uint64{"audit": 1}, failures); diff != "" {
		t.Errorf("failures by table (-want +got):\n%s", diff)
	}
	known := map[string]uint64{}
	for _, s := range sizes {
		known[s.Table] = s.Rows
		if (s.Rows > 0) != (s.Bytes > 0) || (s.Rows > 0) != (s.Parts > 0) {
			t.Errorf("%+v", s)
		}
	}
	if n, ok := known["hits"]; known["audit"] != 1 || n != 0 || !ok || known["other"] == 0 {
		t.Errorf("tables have %v rows", known)
	}
}
