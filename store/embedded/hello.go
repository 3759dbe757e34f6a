package embedded

import (
	"fmt"
	"strings"

	chproto "github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

// helloQuery is the first statement of every HTTP connection of clickhouse-go. The driver
// reads the answer in its own revision of the Native format, before it knows the server's
// revision. libchdb writes revision 0, so this package makes the answer, with revision 0 in
// it. After that the driver reads what libchdb writes.
const helloQuery = "SELECT displayName(), version(), revision(), timezone()"

// hello is the answer to helloQuery.
type hello struct{ name, version, timezone string }

func readHello(s *session) (hello, error) {
	line, err := s.query("SELECT displayName(), version(), timezone()", "TSVRaw", nil)
	if err != nil {
		return hello{}, fmt.Errorf("ask the engine for its version: %w", err)
	}
	fields := strings.Split(strings.TrimSuffix(string(line), "\n"), "\t")
	if len(fields) != 3 {
		return hello{}, fmt.Errorf("ask the engine for its version: unexpected answer %q", line)
	}
	return hello{fields[0], fields[1], fields[2]}, nil
}

// block encodes the answer to helloQuery.
func (h hello) block() ([]byte, error) {
	block := proto.NewBlock()
	for _, c := range []struct{ name, kind string }{
		{"displayName()", "String"}, {"version()", "String"}, {"revision()", "UInt32"}, {"timezone()", "String"},
	} {
		if err := block.AddColumn(c.name, column.Type(c.kind)); err != nil {
			return nil, err
		}
	}
	if err := block.Append(h.name, h.version, uint32(0), h.timezone); err != nil {
		return nil, err
	}
	var buffer chproto.Buffer
	if err := block.Encode(&buffer, clickhouse.ClientTCPProtocolVersion); err != nil {
		return nil, err
	}
	return buffer.Buf, nil
}
