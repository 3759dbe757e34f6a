// Package audit defines the entries of the audit log: who did what, and when. Package store
// keeps them.
package audit

import (
	"context"
	"time"
)

// Via is how an actor acts.
type Via string

// The ways: a page of the dashboard, a command line, or the program by itself.
const (
	Page    Via = "page"
	Command Via = "command"
	Program Via = "program"
)

// Actor makes a change: a user on a page, or the account of the operating system that runs a
// command. The zero Actor is the program.
type Actor struct {
	Via  Via
	Name string
}

type actorKey struct{}

// As returns a context for changes that the audit log attributes to an actor. Without it
// they are attributed to the program.
func As(ctx context.Context, a Actor) context.Context { return context.WithValue(ctx, actorKey{}, a) }

// ActorOf returns the actor of a context.
func ActorOf(ctx context.Context) Actor {
	if a, ok := ctx.Value(actorKey{}).(Actor); ok {
		return a
	}
	return Actor{Via: Program}
}

// Action is what an actor did.
type Action string

// The actions of the audit log.
const (
	LoggedIn          Action = "log-in"
	LoginRefused      Action = "log-in refused"
	LoginThrottled    Action = "log-in throttled"
	LoggedOut         Action = "log-out"
	PasswordRefused   Action = "password refused" // of a user who is logged in
	AccessRefused     Action = "access refused"
	ForgeryRefused    Action = "forgery refused"
	SessionEnded      Action = "session ended"
	SessionsEnded     Action = "sessions ended"
	UserAdded         Action = "user added"
	UserRemoved       Action = "user removed"
	RoleChanged       Action = "role changed"
	SitesChanged      Action = "sites changed"
	PasswordChanged   Action = "password changed"
	LastAdminKept     Action = "last admin kept"
	SiteAdded         Action = "site added"
	SiteChanged       Action = "site changed"
	CredentialAdded   Action = "credential added"
	CredentialRemoved Action = "credential removed"
	SettingChanged    Action = "setting changed"
	BackedUp          Action = "backup made"
	BackupsDeleted    Action = "backups deleted"
	Restored          Action = "restored"
	PolicyChanged     Action = "policy changed"
	NoteAdded         Action = "note added"
	NoteChanged       Action = "note changed"
	NoteRemoved       Action = "note removed"
	ViewAdded         Action = "view added"
	ViewChanged       Action = "view changed"
	ViewRemoved       Action = "view removed"
	RequestAdded      Action = "request added"
	RequestExtended   Action = "request extended"
	RequestAnswered   Action = "request answered"
	RequestRemoved    Action = "request removed"
	LookedUp          Action = "looked up on request"
	Erased            Action = "erased on request"
)

// Entry is a line of the audit log. It holds no address, and nothing that a person typed
// unless it is stored anyway: About names what was changed.
type Entry struct {
	Time time.Time // to the second
	Actor
	Action Action
	About  string
	Count  int // how many times within a minute; 0 counts as 1
}
