package spool

// What tests need to replace the disk.
type (
	FileSystem = fileSystem
	File       = file
	FileEntry  = fileEntry
)

// Functions that take a file system.
var (
	OpenOn  = openOn
	ListOn  = list
	RetryOn = retry
	DropOn  = drop
)

// Disk is the file system of the machine.
var Disk FileSystem = disk{}

// Used returns the bytes that count against the limit of s.
func Used(s *Spool) int64 { return s.used.Load() }
