package embedded

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

// serverConfig holds the server settings of an engine that shares a small
// machine with the program around it. No <*_log> section is there: without one
// ClickHouse writes none of its own log tables. Statistics on the values of columns
// would be made by each insert and merge, for queries that nobody asks; and parts are
// merged ten to one and not five to one, since each merge writes all their rows anew.
var serverConfig = template.Must(template.New("config").Funcs(template.FuncMap{"xml": xmlText}).Parse(`<clickhouse>
	<max_server_memory_usage>{{.MaxMemory}}</max_server_memory_usage>
	<mark_cache_size>16777216</mark_cache_size>
	<index_mark_cache_size>4194304</index_mark_cache_size>
	<uncompressed_cache_size>0</uncompressed_cache_size>
	<index_uncompressed_cache_size>0</index_uncompressed_cache_size>
	<mmap_cache_size>64</mmap_cache_size>
	<compiled_expression_cache_size>8388608</compiled_expression_cache_size>
	<query_cache><max_size_in_bytes>0</max_size_in_bytes></query_cache>
	<background_pool_size>2</background_pool_size>
	<background_merges_mutations_concurrency_ratio>2</background_merges_mutations_concurrency_ratio>
	<background_move_pool_size>1</background_move_pool_size>
	<background_fetches_pool_size>1</background_fetches_pool_size>
	<background_common_pool_size>2</background_common_pool_size>
	<background_schedule_pool_size>4</background_schedule_pool_size>
	<merge_tree>
		<auto_statistics_types></auto_statistics_types>
		<merge_selector_base>10</merge_selector_base>
		<number_of_free_entries_in_pool_to_lower_max_size_of_merge>1</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
		<number_of_free_entries_in_pool_to_execute_mutation>1</number_of_free_entries_in_pool_to_execute_mutation>
		<number_of_free_entries_in_pool_to_execute_optimize_entire_partition>1</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
	</merge_tree>
	<backups><allowed_path>{{xml .Backups}}/</allowed_path></backups>
</clickhouse>
`))

// sessionSettings are the query settings every statement starts from: those of
// a ClickHouse server where libchdb's own differ, no profiler signals between
// our threads, and inserts that are on disk when they are answered.
var sessionSettings = []string{
	"--implicit_select=0",
	"--allow_introspection_functions=0",
	"--async_insert=0",
	"--query_profiler_real_time_period_ns=0",
	"--query_profiler_cpu_time_period_ns=0",
}

// writeConfig writes the settings of a server to a file, in place of the one that a
// process may have left there when it died.
func writeConfig(path, backups string, maxMemory int64) error {
	var config bytes.Buffer
	err := serverConfig.Execute(&config, struct {
		MaxMemory int64
		Backups   string
	}{maxMemory, filepath.ToSlash(backups)})
	if err == nil {
		err = os.WriteFile(path, config.Bytes(), 0o600)
	}
	if err != nil {
		return fmt.Errorf("write the engine's settings: %w", err)
	}
	return nil
}

func xmlText(text string) (string, error) {
	var out strings.Builder
	err := xml.EscapeText(&out, []byte(text))
	return out.String(), err
}
