package collector

import (
	"math/rand/v2"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/fotspor/fotspor/browser"
	"github.com/fotspor/fotspor/privacy/scrub"
)

type metrics struct {
	received *prometheus.CounterVec
	accepted prometheus.Counter
	dropped  map[reason]prometheus.Counter
	bots     map[string]prometheus.Counter // by rule
	marks    map[string]prometheus.Counter // by kind

	optedOut, objected prometheus.Counter
	steps              map[string]prometheus.Counter // by name
	timed              prometheus.Counter
}

func newMetrics(r prometheus.Registerer) metrics {
	f := promauto.With(r)
	dropped := f.NewCounterVec(prometheus.CounterOpts{
		Name: "fotspor_hits_dropped_total",
		Help: "Hits excluded, by reason.",
	}, []string{"reason"})
	m := metrics{
		received: f.NewCounterVec(prometheus.CounterOpts{
			Name: "fotspor_hits_received_total",
			Help: "Hits read from requests, by wire format.",
		}, []string{"dialect"}),
		accepted: f.NewCounter(prometheus.CounterOpts{
			Name: "fotspor_hits_accepted_total",
			Help: "Hits whose rows are in the spool on disk and that are acknowledged.",
		}),
		dropped: make(map[reason]prometheus.Counter, len(reasons)),
		bots: counters(f, "rule", browser.Rules(), prometheus.CounterOpts{
			Name: "fotspor_bots_total",
			Help: "Hits excluded as those of robots, by the rule that recognised them.",
		}),
		marks: counters(f, "kind", scrub.Kinds(), prometheus.CounterOpts{
			Name: "fotspor_scrubs_total",
			Help: "Marks that came in the place of personal data into hits, by what was found. path_rule: by a rule of the site for its paths.",
		}),
		steps: counters(f, "step", stepNames(), prometheus.CounterOpts{
			Name: "fotspor_pipeline_step_seconds_total",
			Help: "Time that a step of the pipeline took, of the hits in fotspor_pipeline_timed_hits_total.",
		}),
		timed: f.NewCounter(prometheus.CounterOpts{
			Name: "fotspor_pipeline_timed_hits_total",
			Help: "Hits whose way through the pipeline was timed: one in 64, by chance.",
		}),
	}
	objections := counters(f, "by", []string{"browser", "choice"}, prometheus.CounterOpts{
		Name: "fotspor_objections_total",
		Help: "Hits excluded because a person objects: by what the browser says (Sec-GPC: 1 or DNT: 1), or by their choice on the page for it.",
	})
	m.objected, m.optedOut = objections["browser"], objections["choice"]
	for _, format := range formats {
		m.received.WithLabelValues(format.Name)
	}
	for _, why := range reasons {
		m.dropped[why] = dropped.WithLabelValues(string(why))
	}
	return m
}

// counters returns the counters of a metric with one label by its values, all of which are there
// from the start.
func counters(f promauto.Factory, label string, values []string, o prometheus.CounterOpts) map[string]prometheus.Counter {
	vec, all := f.NewCounterVec(o, []string{label}), map[string]prometheus.Counter{}
	for _, value := range values {
		all[value] = vec.WithLabelValues(value)
	}
	return all
}

// stepNames returns the names of all steps as labels.
func stepNames() []string {
	names := make([]string, len(pipeline))
	for i, s := range pipeline {
		names[i] = s.label()
	}
	return names
}

func (s step) label() string { return strings.ReplaceAll(s.name, " ", "_") }

// oneTimed is of how many hits one is timed: reading the clock twice for each step of every hit
// would cost as much as some steps.
const oneTimed = 64

// runTimed is run, and times each step of some hits.
func (c *Collector) runTimed(p *hitContext, steps []step) reason {
	if rand.Uint32()%oneTimed != 0 {
		return c.run(p, steps)
	}
	c.metrics.timed.Inc()
	for _, s := range steps {
		start := time.Now()
		why := s.do(c, p)
		c.metrics.steps[s.label()].Add(time.Since(start).Seconds())
		if why != kept {
			return why
		}
	}
	return kept
}

// countMarks counts the marks in a text that is about to be stored.
func (c *Collector) countMarks(text string) {
	scrub.Marks(text, func(kind string) { c.metrics.marks[kind].Inc() })
}

// excluded counts a hit that left the pipeline.
func (c *Collector) excluded(p *hitContext, why reason) {
	c.drop(why)
	switch {
	case why == bot:
		c.metrics.bots[p.rule].Inc()
	case why == objected && p.hit.OptedOut:
		c.metrics.optedOut.Inc()
	case why == objected:
		c.metrics.objected.Inc()
	}
}

// drop counts a hit that is excluded. All hits that do not reach the end of the pipeline
// are counted here.
func (c *Collector) drop(why reason) { c.metrics.dropped[why].Inc() }
