// Package deploy holds the files that run Fotspor in production, and the tests
// that keep them in step with the program and its documentation.
package deploy

//go:generate go test -run TestCollectorIsRouted -update .
