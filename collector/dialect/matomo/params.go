package matomo

import (
	"encoding/json"

	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/referrer"
)

// params are the parameters that make a difference, as sent, by name.
type params struct {
	idsite, rec, recMode, sendImage     string
	token, charset                      string
	module, method, apiSite             string // of the reporting API
	url, urlref                         string
	ignoreReferrer                      string
	link, download                      string
	search, searchCategory, searchCount string
	category, action, name, value       string // of an event
	contentName, contentInteraction     string
	goal, revenue                       string
	custom, ping                        string
	userAgent, language                 string
	hints                               string
	hintsEscaped                        bool // hints are still as they stand in a query
	bulk                                bool // of an item of a bulk request
	time, timeOffset, visitor           string
	bots, newVisit                      string
	objection                           string // of our own: a visitor objects, who tells nothing else
	title                               string
	titleEscaped                        bool   // title is still as it stands in a query
	campaign                            string // query of campaign parameters, such as mtm_campaign
	rememberedCampaign, rememberedTerm  string // of an earlier visit
	address, country, region            string // where the visitor is, in place of the connection
	city, latitude, longitude           string
}

// field returns where the value of a parameter belongs, or nil if it isn't read.
func (p *params) field(name string) *string {
	switch name {
	case "idsite":
		return &p.idsite
	case "rec":
		return &p.rec
	case "recMode":
		return &p.recMode
	case "send_image":
		return &p.sendImage
	case "token_auth":
		return &p.token
	case "cs":
		return &p.charset
	case "module":
		return &p.module
	case "method":
		return &p.method
	case "idSite":
		return &p.apiSite
	case "url":
		return &p.url
	case "urlref":
		return &p.urlref
	case "ignore_referrer", "ignore_referer":
		return &p.ignoreReferrer
	case "link":
		return &p.link
	case "download":
		return &p.download
	case "search":
		return &p.search
	case "search_cat":
		return &p.searchCategory
	case "search_count":
		return &p.searchCount
	case "e_c":
		return &p.category
	case "e_a":
		return &p.action
	case "e_n":
		return &p.name
	case "e_v":
		return &p.value
	case "c_n":
		return &p.contentName
	case "c_i":
		return &p.contentInteraction
	case "idgoal":
		return &p.goal
	case "revenue":
		return &p.revenue
	case "ca":
		return &p.custom
	case "ping":
		return &p.ping
	case "ua":
		return &p.userAgent
	case "uadata":
		return &p.hints
	case "lang":
		return &p.language
	case "cdt":
		return &p.time
	case "cdo":
		return &p.timeOffset
	case "bots":
		return &p.bots
	case "new_visit":
		return &p.newVisit
	case "objection":
		return &p.objection
	case "action_name":
		return &p.title
	case "_rcn":
		return &p.rememberedCampaign
	case "_rck":
		return &p.rememberedTerm
	case "cid":
		return &p.visitor
	case "cip":
		return &p.address
	case "country":
		return &p.country
	case "region":
		return &p.region
	case "city":
		return &p.city
	case "lat":
		return &p.latitude
	case "long":
		return &p.longitude
	}
	return nil
}

// privileged returns the name of a parameter that only the holder of a token may
// send, or "": those that say where a visitor is. Like Matomo it takes 0 for nothing.
func (p *params) privileged() string {
	for _, param := range [...]struct{ name, value string }{
		{"cip", p.address}, {"country", p.country}, {"region", p.region},
		{"city", p.city}, {"lat", p.latitude}, {"long", p.longitude},
	} {
		if param.value != "" && param.value != "0" {
			return param.name
		}
	}
	return ""
}

// readQuery takes in the parameters of a query or form. The last of a name wins.
func (p *params) readQuery(query string) {
	for name, value := range dialect.Parameters(query) {
		switch f := p.field(name); f {
		case nil:
			if isCampaign(name) {
				p.addCampaign(name, value)
			}
		case &p.hints: // the longest by far, and seldom needed
			p.hints, p.hintsEscaped = value, true
		case &p.title:
			p.title, p.titleEscaped = value, true
		default:
			*f = dialect.Unescape(value)
		}
	}
}

// readObject takes in the parameters of an object.
func (p *params) readObject(object map[string]json.RawMessage) {
	for name, value := range object {
		p.set(name, jsonText(value))
	}
}

// isCampaign reports whether name is a campaign parameter. Most names are none by their
// first letter.
func isCampaign(name string) bool {
	return name != "" && (name[0] == 'm' || name[0] == 'p' || name[0] == 'u') && referrer.CampaignParameter(name)
}

// addCampaign adds a campaign parameter, whose value is escaped, before the others: of
// a name the first counts.
func (p *params) addCampaign(name, value string) {
	if len(p.campaign)+len(value) > dialect.MaxURL {
		return
	}
	p.campaign = name + "=" + value + "&" + p.campaign
}
