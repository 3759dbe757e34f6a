package app

import "time"

// Hurry has a program wait for little: a test is the only one on its machine that cares.
func (o *Options) Hurry() {
	const moment = 100 * time.Millisecond
	o.paces = paces{sites: moment, geo: moment, health: moment, retry: 2 * moment, backups: moment, seal: moment}
}
