package embedded

import "text/template"

// LetRead has engines started from now on let everybody read a database, and do nothing
// else.
func LetRead(database string) {
	usersConfig = template.Must(template.New("users").Parse(`<clickhouse>
	<profiles><default/></profiles>
	<quotas><default/></quotas>
	<users><default>
		<password></password>
		<networks><ip>::/0</ip></networks>
		<profile>default</profile>
		<quota>default</quota>
		<grants><query>GRANT SELECT ON ` + database + `.*</query></grants>
	</default></users>
</clickhouse>
`))
}

// Parts of the doors, for tests.
var (
	Lock         = lock
	GuardedNames = guardedNames
)
