package matomo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// params are the parameters that make a difference, as sent, by name.
type params struct {
	idsite, rec, recMode, sendImage       string
	url, urlref                           string
	link, download, search, searchCount   string
	category, action, name, value         string // of an event
	contentName, contentInteraction       string
	goal, revenue                         string
	custom, ping                          string
	userAgent, hints, language            string
	time, timeOffset, visitor, privileged string // privileged: name of one sent
}

// field returns where the value of a parameter belongs, or nil if it isn't kept.
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
	case "url":
		return &p.url
	case "urlref":
		return &p.urlref
	case "link":
		return &p.link
	case "download":
		return &p.download
	case "search":
		return &p.search
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
	case "cid":
		return &p.visitor
	}
	return nil
}

// isPrivileged reports whether only the holder of a token may send a parameter:
// those that say where a visitor is, in place of the connection.
func isPrivileged(name string) bool {
	switch name {
	case "cip", "country", "region", "city", "lat", "long":
		return true
	}
	return false
}

// set keeps a parameter; decode turns its value into text, where it is needed.
func set[T string | json.RawMessage](p *params, name string, value T, decode func(T) string) {
	if f := p.field(name); f != nil {
		*f = decode(value)
	} else if isPrivileged(name) && decode(value) != "" {
		p.privileged = name
	}
}

// read takes in the parameters of a query or form. The last of a name wins.
// No query is malformed: what can't be decoded stands for itself.
func (p *params) read(query string) {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		name, value, _ := strings.Cut(pair, "=")
		set(p, unescape(name), value, unescape)
	}
}

// unescape decodes %xx and + and leaves a broken escape as it is.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+':
			b.WriteByte(' ')
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b.WriteByte(fromHex(s[i+1])<<4 | fromHex(s[i+2]))
			i += 2
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func fromHex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// asksSilence reports whether a query says send_image=0.
func asksSilence(query string) bool {
	for query != "" {
		var pair string
		if pair, query, _ = strings.Cut(query, "&"); pair == "send_image=0" {
			return true
		}
	}
	return false
}

// batch is the envelope of a bulk request.
type batch struct {
	Requests  items           `json:"requests"`
	SendImage json.RawMessage `json:"send_image"`
}

func (b batch) silent() bool { return jsonText(b.SendImage) == "0" }

func decodeBatch(body []byte) (batch, error) {
	var b batch
	var many *tooManyError
	if err := json.Unmarshal(body, &b); errors.As(err, &many) {
		return batch{}, many
	} else if err != nil || b.Requests == nil {
		return batch{}, errors.New(`bulk request: want JSON as in {"requests":["?idsite=1&rec=1&url=…"]}`)
	}
	return b, nil
}

// items are at most maxItems items of a bulk request, not yet decoded.
type items []json.RawMessage

type tooManyError struct{}

func (*tooManyError) Error() string {
	return fmt.Sprintf("bulk request: want at most %d requests at a time", maxItems)
}

// UnmarshalJSON implements json.Unmarshaler; it stops at the bound.
func (list *items) UnmarshalJSON(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		return errors.New("requests: want a list")
	}
	*list = items{}
	for dec.More() {
		if len(*list) == maxItems {
			return &tooManyError{}
		}
		var item json.RawMessage
		if err := dec.Decode(&item); err != nil {
			return err
		}
		*list = append(*list, item)
	}
	return nil
}

type itemState int

const (
	itemRead itemState = iota
	itemSkipped
	itemInvalid
)

// readItem takes in one item of a bulk request: a URL with a query, or an
// object of parameters. A string without a query is skipped, as Matomo does.
func (p *params) readItem(item json.RawMessage) itemState {
	switch item[0] {
	case '"':
		_, query, ok := strings.Cut(jsonText(item), "?")
		if !ok {
			return itemSkipped
		}
		p.read(query)
		return itemRead
	case '{':
		var object map[string]json.RawMessage
		if err := json.Unmarshal(item, &object); err != nil {
			return itemInvalid
		}
		for name, value := range object {
			set(p, name, value, jsonText)
		}
		return itemRead
	}
	return itemInvalid
}

// jsonText returns a JSON value as it would stand in a query: a string without
// its quotes, true as 1, false and null as nothing, anything else as written.
func jsonText(value json.RawMessage) string {
	switch text := string(value); {
	case text == "true":
		return "1"
	case text == "false", text == "null":
		return ""
	case strings.HasPrefix(text, `"`):
		var s string
		if err := json.Unmarshal(value, &s); err != nil {
			return ""
		}
		return s
	default:
		return text
	}
}
