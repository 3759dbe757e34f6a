package referrer

import _ "embed"

//go:embed steps.txt
var stepsText string

// Steps returns the hosts of log-in and payment services, to which a website sends its
// visitors in the middle of a visit: where a visitor comes back from is no source.
func Steps() *HostSet { return steps() }

var steps = shippedHosts("steps.txt", &stepsText)
