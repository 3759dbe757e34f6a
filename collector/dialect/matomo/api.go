package matomo

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/site"
)

var errToken = errors.New("token_auth: want a token that fotspor token add has printed")

// errAPI answers who takes this for the whole of Matomo's reporting API.
var errAPI = errors.New("module=API: there is no reporting API here, but for what importers of logs ask of SitesManager; hits go to /matomo.php")

// refusals are the answers to what the importer of logs may ask for, and is done here by
// command only.
var refusals = map[string]error{
	"UsersManager.createAppSpecificTokenAuth": errors.New("no token is made over the network: fotspor token add --site N --name import prints one, for --token-auth"),
	"SitesManager.addSite":                    errors.New("no site is made over the network: fotspor site add --host example.org makes one"),
}

// isAPI reports whether a request for Matomo's pages is one for its reporting API: by its
// query, or else by its body, where nothing but the API is asked for.
func isAPI(r *http.Request) bool {
	module := ""
	for name, value := range dialect.Parameters(r.URL.RawQuery) {
		if name == "module" {
			module = value
		}
	}
	return module == "API" || module == "" && r.Method == http.MethodPost
}

// call is a request to the API.
type call struct {
	method, token, site, url string
}

// apiMethods are the methods of Matomo's API that are answered: those that the importer of
// logs calls. See https://developer.matomo.org/api-reference/reporting-api.
var apiMethods = map[string]func(call, []site.Site) (any, error){
	"SitesManager.getSiteFromId": func(c call, sites []site.Site) (any, error) {
		for _, one := range sites {
			if strconv.FormatUint(uint64(one.ID), 10) == strings.TrimSpace(c.site) {
				return describe(one), nil
			}
		}
		return nil, errors.New("idSite: the token is good for no site of this number")
	},
	"SitesManager.getAllSites": func(_ call, sites []site.Site) (any, error) {
		all := make(map[uint32]description, len(sites)) // by number, as Matomo has it
		for _, one := range sites {
			all[one.ID] = describe(one)
		}
		return all, nil
	},
	"SitesManager.getSitesIdFromSiteUrl": func(c call, sites []site.Site) (any, error) {
		type number struct {
			ID uint32 `json:"idsite"`
		}
		host, found := hostOf(c.url), []number{}
		for _, one := range sites {
			if one.Owns(host) {
				found = append(found, number{one.ID})
			}
		}
		return found, nil
	},
}

// description is a site as Matomo's API writes it.
type description struct {
	ID       uint32 `json:"idsite"`
	Name     string `json:"name"`
	MainURL  string `json:"main_url"`
	TimeZone string `json:"timezone"`
}

func describe(s site.Site) description {
	return description{s.ID, s.Name, "https://" + s.Hosts[0], s.Location.String()}
}

// hostOf returns the host of an address, or of a host alone.
func hostOf(address string) string {
	if _, rest, ok := strings.Cut(address, "://"); ok {
		address = rest
	}
	host, _, _ := strings.Cut(strings.TrimSpace(address), "/")
	if at := strings.LastIndexByte(host, ':'); at >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:at]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// api returns the call that the parameters are, or an error if it is none that is
// answered.
func (p *params) api() (*call, error) {
	c := &call{method: p.method, token: p.token, site: p.apiSite, url: p.url}
	if apiMethods[c.method] == nil && refusals[c.method] == nil {
		return c, errAPI
	}
	return c, nil
}

// fault is what Matomo's API says of an error.
type fault struct {
	Result  string `json:"result"`
	Message string `json:"message"`
}

// replyAPI answers in the envelope of the API, and always in JSON. Like Matomo it says
// with status 200 that something is refused, and with 401 that the token is none.
func (d Dialect) replyAPI(w http.ResponseWriter, r *http.Request, c *call, o dialect.Outcome) {
	status, answer, err := o.Status(), any(nil), o.Err
	if err == nil {
		answer, err = d.answer(r, c)
		switch {
		case errors.Is(err, errToken):
			status = http.StatusUnauthorized
		case errors.Is(err, dialect.ErrTooMany):
			status = http.StatusTooManyRequests
			w.Header().Set("Retry-After", "10")
		}
	}
	if err != nil {
		answer = fault{"error", err.Error()}
	}
	w.Header()["Cache-Control"] = dialect.NoStore
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(answer) // which fails only where nobody listens any more
}

// answer returns what a call is answered with. A refusal tells nothing, and needs no token.
func (d Dialect) answer(r *http.Request, c *call) (any, error) {
	if refusal := refusals[c.method]; refusal != nil {
		return nil, refusal
	}
	if d.SitesOf == nil {
		return nil, errToken
	}
	sites, err := d.SitesOf(r, c.token)
	if err == nil && sites == nil {
		err = errToken
	}
	if err != nil {
		return nil, err
	}
	return apiMethods[c.method](*c, sites)
}
