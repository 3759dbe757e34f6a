package embedded

// Lock is the door of a port, for tests.
var Lock = lock
