package matomo

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/fotspor/fotspor/collector/dialect"
)

// about is the answer to a request without parameters, by which people and monitoring systems
// check whether the tracking endpoint exists.
const about = "This is Fotspor, which answers to Matomo's tracking API here. It counts page views, not people.\n"

// The replies to requests with one hit, made once for all requests.
var (
	withImage    = answering(func(w http.ResponseWriter, _ *http.Request, o dialect.Outcome) { replyOne(w, o, false) })
	withoutImage = answering(func(w http.ResponseWriter, _ *http.Request, o dialect.Outcome) { replyOne(w, o, true) })
	asQuerySays  = answering(func(w http.ResponseWriter, r *http.Request, o dialect.Outcome) {
		replyOne(w, o, asksSilence(r.URL.RawQuery))
	})
)

// answering returns a reply that answers as Matomo does: a GIF; 204 if the request has
// send_image=0; 400 and a line of text if it can't be recorded; JSON to a bulk request or one
// for the reporting API. A body beyond the bound is answered with 413; after 503 the client
// sends again later. answering sets the headers of all answers, and answer writes the rest.
func answering(answer dialect.Reply) dialect.Reply {
	return func(w http.ResponseWriter, r *http.Request, o dialect.Outcome) {
		header := w.Header()
		dialect.SetHeaders(header)
		switch r.Method {
		case http.MethodOptions:
			header.Set("Access-Control-Allow-Origin", "*")
			header.Set("Access-Control-Allow-Methods", "GET, POST")
			header.Set("Access-Control-Allow-Headers", "*")
			w.WriteHeader(http.StatusNoContent)
			return
		case http.MethodPost:
			// Trackers send by XMLHttpRequest with credentials, which forbids "*".
			origin := r.Header.Get("Origin")
			if origin == "" {
				origin = "*"
			}
			header.Set("Access-Control-Allow-Origin", origin)
			header.Set("Access-Control-Allow-Credentials", "true")
		default:
			header["Cache-Control"] = dialect.NoStore
			if r.URL.RawQuery == "" {
				header.Set("Content-Type", "text/plain; charset=utf-8")
				io.WriteString(w, about)
				return
			}
		}
		answer(w, r, o)
	}
}

// asksSilence reports whether a query has send_image=0.
func asksSilence(query string) bool {
	// Usually this saves reading the parameters once more. No tracker escapes the name.
	if !strings.Contains(query, "send_image=0") {
		return false
	}
	silent := false
	for name, value := range dialect.Parameters(query) {
		if name == "send_image" {
			silent = value == "0"
		}
	}
	return silent
}

func replyOne(w http.ResponseWriter, o dialect.Outcome, silent bool) {
	header, status := w.Header(), o.Status()
	text := ""
	if status != http.StatusOK {
		text = "Fotspor: " + o.Reason() + "\n"
	}
	switch {
	case silent && status == http.StatusOK:
		w.WriteHeader(http.StatusNoContent)
	case silent:
		header.Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		io.WriteString(w, text)
	case text == "":
		dialect.WritePixel(w)
	default:
		header.Set("Content-Type", "image/gif")
		header.Set("Content-Length", strconv.Itoa(len(dialect.Pixel)+len(text)))
		w.WriteHeader(status)
		w.Write(dialect.Pixel)
		io.WriteString(w, text)
	}
}

// replyBulk answers a bulk request, in which bad items don't fail the others. As in Matomo,
// the answer names the bad ones (invalid_indices, from 0) if the request has a valid token.
func replyBulk(w http.ResponseWriter, o dialect.Outcome, n *bulk) {
	word, status := "success", http.StatusOK
	if o.Err != nil {
		word, status = "error", o.Status()
	} else if n.silent {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"status":%q,"tracked":%d,"invalid":%d`, word, o.Tracked+n.ignored, len(o.Invalid))
	if n.trusted && o.Err == nil {
		indices := make([]int, len(o.Items))
		for i, item := range o.Items {
			indices[i] = item - 1
		}
		list, _ := json.Marshal(indices) // never fails for numbers
		fmt.Fprintf(w, `,"invalid_indices":%s`, list)
	}
	io.WriteString(w, "}")
}
