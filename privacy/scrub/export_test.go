package scrub

// Plain reports whether a text holds no encoding, to the eyes of the package.
func Plain(s string) bool {
	inner, _ := decode(s)
	return inner == s
}
