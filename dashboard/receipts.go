package dashboard

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/retention/receipt"
)

const receiptsURL = "/admin/receipts"

// receiptLines are on a page of receipts.
const receiptLines = 100

// receiptsPage shows the receipts of deletions, the newest first, and whether their chain is whole.
type receiptsPage struct {
	Count  int64
	Whole  string   // that all are
	Broken string   // why the chain is not whole; "" if it is
	Keys   []string // public keys
	Lines  []receiptLine
	Older  string // URL; "": there are none
	Newer  bool   // there are, on the first page
}

type receiptLine struct {
	Number        uint64
	Ended         time.Time
	What          string
	From, To      string
	Before, After int64
	Unfinished    bool
}

func (d *Dashboard) showReceipts(c *call) error {
	before := uint64(1<<63 - 1)
	if text := c.r.URL.Query().Get("before"); text != "" {
		var err error
		if before, err = strconv.ParseUint(text, 10, 63); err != nil {
			c.wrong = &report.InvalidError{Field: "before", Value: text, Want: "a number: " + err.Error()}
			before = 1<<63 - 1
		}
	}
	page := receiptsPage{Newer: before != 1<<63-1}
	var chain receipt.Chain
	known := map[string]bool{}
	err := d.store.Receipts(c.r.Context(), func(r receipt.Receipt) error {
		t, err := r.Read()
		if err != nil {
			return err
		}
		page.Count++
		if page.Broken == "" {
			if err := chain.Add(r); errors.Is(err, receipt.ErrBroken) {
				page.Broken = err.Error()
			} else if err != nil {
				return err
			}
		}
		if !known[t.Key] {
			known[t.Key] = true
			key, err := receipt.PublicText(r.Public)
			if err != nil {
				return err
			}
			page.Keys = append(page.Keys, key)
		}
		if t.Number >= before {
			return nil
		}
		line := receiptLine{Number: t.Number, Ended: t.Ended, What: c.lang.Known("receipt.", string(t.Kind)), From: t.From, To: t.To, Unfinished: t.Unfinished}
		if t.By != "" {
			line.What += ": " + c.lang.Known("receipt.by.", t.By)
		}
		if len(t.Sites) > 0 {
			names := make([]string, len(t.Sites))
			for i, id := range t.Sites {
				names[i] = strconv.FormatUint(uint64(id), 10)
			}
			line.What = c.lang.Say("receipt.sites", line.What, c.lang.List(names))
		}
		if t.Retention != "" {
			kept, err := privacy.ParsePeriod(t.Retention)
			if err != nil {
				return fmt.Errorf("receipt %d: %w", t.Number, err)
			}
			words, err := kept.Words(c.lang)
			if err != nil {
				return err
			}
			line.What = c.lang.Say("receipt.retention", line.What, words)
		}
		if t.Below > 0 {
			line.What = c.lang.Say("receipt.below", line.What, c.lang.Number(int64(t.Below)))
		}
		rows, err := r.Rows()
		if err != nil {
			return err
		}
		if line.Before = rows.Before; rows.After != nil {
			line.After = *rows.After
		}
		page.Lines = append(page.Lines, line)
		if n := len(page.Lines); n > receiptLines {
			page.Lines = page.Lines[n-receiptLines:]
			page.Older = receiptsURL + "?before=" + strconv.FormatUint(page.Lines[0].Number, 10)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.Reverse(page.Lines)
	page.Whole = c.lang.Counted("receipts.whole", page.Count)
	return d.render(c, http.StatusOK, "receipts", page)
}
