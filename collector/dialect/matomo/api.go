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

// errAPI is the error for calls of Matomo's reporting API that are not answered here.
var errAPI = errors.New("module=API: there is no reporting API here, except the calls of SitesManager that importers of logs make; hits go to /matomo.php")

// refusals are the errors for calls of the importer of logs that would change something.
// Here this is done by commands only.
var refusals = map[string]error{
	"UsersManager.createAppSpecificTokenAuth": errors.New("no token is made over the network: fotspor token add --site N --name import prints one, for --token-auth"),
	"SitesManager.addSite":                    errors.New("no site is made over the network: fotspor site add --host example.org makes one"),
}

// isAPI reports whether a request for Matomo's pages is one for its reporting API. The query
// says so; a POST without module in its query is one too.
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

// apiMethods are the methods of Matomo's API that are answered: those of the importer of
// logs. See https://developer.matomo.org/api-reference/reporting-api.
var apiMethods = map[string]func(call, []site.Site) (any, error){
	"SitesManager.getSiteFromId": func(c call, sites []site.Site) (any, error) {
		for _, one := range sites {
			if strconv.FormatUint(uint64(one.ID), 10) == strings.TrimSpace(c.site) {
				return describe(one), nil
			}
		}
		return nil, errors.New("idSite: the token allows no site of this number")
	},
	"SitesManager.getAllSites": func(_ call, sites []site.Site) (any, error) {
		all := make(map[uint32]description, len(sites)) // by number, as in Matomo
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

// hostOf returns the host of a URL, or of a text that is only a host.
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

// api returns the call of the API that the parameters make, with an error if it is not one
// that is answered.
func (p *params) api() (*call, error) {
	c := &call{method: p.method, token: p.token, site: p.apiSite, url: p.url}
	if apiMethods[c.method] == nil && refusals[c.method] == nil {
		return c, errAPI
	}
	return c, nil
}

// fault is the form of errors of Matomo's API.
type fault struct {
	Result  string `json:"result"`
	Message string `json:"message"`
}

// replyAPI answers in the form of the API, always as JSON. As in Matomo, a refusal has status
// 200, and an invalid token 401.
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
	json.NewEncoder(w).Encode(answer) // fails only if the client is gone
}

// answer returns the answer to a call. A refusal reveals nothing, so it requires no token.
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
