package embedded

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// exception is an error of the engine, or one of this package in the same form.
type exception struct {
	code    int
	message string // "Code: 60. DB::Exception: … (UNKNOWN_TABLE)"
}

func (e *exception) Error() string { return e.message }

// Codes of ClickHouse errors that this package returns or recognises.
const (
	codeBadArguments   = 36
	codeNotImplemented = 48
	codeSyntaxError    = 62
	codeReadonly       = 164
	codeTooMany        = 202
	codeAccessDenied   = 497
	codeAuthentication = 516
	codeEngine         = 1002 // UNKNOWN_EXCEPTION
)

func newException(code int, name, text string) *exception {
	return &exception{code, "Code: " + strconv.Itoa(code) + ". DB::Exception: " + text + ". (" + name + ")"}
}

var (
	exceptionPrefix = regexp.MustCompile(`^(?:Error: )?Code: (\d+)\. DB::Exception: `)
	exceptionSuffix = regexp.MustCompile(`(?: \(version [^()]*\))?\. \([A-Z][A-Z0-9_]*\)$`)
)

// parseException reads an error message of the engine. A message that was
// wrapped again on its way ("Code: 1. DB::Exception: Code: 1. DB::Exception: …")
// is unwrapped.
func parseException(text string) *exception {
	text = strings.TrimSpace(text)
	match := exceptionPrefix.FindStringSubmatch(text)
	if match == nil {
		return newException(codeEngine, "UNKNOWN_EXCEPTION", text)
	}
	for {
		rest := text[len(match[0]):]
		inner := exceptionPrefix.FindStringSubmatch(rest)
		if inner == nil || inner[1] != match[1] {
			break
		}
		text, match = exceptionSuffix.ReplaceAllString(rest, ""), inner
	}
	code, err := strconv.Atoi(match[1])
	if err != nil {
		code = codeEngine
	}
	return &exception{code, strings.TrimPrefix(text, "Error: ")}
}

// status returns the HTTP status of an answer with this exception. Programs read the code;
// the status tells a person with curl whether the mistake is theirs.
func (e *exception) status() int {
	switch e.code {
	case 6, 26, 27, 38, 41, 53, codeSyntaxError, 69, 72, 117, 130, 131, codeBadArguments, 456: // cannot parse, types do not match
		return http.StatusBadRequest
	case 16, 43, 44, 45, 46, 47, 50, 56, 60, 73, 79, 81, 115: // unknown column, function, table, database, setting, …
		return http.StatusNotFound
	case codeReadonly, codeAccessDenied, codeAuthentication:
		return http.StatusForbidden
	case codeTooMany:
		return http.StatusServiceUnavailable
	case codeNotImplemented:
		return http.StatusNotImplemented
	case 159: // max_execution_time
		return http.StatusRequestTimeout
	default:
		return http.StatusInternalServerError
	}
}
