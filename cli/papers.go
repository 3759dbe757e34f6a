package cli

import (
	"context"
	"errors"

	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/internal/baseurl"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
)

// writePapers writes the papers of the controller from the settings in the store.
func writePapers(ctx context.Context, c *call) error {
	return c.withStore(ctx, func(st *store.Store) error {
		papers, err := c.papersOf(ctx, st)
		if err != nil {
			return err
		}
		write := privacy.WritePapers
		if c.asHTML {
			write = privacy.RenderPapers
		}
		return write(c.Stdout, i18n.Find(c.language), papers)
	})
}

func (c *call) papersOf(ctx context.Context, st *store.Store) (privacy.Papers, error) {
	history, err := st.Policies(ctx)
	if err != nil {
		return privacy.Papers{}, err
	}
	sites, err := st.Sites(ctx)
	if err != nil {
		return privacy.Papers{}, err
	}
	users, err := st.Users(ctx)
	if err != nil {
		return privacy.Papers{}, err
	}
	kept, err := st.PublicURL(ctx)
	if err != nil && !errors.Is(err, site.ErrNotFound) {
		return privacy.Papers{}, err
	}
	said, _ := baseurl.Parse(kept.Value) // "" is none
	base := c.opts.PublicURL.Or(said)
	papers := privacy.Papers{
		Version: history.Current(), AuditKeep: c.opts.AuditRetention,
		Users: len(users), HTTPS: base.IsHTTPS(), Made: c.opts.Now(),
	}
	for _, s := range sites {
		papers.Sites = append(papers.Sites, privacy.PapersSite{
			Statement: s.Statement(papers.Version.Policy, papers.Made),
			Guard:     s.Guard, PathRules: len(s.PathRules), Choice: !base.IsZero() && s.SharesDomain(base.Hostname()),
		})
	}
	return papers, nil
}
