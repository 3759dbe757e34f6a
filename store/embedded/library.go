package embedded

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/fotspor/fotspor/internal/trusted"
)

// libraryRelease is the release of the npm packages @chdb/lib-* for which this package is
// written. Older ones lack the streaming insert.
const libraryRelease = "26.7.3-stable.1"

// ErrNoLibrary is wrapped, with advice, by the error if libchdb is not found.
var ErrNoLibrary = errors.New("libchdb, the ClickHouse engine, was not found")

// FindLibrary returns the path of libchdb. If explicit is not empty, it looks only there.
// Otherwise it looks beside the executable, in node_modules/@chdb/lib-*/ of the source
// checkout in which the executable is, in /usr/local/lib and in /usr/lib, in this order. It
// does not look in the working directory.
//
// Its error wraps ErrNoLibrary and says how to get the library, or wraps trusted.ErrRefused
// if other users may change the first file found.
func FindLibrary(explicit string) (string, error) {
	if explicit != "" {
		path, err := trusted.File(explicit)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("%w: no file at %q", ErrNoLibrary, explicit)
		case err != nil:
			return "", fmt.Errorf("%w: %w", ErrNotLoaded, err)
		}
		return path, nil
	}
	for _, candidate := range libraryCandidates(trusted.Places()) {
		path, err := trusted.File(candidate)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return "", fmt.Errorf("%w: %w", ErrNotLoaded, err)
		default:
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: run `npm install %s@%s` in the source checkout that the program stands in, put %s beside the program, or name the file with --engine FILE (FOTSPOR_ENGINE)",
		ErrNoLibrary, libraryPackage(), libraryRelease, libraryFile)
}

// libraryCandidates returns the paths where libchdb may be, best first. beside and checkout
// are "" if unknown.
func libraryCandidates(beside, checkout string) []string {
	var found []string
	if beside != "" {
		found = append(found, filepath.Join(beside, libraryFile))
	}
	if checkout != "" {
		found = append(found, libraryIn(checkout))
	}
	return append(found, "/usr/local/lib/"+libraryFile, "/usr/lib/"+libraryFile)
}

// libraryIn returns where npm puts libchdb in a source checkout.
func libraryIn(checkout string) string {
	return filepath.Join(checkout, "node_modules", filepath.FromSlash(libraryPackage()), libraryFile)
}

// libraryFile has the same name on every system, macOS included.
const libraryFile = "libchdb.so"

// libraryPackage returns the name of the npm package with libchdb for this machine.
func libraryPackage() string {
	arch := runtime.GOARCH
	if arch == "amd64" {
		arch = "x64"
	}
	if runtime.GOOS == "linux" {
		return "@chdb/lib-linux-" + arch + "-gnu"
	}
	return "@chdb/lib-" + runtime.GOOS + "-" + arch
}

// openNeeded loads the system libraries that a library needs from the system's folders. The
// loader then uses these, and does not look into the folder that libchdb names (its RUNPATH).
// That is a folder of the machine on which libchdb was built; on this machine anybody may
// have files there.
func openNeeded(path string) error {
	if runtime.GOOS != "linux" {
		return nil
	}
	file, err := elf.Open(path)
	if err != nil {
		return trusted.Denied(err)
	}
	defer file.Close()
	needed, err := file.ImportedLibraries()
	if err != nil {
		return err
	}
	for _, name := range needed {
		if filepath.Base(name) != name {
			return fmt.Errorf("it needs %q, by a path", name)
		}
		if _, err := purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_LOCAL); err != nil {
			return err
		}
	}
	return nil
}

// library is the C interface of libchdb (chdb.h). Every handle that it returns is C memory.
type library struct {
	connect     func(argc int32, argv unsafe.Pointer) *unsafe.Pointer
	close       func(conn *unsafe.Pointer)
	query       func(conn, sql unsafe.Pointer, sqlLen uintptr, format unsafe.Pointer, formatLen uintptr, names, nameLens, values, valueLens unsafe.Pointer, count uintptr) unsafe.Pointer
	classify    func(conn, sql unsafe.Pointer, sqlLen uintptr, database unsafe.Pointer, databaseLen uintptr, analysis unsafe.Pointer) int32
	buffer      func(result unsafe.Pointer) unsafe.Pointer
	length      func(result unsafe.Pointer) uintptr
	resultError func(result unsafe.Pointer) string
	destroy     func(result unsafe.Pointer)

	insert        func(conn, sql unsafe.Pointer, sqlLen uintptr, format unsafe.Pointer, formatLen uintptr, names, nameLens, values, valueLens unsafe.Pointer, count uintptr) unsafe.Pointer
	insertAppend  func(stream, data unsafe.Pointer, size uintptr) int32
	insertDone    func(stream unsafe.Pointer) unsafe.Pointer
	insertCancel  func(stream unsafe.Pointer)
	insertError   func(stream unsafe.Pointer) string
	insertDestroy func(stream unsafe.Pointer)

	enableSignalHandlers func(enabled int32)
	sigaction            func(signal int32, action, old unsafe.Pointer) int32
}

// openLibrary loads the library for the rest of the life of the process, and resolves the
// functions that this package calls.
func openLibrary(path string) (*library, error) {
	if err := openNeeded(path); err != nil {
		return nil, fmt.Errorf("%w %q: %w", ErrNotLoaded, path, err)
	}
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("%w %q: %w", ErrNotLoaded, path, err)
	}
	lib := new(library)
	for name, function := range map[string]any{
		"chdb_connect":                     &lib.connect,
		"chdb_close_conn":                  &lib.close,
		"chdb_query_with_params_n":         &lib.query,
		"chdb_classify_query_n":            &lib.classify,
		"chdb_result_buffer":               &lib.buffer,
		"chdb_result_length":               &lib.length,
		"chdb_result_error":                &lib.resultError,
		"chdb_destroy_query_result":        &lib.destroy,
		"chdb_stream_insert_with_params_n": &lib.insert,
		"chdb_stream_append":               &lib.insertAppend,
		"chdb_stream_done":                 &lib.insertDone,
		"chdb_stream_cancel_insert":        &lib.insertCancel,
		"chdb_stream_insert_error":         &lib.insertError,
		"chdb_destroy_insert_stream":       &lib.insertDestroy,
		"chdb_set_signal_handlers_enabled": &lib.enableSignalHandlers,
	} {
		symbol, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil, fmt.Errorf("%w %q: it is not libchdb %s or newer: %w", ErrNotLoaded, path, libraryRelease, err)
		}
		purego.RegisterFunc(function, symbol)
	}
	symbol, err := purego.Dlsym(purego.RTLD_DEFAULT, "sigaction")
	if err != nil {
		return nil, fmt.Errorf("%w %q: %w", ErrNotLoaded, path, err)
	}
	purego.RegisterFunc(&lib.sigaction, symbol)
	return lib, nil
}
