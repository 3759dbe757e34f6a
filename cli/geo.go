package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fotspor/fotspor/geo"
)

// updateGeo fetches every database of --geo-url, also if one before it failed.
func updateGeo(ctx context.Context, c *call) error {
	if err := takeData(c.opts.Data, true); err != nil {
		return err
	}
	had := len(geo.FetchedIn(c.opts.GeoDir())) > 0
	var errs []error
	for _, from := range c.geoURLs {
		f, err := geo.Fetch(ctx, from, c.opts.GeoDir(), c.opts.Now())
		if err != nil {
			errs = append(errs, err)
			continue
		}
		said := "is the newest there is"
		if f.New {
			said = "is new"
		}
		if _, err := fmt.Fprintf(c.Stdout, "%s, made %s, %s\n", f.Path, f.Built.Format(time.DateOnly), said); err != nil {
			return err
		}
	}
	if !had && len(errs) < len(c.geoURLs) {
		if _, err := fmt.Fprintln(c.Stdout, "a program that runs takes it from its next start on, unless --geo names other files, and later ones within a minute"); err != nil {
			return err
		}
	}
	return errors.Join(errs...)
}
