package matomo

import (
	"encoding/json"

	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/referrer"
)

// params are the values as sent of the parameters that are read.
type params struct {
	idsite, rec, recMode, sendImage     string
	token, charset                      string
	module, method, apiSite             string // of the reporting API
	url, urlref                         string
	ignoreReferrer                      string
	link, download                      string
	ownLink                             string // of our own: a link to the site itself is to count
	search, searchCategory, searchCount string
	category, action, name, value       string // of an event
	contentName, contentInteraction     string
	goal, revenue                       string
	custom, ping                        string
	userAgent, language                 string
	hints                               string
	hintsEscaped                        bool // hints are still escaped as in a query
	bulk                                bool // the parameters of an item of a bulk request
	time, timeOffset, visitor           string
	bots, newVisit                      string
	objection                           string // our own parameter: a visitor objects; nothing else is sent
	title                               string
	titleEscaped                        bool   // title is still escaped as in a query
	ownTitle                            string // our own parameter: a title that never means a missing page
	campaign                            string // query of campaign parameters, such as mtm_campaign
	rememberedCampaign, rememberedTerm  string // of an earlier visit
	address, country, region            string // where the visitor is, in place of the connection
	city, latitude, longitude           string
}

// field returns the field for the value of a parameter, or nil if it isn't read.
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
	case "own":
		return &p.ownLink
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
	case "title":
		return &p.ownTitle
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

// privileged returns the name of the first parameter that requires a token, or "". These are
// those that say where a visitor is. As in Matomo, the value 0 counts as none.
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

// readQuery reads the parameters of a query or form. Of several with one name the last counts.
func (p *params) readQuery(query string) {
	for name, value := range dialect.Parameters(query) {
		switch f := p.field(name); f {
		case nil:
			if isCampaign(name) {
				p.addCampaign(name, value)
			}
		case &p.hints: // by far the longest and seldom needed, so decoded later
			p.hints, p.hintsEscaped = value, true
		case &p.title:
			p.title, p.titleEscaped = value, true
		default:
			*f = dialect.Unescape(value)
		}
	}
}

// readObject reads the parameters of a JSON object.
func (p *params) readObject(object map[string]json.RawMessage) {
	for name, value := range object {
		p.set(name, jsonText(value))
	}
}

// isCampaign reports whether name is a campaign parameter. It checks the first letter first,
// which excludes most names.
func isCampaign(name string) bool {
	return name != "" && (name[0] == 'm' || name[0] == 'p' || name[0] == 'u') && referrer.CampaignParameter(name)
}

// addCampaign adds a campaign parameter with an escaped value in front of the others, since
// of several with one name the first counts later.
func (p *params) addCampaign(name, value string) {
	if len(p.campaign)+len(value) > dialect.MaxURL {
		return
	}
	p.campaign = name + "=" + value + "&" + p.campaign
}
