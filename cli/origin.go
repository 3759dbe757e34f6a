package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/fotspor/fotspor/internal/trusted"
)

// DefaultConfig is the file of settings that is read where --config names none, if it is
// there.
const DefaultConfig = "/etc/fotspor/fotspor.toml"

// Most bytes of files that hold settings.
const (
	maxConfig = 1 << 20
	maxSecret = 64 << 10
)

// fileTwin returns the variable that names a file with the value of a secret.
func (s setting) fileTwin() string { return s.twin() + "_FILE" }

// setElsewhere gives the settings in own that no flag has given the values that they have in
// the environment or a file, and remembers where each value comes from. It returns all
// mistakes. The value of a secret is in no error.
func (c *call) setElsewhere(own []setting) error {
	var mistakes []error
	config, path, err := c.readConfig()
	if err != nil {
		mistakes = append(mistakes, err)
	}
	for _, s := range own {
		if c.given(s.name) {
			c.origins[s.name] = "--" + s.name
			continue
		}
		text, origin, err := c.lookUp(s, config, path)
		if err == nil && text != "" {
			c.origins[s.name] = origin
			if err = c.flags.Set(s.name, text); err != nil && !s.secret {
				err = fmt.Errorf("%s=%q: %w", origin, text, err)
			}
		}
		if err != nil {
			mistakes = append(mistakes, usageOr(err))
		}
	}
	return errors.Join(mistakes...)
}

// lookUp returns the value that a setting has in the first of these that has one: its twin in
// the environment, for a secret the file that the environment names or a credential of
// systemd, and config, which was read from path.
func (c *call) lookUp(s setting, config map[string]string, path string) (text, origin string, err error) {
	text, origin = c.environ[s.twin()], s.twin()
	if s.secret {
		file := c.environ[s.fileTwin()]
		switch folder := c.environ["CREDENTIALS_DIRECTORY"]; {
		case text != "" && file != "":
			return "", "", usagef("%s and %s: want one of them", s.twin(), s.fileTwin())
		case file != "":
			text, err = readSecret(file)
			return text, s.fileTwin(), err
		case text == "" && folder != "":
			text, err = readSecret(filepath.Join(folder, s.name))
			if !errors.Is(err, fs.ErrNotExist) {
				return text, "credential " + s.name, err
			}
		}
	}
	if text == "" && !s.argument {
		text, origin = config[s.name], path+": "+s.name
	}
	return text, origin, nil
}

// readSecret reads a secret from a file, without line ends after it.
func readSecret(path string) (string, error) {
	data, err := readTrusted(path, maxSecret)
	if err == nil && len(bytes.TrimSpace(data)) == 0 {
		err = fmt.Errorf("%s is empty", path)
	}
	return strings.TrimRight(string(data), "\r\n"), err
}

// readTrusted reads a file of at most limit bytes that nobody else may change.
func readTrusted(path string, limit int64) ([]byte, error) {
	path, err := trusted.File(path)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s has more than %v", path, byteSize(limit))
	}
	return data, err
}

// configPath returns the file of settings that somebody named; "": nobody has.
func (c *call) configPath() string { return cmp.Or(c.config, c.environ[prefix+"CONFIG"]) }

// readConfig reads the file of settings: texts by the name of the setting, and the path of
// the file. A key that is no setting is a mistake. Without --config, a file that does not
// exist has no settings.
func (c *call) readConfig() (config map[string]string, path string, err error) {
	path = c.configPath()
	named := path != ""
	if !named {
		path = DefaultConfig
	}
	data, err := readTrusted(path, maxConfig)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return nil, "", nil
	}
	if err != nil {
		return nil, path, usageOr(fmt.Errorf("settings: %w", err))
	}
	var keys map[string]any
	if _, err := toml.Decode(string(data), &keys); err != nil {
		return nil, path, usagef("%s: %s", path, withoutSecrets(err, string(data)))
	}
	config = map[string]string{}
	var mistakes []error
	for name, value := range keys {
		text, err := textOf(value)
		switch {
		case !slices.ContainsFunc(settings(), func(s setting) bool { return s.name == name && !s.argument }) || name == "config":
			err = fmt.Errorf("%s: no setting: %s", path, name)
		case err != nil:
			err = fmt.Errorf("%s: %s: %w", path, name, err)
		}
		if err != nil {
			mistakes = append(mistakes, usageError{err})
			continue
		}
		config[name] = text
	}
	slices.SortFunc(mistakes, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return config, path, errors.Join(mistakes...)
}

// withoutSecrets returns what is wrong with a file of settings. It quotes nothing of a line
// that may hold a secret.
func withoutSecrets(err error, text string) string {
	wrong, ok := errors.AsType[toml.ParseError](err)
	if !ok {
		return "not TOML"
	}
	lines := strings.Split(text, "\n")
	at := wrong.Position.Line
	for _, s := range settings() {
		for i := max(0, at-2); i < min(len(lines), at); i++ {
			if s.secret && strings.Contains(lines[i], s.name) {
				return fmt.Sprintf("line %d: not TOML", at)
			}
		}
	}
	return fmt.Sprintf("line %d: %s", at, wrong.Message)
}

// textOf returns the text of a value of TOML as a flag has it: lists have commas.
func textOf(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	case []any:
		texts := make([]string, len(v))
		for i, one := range v {
			text, ok := one.(string)
			if !ok || strings.Contains(text, ",") {
				return "", errors.New("want a list of texts without commas")
			}
			texts[i] = text
		}
		return strings.Join(texts, ","), nil
	}
	return "", errors.New("want a text, a number, true, false or a list of texts")
}

// usageOr makes err a mistake in the command line, unless it is one of a file that may not
// be read or trusted.
func usageOr(err error) error {
	if errors.Is(err, trusted.ErrRefused) || errors.Is(err, fs.ErrPermission) {
		return err
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return err
	}
	return usageError{err}
}
