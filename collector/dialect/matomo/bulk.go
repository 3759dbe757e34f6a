package matomo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// isBulk recognises a bulk request as Matomo does: by content, since browsers
// send it under the content type of a form.
func isBulk(body []byte) bool {
	return bytes.Contains(body, []byte(`"requests"`)) || bytes.Contains(body, []byte(`'requests'`))
}

// batch is the envelope of a bulk request.
type batch struct {
	Requests  items           `json:"requests"`
	Token     json.RawMessage `json:"token_auth"` // for items without a token
	SendImage json.RawMessage `json:"send_image"`
}

func (b batch) silent() bool { return jsonText(b.SendImage) == "0" }

// byteOrderMark may begin a text in UTF-8, such as one that .NET or PowerShell writes.
var byteOrderMark = []byte("\ufeff")

func decodeBatch(body []byte) (batch, error) {
	var b batch
	err := json.Unmarshal(bytes.TrimPrefix(body, byteOrderMark), &b)
	if many, ok := errors.AsType[*tooManyError](err); ok {
		return batch{}, many
	}
	if err != nil || b.Requests == nil {
		return batch{}, errors.New(`bulk request: want JSON as in {"requests":["?idsite=1&rec=1&url=…"]}`)
	}
	return b, nil
}

// items are at most maxItems items of a bulk request, undecoded.
type items []json.RawMessage

type tooManyError struct{}

func (*tooManyError) Error() string {
	return fmt.Sprintf("bulk request: want at most %d requests at a time", maxItems)
}

// UnmarshalJSON implements json.Unmarshaler; it stops at the bound. It reads an object as the
// list of its values, since PHP writes a list with gaps as an object.
func (list *items) UnmarshalJSON(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	open, err := dec.Token()
	named := open == json.Delim('{')
	if err != nil || !named && open != json.Delim('[') {
		return errors.New("requests: want a list")
	}
	*list = items{}
	for dec.More() {
		if len(*list) == maxItems {
			return &tooManyError{}
		}
		if named {
			if _, err := dec.Token(); err != nil {
				return err
			}
		}
		var item json.RawMessage
		if err := dec.Decode(&item); err != nil {
			return err
		}
		*list = append(*list, item)
	}
	return nil
}

// Why an item as a whole is invalid.
var (
	errItem     = errors.New("item of a bulk request: want a URL with a query, or an object of parameters")
	errLongItem = fmt.Errorf("item of a bulk request: larger than %d bytes", maxItem)
)

// maxItem is the longest item in bytes: as long as the head of a request that sends a hit in
// its query may be.
const maxItem = 64 << 10

// readItem reads one item of a bulk request: a URL with a query, or an object of parameters.
// An item longer than maxItem is invalid and not parsed.
func (p *params) readItem(item json.RawMessage) error {
	if len(item) > maxItem {
		return errLongItem
	}
	p.bulk = true
	switch item[0] {
	case '"':
		_, query, ok := strings.Cut(jsonText(item), "?")
		if !ok {
			return errItem
		}
		p.readQuery(query)
		return nil
	case '{':
		var object map[string]json.RawMessage
		if err := json.Unmarshal(item, &object); err != nil {
			return errItem
		}
		p.readObject(object)
		return nil
	}
	return errItem
}

// jsonText returns a JSON value as it would be in a query: a string without its quotes, 1 for
// true, "" for false and null, and any other value as written.
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
