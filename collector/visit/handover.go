package visit

import (
	"errors"
	"fmt"
	"os"
)

// ErrNotInMemory matches the errors of HandOver and TakeOver that say that a
// directory is not both private and in memory only, or cannot be checked.
var ErrNotInMemory = errors.New("not a private directory in memory")

// The names in the directory. A file has the second one until it is whole.
const (
	handedOver = "fotspor-visitors"
	unfinished = handedOver + ".new"
)

// errInUse: a tracker counts hits already.
var errInUse = errors.New("tracker has visitors already")

// HandOver leaves the state to the process that comes next, as a file in dir, and
// forgets it here, secrets and all. It is for the end of a process, after its last
// hit; one that comes all the same is that of a new visitor, whom nobody takes
// over. After an error the tracker is as it was, and nothing is in dir.
//
// The state holds the secrets of running days, so dir must be one that no disk is
// behind. Else the error matches ErrNotInMemory, and nothing is written:
//
//   - dir is on a tmpfs or ramfs, by what the kernel says of it. Only Linux is
//     known; elsewhere there is no hand-over.
//   - The kernel may move the pages of a tmpfs to swap. So the machine has no swap
//     in use other than zram, which is memory itself, unless dir is on a ramfs or
//     a tmpfs mounted with noswap (Linux 6.4), which are never swapped.
//   - dir belongs to the user of the process, nobody else may write to it, and it
//     is no symbolic link. Where only its parent exists, as /dev/shm does for
//     /dev/shm/fotspor, it is made.
//
// A file that no process takes over stays until the directory is removed by who made
// it: systemd removes a RuntimeDirectory with its service. No two collectors may share a
// dir.
//
// The file takes some 60 bytes for a visitor with three pages, and the way there
// some buffers of fixed size. Those are overwritten after use.
func (t *Tracker) HandOver(dir string) error {
	if err := t.state().handOver(dir); err != nil {
		return fmt.Errorf("hand visitors over in %q: %w", dir, err)
	}
	return nil
}

func (t *state) handOver(dir string) error {
	p, err := openHandoverDir(dir)
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.check(); err != nil {
		return err
	}
	if err := p.clear(); err != nil {
		return err
	}
	defer t.hold()()
	if !t.known() {
		return nil
	}
	if err := t.writeTo(p); err != nil {
		return errors.Join(err, p.clear())
	}
	t.forget()
	return nil
}

func (t *state) writeTo(p *handoverDir) error {
	f, err := p.create()
	if err != nil {
		return err
	}
	if err := errors.Join(t.encode(f), f.Close()); err != nil {
		return err
	}
	return p.finish()
}

// TakeOver goes on with the state that HandOver left in dir, and returns the number
// of visitors that are in memory then: 0 and no error where nothing was left. It
// comes before the first hit. Rows are then those of a process that was never
// restarted, but for visitors who have to leave: of more visitors than fit the oldest
// leave, and they may do so a little earlier or later.
//
// The file is removed before it is read, also if it turns out to be damaged, so that it
// is used once. Days are left out that Sweep would forget now: those that have ended
// meanwhile, those that begin more than a minute from now, as the clock was set back,
// and past days without a hit for thirty minutes. So are days that the time zone
// database has other bounds for by now.
//
// An error says that the tracker starts afresh. It matches ErrNotInMemory where
// HandOver would say so of dir, which is therefore known from the start. A file that
// is damaged, of another version of the format, or of another user is an error too.
func (t *Tracker) TakeOver(dir string) (visitors int, err error) {
	if err := t.state().takeOver(dir); err != nil {
		return 0, fmt.Errorf("take visitors over from %q: %w", dir, err)
	}
	return t.state().visitors(), nil
}

func (t *state) takeOver(dir string) error {
	p, err := openHandoverDir(dir)
	if err != nil {
		return err
	}
	defer p.close()
	unfit := p.check()
	f, err := p.take() // which removes it
	if f != nil {
		defer f.Close()
	}
	if unfit != nil {
		return unfit
	}
	if f == nil || err != nil {
		return err
	}
	return t.readFrom(f)
}

func (t *state) readFrom(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	body, err := verify(f, info.Size())
	if err != nil {
		return err
	}
	defer t.hold()()
	if t.known() {
		return errInUse
	}
	if err := t.decode(body, body.Size(), t.now()); err != nil {
		t.forget()
		return err
	}
	return nil
}

// hold keeps every hit out until release is called.
func (t *state) hold() (release func()) {
	t.past.mu.Lock()
	t.mu.Lock()
	held := t.days()
	for _, s := range held {
		s.mu.Lock()
	}
	return func() {
		for _, s := range held {
			s.mu.Unlock()
		}
		t.mu.Unlock()
		t.past.mu.Unlock()
	}
}

// days returns every day there is. t.past.mu and t.mu are held.
func (t *state) days() []*siteDay {
	days := make([]*siteDay, 0, len(t.sites)+len(t.past.days))
	for _, s := range t.sites {
		days = append(days, s)
	}
	for _, d := range t.past.days {
		days = append(days, d.siteDay)
	}
	return days
}

// known says whether any day has begun. It is called with hits held.
func (t *state) known() bool {
	for _, s := range t.days() {
		if s.loc != nil {
			return true
		}
	}
	return false
}

// forget forgets every day. It is called with hits held. Sites stay, since a hit
// may wait for one.
func (t *state) forget() {
	for _, s := range t.days() {
		s.forget(&t.memory)
	}
	t.past.days = nil
}
