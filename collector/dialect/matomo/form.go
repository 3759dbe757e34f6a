package matomo

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
)

// maxParts is how many parts of a form are read. No tracker sends half as many.
const maxParts = 200

// boundaryOf returns the boundary of a multipart form (RFC 7578), as FormData and curl -F send
// it, or "" for another body.
func boundaryOf(r *http.Request) string {
	contentType := r.Header["Content-Type"]
	if len(contentType) == 0 || !strings.HasPrefix(strings.ToLower(contentType[0]), "multipart/form-data") {
		return ""
	}
	_, parameters, err := mime.ParseMediaType(contentType[0])
	if err != nil {
		return ""
	}
	return parameters["boundary"]
}

// readParts reads the parameters of a multipart form. It skips files. The body is bounded and
// in memory, so the parts need no bound. Of several with one name the last counts.
func (p *params) readParts(body []byte, boundary string) error {
	form := multipart.NewReader(bytes.NewReader(body), boundary)
	for range maxParts {
		part, err := form.NextPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return errBody
		}
		if part.FileName() != "" {
			continue
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return errBody
		}
		p.set(part.FormName(), string(value))
	}
	return nil
}

// set sets a parameter whose value is not escaped.
func (p *params) set(name, value string) {
	switch f := p.field(name); f {
	case nil:
		if isCampaign(name) {
			p.addCampaign(name, url.QueryEscape(value))
		}
	case &p.hints:
		p.hints, p.hintsEscaped = value, false
	case &p.title:
		p.title, p.titleEscaped = value, false
	default:
		*f = value
	}
}
