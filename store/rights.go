package store

import (
	"context"
	"fmt"
)

// Right is a right on the database of a store.
type Right struct {
	Name  string // as GRANT has it, such as "ALTER DELETE"
	For   string // what takes it
	Rare  bool   // nothing that serves takes it, only migrations do
	Given bool
}

// rights are those that the program takes. Tables are made and dropped by locks and erasures, too.
var rights = []Right{
	{Name: "SELECT", For: "to read"},
	{Name: "INSERT", For: "to store hits and settings"},
	{Name: "ALTER DELETE", For: "to delete what is past its time"},
	{Name: "OPTIMIZE", For: "to delete what is past its time"},
	{Name: "CREATE TABLE", For: "to delete, erase and change"},
	{Name: "ALTER MODIFY COMMENT", For: "to delete, erase and change"},
	{Name: "DROP TABLE", For: "to delete, erase and change"},
	{Name: "CREATE VIEW", For: "to migrate", Rare: true},
	{Name: "DROP VIEW", For: "to migrate", Rare: true},
	{Name: "ALTER TABLE", For: "to migrate", Rare: true},
	{Name: "TRUNCATE", For: "to migrate", Rare: true},
}

// Rights asks the store which of the rights that the program takes its user has on the database.
func (s *Store) Rights(ctx context.Context) ([]Right, error) {
	all := make([]Right, len(rights))
	for i, r := range rights {
		var given uint8
		query := "CHECK GRANT " + r.Name + " ON " + quoteName(s.opts.Auth.Database) + ".*"
		if err := s.direct.QueryRow(ctx, query).Scan(&given); err != nil {
			return nil, fmt.Errorf("ask for the right to %s: %w", r.Name, err)
		}
		r.Given = given == 1
		all[i] = r
	}
	return all, nil
}
