package collector

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/fotspor/fotspor/privacy"
)

// gpcSupport is the resource by which a server declares whether it honours Global Privacy
// Control (https://w3c.github.io/gpc/, "GPC Support Resource").
type gpcSupport struct {
	GPC        bool   `json:"gpc"`
	LastUpdate string `json:"lastUpdate"` // a full-date of RFC 3339
}

// gpc returns the handler of /.well-known/gpc.json: whether all sites heed objections. lastUpdate is the day on which this process
// began to run under its policy.
func (c *Collector) gpc(privacy.Policy) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Type", "application/json")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Cache-Control", "public, max-age=3600")
		header.Set("Access-Control-Allow-Origin", "*")
		policy := c.inForce.Load()
		json.NewEncoder(w).Encode(gpcSupport{c.Sites.heed(policy.Policy), policy.since.Format(time.DateOnly)}) // an error means that the client is gone
	})
}
