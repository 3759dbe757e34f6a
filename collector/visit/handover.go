package visit

import (
	"errors"
	"fmt"
	"os"
)

// ErrNotInMemory matches the errors of HandOver and TakeOver for a directory that is not
// both private and in memory only, or that can't be checked.
var ErrNotInMemory = errors.New("not a private directory in memory")

// The names of the file in the directory: when it is complete, and until then.
const (
	handedOver = "fotspor-visitors"
	unfinished = handedOver + ".new"
)

// errInUse means that a tracker has counted hits before TakeOver.
var errInUse = errors.New("tracker has visitors already")

// HandOver writes the state, secrets included, to a file in dir for the next process, and
// forgets it in this one. It is for the end of a process, after its last hit. A hit that
// comes later counts as that of a new visitor and is not handed over. After an error the
// tracker is unchanged and no file is in dir.
//
// The state holds the secrets of current days, so it must never reach a disk. HandOver
// checks the following. If one of these is not so, it writes nothing and returns an error
// that matches ErrNotInMemory:
//
//   - The kernel reports that dir is on a tmpfs or ramfs. This works on Linux only; on
//     other systems there is no hand-over.
//   - The machine uses no swap but zram, which is in memory: the kernel may move the
//     pages of a tmpfs to swap. A ramfs, and a tmpfs mounted with noswap (Linux 6.4), are
//     never swapped, so there any swap is allowed.
//   - dir belongs to the user of the process, nobody else may write to it, and it
//     is not a symbolic link. If only its parent exists, as /dev/shm does for
//     /dev/shm/fotspor, HandOver creates it.
//
// A file that no process takes over stays until the owner of the directory removes it:
// systemd removes a RuntimeDirectory with its service. No two collectors may share a dir.
//
// The file takes some 60 bytes for a visitor with three pages. Writing it takes buffers
// of fixed size, which are overwritten after use.
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

// TakeOver reads the state that HandOver left in dir, and returns the number of visitors
// in memory after that. Without a file it returns 0 and no error. It must be called
// before the first hit. Rows are then the same as those of a process that was never
// restarted, except after evictions: if there are more visitors than fit, the oldest are
// evicted, and this may happen a little earlier or later than without a restart.
//
// The file is removed before it is read, also if it turns out to be damaged, so that it
// is used once. TakeOver skips the days that Sweep would forget now: those that have
// ended, those that begin more than a minute from now because the clock was set back,
// and past days without a hit for thirty minutes. It also skips days whose bounds have
// changed in the time zone database.
//
// After an error the tracker is empty. The error matches ErrNotInMemory if HandOver
// would reject dir, so that this is known at the start of the process. A file that is
// damaged, has another version of the format, or belongs to another user is an error too.
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
	f, err := p.take() // removes the file, also if dir is unfit
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

// hold makes every hit wait until release is called.
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

// days returns all days, current and past. t.past.mu and t.mu are held.
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

// known reports whether any day has begun. Hits are held.
func (t *state) known() bool {
	for _, s := range t.days() {
		if s.loc != nil {
			return true
		}
	}
	return false
}

// forget forgets every day. Hits are held. It keeps the entries of sites, since a hit may
// be waiting for the lock of one.
func (t *state) forget() {
	for _, s := range t.days() {
		s.forget(&t.memory)
	}
	t.past.days = nil
}
