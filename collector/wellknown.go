package collector

import (
	"encoding/json"
	"net/http"
	"time"
)

// gpcSupport is the resource by which a server declares whether it honours Global Privacy
// Control (https://w3c.github.io/gpc/, "GPC Support Resource").
type gpcSupport struct {
	GPC        bool   `json:"gpc"`
	LastUpdate string `json:"lastUpdate"` // a full-date of RFC 3339
}

// gpc returns the handler of /.well-known/gpc.json. The policy changes only at a start, so
// lastUpdate is the day of the start.
func (c *Collector) gpc() http.Handler {
	support := gpcSupport{!c.Policy.IgnoreObjection, c.Now().UTC().Format(time.DateOnly)}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Type", "application/json")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Cache-Control", "public, max-age=3600")
		header.Set("Access-Control-Allow-Origin", "*")
		json.NewEncoder(w).Encode(support) // an error means that the client is gone
	})
}
