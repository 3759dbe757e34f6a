package referrer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/fotspor/fotspor/internal/trusted"
)

// lists are the files of matomo-org/searchengine-and-social-list (CC0), in the order in which
// they are read. For a host that is in several files, the last one counts.
var lists = []struct {
	file, channel string
	here          bool // a host does not include those below it
}{
	{"SearchEngines.yml", Search, true},
	{"Socials.yml", Social, false},
	{"AIAssistants.yml", AI, false},
}

// maxFile is the largest size of a list, in bytes: some twenty times that of the largest one
// today.
const maxFile = 1 << 20

// OpenSources reads the public lists of matomo-org/searchengine-and-social-list from a
// directory that has one or more of SearchEngines.yml, Socials.yml and AIAssistants.yml. The
// lists override Shipped, which remains for hosts that they do not have. Other data in the
// lists, such as parameters for search terms, are not read. The error names the file and, if
// known, the line.
func OpenSources(dir string) (*Sources, error) {
	s := parseShipped()
	found := false
	for _, list := range lists {
		file := filepath.Join(dir, list.file)
		text, err := readFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = s.addList(text, list.channel, list.here)
		}
		if err != nil {
			return nil, fmt.Errorf("open sources %q: %w", file, err)
		}
		found = true
	}
	if !found {
		return nil, fmt.Errorf("open sources: no SearchEngines.yml, Socials.yml or AIAssistants.yml in %q", dir)
	}
	return s, nil
}

// readFile returns the contents of a file of at most maxFile bytes. It refuses a file that
// other users may change.
func readFile(name string) ([]byte, error) {
	name, err := trusted.File(name)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("larger than %d bytes", maxFile)
	}
	return text, err
}

// addList adds the sources of a list: a mapping from names to hosts.
func (s *Sources) addList(text []byte, channel string, here bool) error {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return err
	}
	if len(document.Content) == 0 {
		return errors.New("empty")
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		return unknown(root, "no mapping from names to hosts")
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		name, hosts := root.Content[i], root.Content[i+1]
		from := origin{channel, readable(name.Value)}
		if name.Kind != yaml.ScalarNode || from.name == "" {
			return unknown(name, "no name")
		}
		if err := s.addHosts(hosts, here, from); err != nil {
			return err
		}
	}
	return nil
}

// addHosts adds a source with its hosts. These are a sequence, or in the urls of a sequence
// of configurations.
func (s *Sources) addHosts(hosts *yaml.Node, here bool, from origin) error {
	if hosts.Kind != yaml.SequenceNode || len(hosts.Content) == 0 {
		return unknown(hosts, "no hosts of %q", from.name)
	}
	for _, item := range hosts.Content {
		urls := []*yaml.Node{item}
		if item.Kind == yaml.MappingNode {
			urls = urlsOf(item)
		}
		if len(urls) == 0 {
			return unknown(item, "no urls of %q", from.name)
		}
		for _, url := range urls {
			if url.Kind != yaml.ScalarNode {
				return unknown(url, "no host of %q", from.name)
			}
			if err := s.add(url.Value, here, from); err != nil {
				return unknown(url, "%w", err)
			}
		}
	}
	return nil
}

// urlsOf returns the urls of a configuration, or nil if it has none.
func urlsOf(configuration *yaml.Node) []*yaml.Node {
	for i := 0; i+1 < len(configuration.Content); i += 2 {
		key, value := configuration.Content[i], configuration.Content[i+1]
		if key.Value == "urls" && value.Kind == yaml.SequenceNode {
			return value.Content
		}
	}
	return nil
}

// unknown returns the error for a node of an unknown form, with its line.
func unknown(node *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("line %d: %w", node.Line, fmt.Errorf(format, args...))
}

// SourceFiles returns the files that OpenSources reads of a directory, those that are missing
// too; none for "".
func SourceFiles(dir string) []string {
	var files []string
	for _, list := range lists {
		if dir != "" {
			files = append(files, filepath.Join(dir, list.file))
		}
	}
	return files
}
