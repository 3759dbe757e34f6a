package embedded

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

// serverConfig holds the server settings of an engine that shares a small machine with the
// program. Without <*_log> sections ClickHouse writes none of its own log tables. Statistics
// on the values of columns are off: each insert and merge would make them, and no query
// uses them. Twenty parts are merged into one instead of five, since each merge rewrites all
// rows.
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
		<merge_selector_base>20</merge_selector_base>
		<number_of_free_entries_in_pool_to_lower_max_size_of_merge>1</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
		<number_of_free_entries_in_pool_to_execute_mutation>1</number_of_free_entries_in_pool_to_execute_mutation>
		<number_of_free_entries_in_pool_to_execute_optimize_entire_partition>1</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
	</merge_tree>
	<backups><allowed_path>{{xml .Backups}}/</allowed_path></backups>{{range .Folders}}
	<{{.Setting}}>{{xml .Path}}/</{{.Setting}}>{{end}}
	<user_directories><users_xml><path>{{xml .Users}}</path></users_xml></user_directories>
</clickhouse>
`))

// usersConfig holds the rights of statements. There is one user, default, for the program
// itself and for all clients of its socket and port.
//
// A privilege is granted if the program or the people who administer its tables need it. So
// no table, dictionary or database can have a source outside of the engine, and no statement
// can define a function, make a user or end the engine.
var usersConfig = template.Must(template.New("users").Parse(`<clickhouse>
	<profiles><default><constraints>{{range .}}
		<{{.}}><const/></{{.}}>{{end}}
	</constraints></default></profiles>
	<quotas><default/></quotas>
	<users><default>
		<password></password>
		<networks><ip>::/0</ip></networks>
		<profile>default</profile>
		<quota>default</quota>
		<grants>
			<query>GRANT CHECK, SHOW, SELECT, INSERT, ALTER TABLE, ALTER VIEW, ALTER DATABASE ON *.*</query>
			<query>GRANT CREATE DATABASE, CREATE TABLE, CREATE VIEW, CREATE TEMPORARY TABLE ON *.*</query>
			<query>GRANT DROP DATABASE, DROP TABLE, DROP VIEW, UNDROP TABLE, TRUNCATE, OPTIMIZE ON *.*</query>
			<query>GRANT BACKUP, KILL QUERY ON *.*</query>
			<query>GRANT SYSTEM MERGES, SYSTEM TTL MERGES, SYSTEM FLUSH, SYSTEM DROP CACHE ON *.*</query>
			<query>REVOKE DROP DATABASE ON default.*</query>
			<query>REVOKE INSERT, ALTER, CREATE, DROP, TRUNCATE, OPTIMIZE ON system.*</query>
			<query>REVOKE INSERT, ALTER, CREATE, DROP, TRUNCATE, OPTIMIZE ON information_schema.*</query>
			<query>REVOKE INSERT, ALTER, CREATE, DROP, TRUNCATE, OPTIMIZE ON INFORMATION_SCHEMA.*</query>
		</grants>
	</default></users>
</clickhouse>
`))

// folderSettings are the settings of the server that name a folder. Their defaults are
// outside of the data directory. libchdb ignores user_files_path and uses the working
// directory for it, hence attachAnew.
var folderSettings = []string{
	"user_files_path",
	"custom_local_disks_base_directory",
	"dictionaries_lib_path",
	"dynamic_user_defined_executable_functions_path",
	"filesystem_caches_path",
	"format_schema_path",
	"google_protos_path",
	"tmp_path",
	"top_level_domains_path",
	"user_scripts_path",
}

// lockedSettings are the settings that neither a statement nor a URL may change.
var lockedSettings = []string{
	// Files that are read or written.
	"format_schema",
	"format_schema_source",
	"format_template_row",
	"format_template_resultset",
	"input_format_record_errors_file_path",
	"output_format_schema",
	"rename_files_after_processing",
	"merge_tree_disk",
	"merge_tree_storage_policy",
	"merge_tree_table_disk",
	// Connections to other machines.
	"format_avro_schema_registry_url",
	"url_base",
	"cluster_for_parallel_replicas",
	"allow_experimental_ai_functions",
	// Expressions in a text, where guard does not see them.
	"additional_result_filter",
	"additional_table_filters",
	"parallel_replicas_custom_key",
	"allow_experimental_eval_table_function",
	// Languages that guard does not read.
	"dialect",
	"implicit_select",
	// Signals to threads, Go's among them; addresses of code.
	"query_profiler_real_time_period_ns",
	"query_profiler_cpu_time_period_ns",
	"allow_introspection_functions",
	// The name by which this package finds and kills a statement.
	"log_comment",
}

// sessionSettings are the query settings of every statement at its start: those of a
// ClickHouse server where libchdb's differ, no profiler signals to our threads, and inserts
// that are on disk when they are answered.
var sessionSettings = []string{
	"--implicit_select=0",
	"--allow_introspection_functions=0",
	"--async_insert=0",
	"--query_profiler_real_time_period_ns=0",
	"--query_profiler_cpu_time_period_ns=0",
}

// writeConfig writes the settings of a server to a file, and the rights of its user to
// another file beside it. It replaces files that a dead process has left. All folders that
// the engine may use are below dir. remove removes both files.
func writeConfig(dir string, maxMemory int64) (path string, remove func(), err error) {
	path, users := filepath.Join(dir, "engine.xml"), filepath.Join(dir, "engine-users.xml")
	type folder struct{ Setting, Path string }
	var folders []folder
	for _, setting := range folderSettings {
		folders = append(folders, folder{setting, filepath.Join(TablesDir(dir), strings.TrimSuffix(setting, "_path"))})
	}
	var config, rights bytes.Buffer
	err = errors.Join(
		serverConfig.Execute(&config, struct {
			MaxMemory      int64
			Backups, Users string
			Folders        []folder
		}{maxMemory, filepath.Join(dir, "backups"), users, folders}),
		usersConfig.Execute(&rights, lockedSettings))
	if err == nil {
		err = errors.Join(os.WriteFile(path, config.Bytes(), 0o600), os.WriteFile(users, rights.Bytes(), 0o600))
	}
	remove = func() {
		os.Remove(path)
		os.Remove(users)
	}
	if err != nil {
		remove()
		return "", nil, fmt.Errorf("write the engine's settings: %w", err)
	}
	return path, remove, nil
}

func xmlText(text string) (string, error) {
	var out strings.Builder
	err := xml.EscapeText(&out, []byte(text))
	return out.String(), err
}
