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

// maxParts bounds the parts of a form that are read. No tracker sends half as many.
const maxParts = 200

// boundaryOf returns what divides the parts of a body that is a form in parts (RFC 7578),
// as FormData and curl -F send it, or "".
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

// readParts takes in the parameters of a form in parts. Files are left out. The body is in
// memory and bounded, and so is all that is read of it. The last of a name wins.
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

// set takes in a parameter that is not escaped.
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
