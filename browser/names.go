package browser

import "slices"

// Names returns every name of a browser that a Client can have, in order.
func Names() []string {
	names := []string{Other, otherChromium, safari, "Android Browser"}
	for _, row := range products {
		names = append(names, row.name)
	}
	for _, name := range brands {
		names = append(names, name)
	}
	for _, name := range rare {
		names = append(names, name)
	}
	return ordered(names)
}

// Systems returns every operating system that a Client can have, in order.
func Systems() []string {
	names := []string{Other}
	for _, s := range systems {
		names = append(names, s.name)
	}
	for _, name := range platforms {
		names = append(names, name)
	}
	for _, system := range appleSystems {
		names = append(names, system.os)
	}
	return ordered(names)
}

// ordered returns the names that are not "", each once.
func ordered(names []string) []string {
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == "" })
}
