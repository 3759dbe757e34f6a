package referrer

import _ "embed"

//go:embed steps.txt
var stepsText string

// Steps returns the hosts of log-in and payment services. A website sends its visitors there
// in the middle of a visit, so they are no source when the visitors come back.
func Steps() *HostSet { return steps() }

var steps = shippedHosts("steps.txt", &stepsText)
