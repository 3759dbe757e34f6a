package visit

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

func TestSwap(t *testing.T) {
	const header = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
	tests := map[string]struct {
		files map[string]string
		say   string // "": secrets may be written
	}{
		"none":             {map[string]string{"proc/swaps": header}, ""},
		"no list of swap":  {nil, "it is unknown whether"},
		"no such list":     {map[string]string{"proc/swaps": ""}, "it is unknown whether"},
		"partition":        {map[string]string{"proc/swaps": header + "/dev/sda2  partition\t8388604\t0\t-2\n"}, "/dev/sda2"},
		"file, not used":   {map[string]string{"proc/swaps": header + "/swap\\040file  file\t8388604\t0\t-2\n"}, "/swap"},
		"zram":             {map[string]string{"proc/swaps": header + "/dev/zram0 partition 9 9 100\n", "sys/block/zram0/backing_dev": "none\n"}, ""},
		"old zram":         {map[string]string{"proc/swaps": header + "/dev/zram12 partition 9 9 100\n", "sys/block/zram12/size": "9"}, ""},
		"zram with a disk": {map[string]string{"proc/swaps": header + "/dev/zram0 partition 9 9 100\n", "sys/block/zram0/backing_dev": "/dev/sda3\n"}, "zram0"},
		"zram, not known":  {map[string]string{"proc/swaps": header + "/dev/zram0 partition 9 9 100\n"}, "zram0"},
		"named like zram":  {map[string]string{"proc/swaps": header + "/dev/zram/../sda partition 9 9 100\n"}, "sda"},
		"zram and a file":  {map[string]string{"proc/swaps": header + "/dev/zram0 partition 9 9 100\n/f file 1 1 1\n", "sys/block/zram0/backing_dev": "none\n"}, "/f"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			root := make(fstest.MapFS)
			for name, text := range tt.files {
				root[name] = &fstest.MapFile{Data: []byte(text)}
			}
			err := checkSwaps(root)
			if tt.say == "" && err != nil {
				t.Error(err)
			}
			if tt.say != "" && (!errors.Is(err, ErrNotInMemory) || !strings.Contains(err.Error(), tt.say)) {
				t.Errorf("error = %v, want one that tells of %s", err, tt.say)
			}
		})
	}
}

func TestNoSwap(t *testing.T) {
	root := fstest.MapFS{
		"proc/self/fdinfo/7": {Data: []byte("pos:\t0\nflags:\t0100000\nmnt_id:\t42\nino:\t1\n")},
		"proc/self/fdinfo/8": {Data: []byte("pos:\t0\nflags:\t0100000\nmnt_id:\t4\nino:\t1\n")},
		"proc/self/fdinfo/9": {Data: []byte("pos:\t0\nflags:\t0100000\nmnt_id:\t5\nino:\t1\n")},
		"proc/self/mountinfo": {Data: []byte(`27 1 254:0 / / rw,relatime - ext4 /dev/root rw
4 27 0:38 / /noswap rw,nosuid shared:2 - tmpfs noswap rw,size=1024k
42 27 0:39 / /tmp/ns rw,relatime shared:3 master:1 - tmpfs tmpfs rw,size=1024k,noswap
5 27 0:40 / /odd rw - ext4 noswap noswap
`)},
	}
	for fd, want := range map[int]bool{7: true, 8: false, 9: false, 10: false} {
		if got := swapless(root, fd); got != want {
			t.Errorf("swapless(%d) = %t", fd, got)
		}
	}
	if swapless(fstest.MapFS{}, 7) {
		t.Error("without /proc a file is on a tmpfs mounted with noswap")
	}
}

// TestMountInfo: the tables of the running kernel are read as those above are.
func TestMountInfo(t *testing.T) {
	f, err := os.Open("/dev/shm")
	if err != nil {
		t.Skip("NOT TESTED: no /dev/shm:", err)
	}
	defer f.Close()
	if err := inMemory(f, fstest.MapFS{}); !errors.Is(err, ErrNotInMemory) {
		t.Errorf("a tmpfs, with swap unknown: %v", err)
	}
	swaps := fstest.MapFS{"proc/swaps": {Data: []byte("Filename\tType\n/dev/sda2 partition 1 0 -2\n")}}
	if err := inMemory(f, swaps); !errors.Is(err, ErrNotInMemory) {
		t.Errorf("a tmpfs beside a swap: %v", err)
	}
	if err := inMemory(f, fstest.MapFS{"proc/swaps": {Data: []byte("Filename\tType\n")}}); err != nil {
		t.Errorf("a tmpfs without swap: %v", err)
	}
}
