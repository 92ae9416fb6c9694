package kubelet

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unsafe"
)

// What became of a file in the manifest directory.
type change struct {
	path    string
	deleted bool
}

const watched = syscall.IN_CREATE | syscall.IN_MOVED_TO | syscall.IN_MOVED_FROM | syscall.IN_MODIFY | syscall.IN_ATTRIB |
	syscall.IN_DELETE | syscall.IN_DELETE_SELF | syscall.IN_MOVE_SELF

// watch reports changes in the directory itself until it cannot be watched any more; dot-files are none. It calls begun
// when nothing can be missed any more, or when it has failed.
func watch(directory string, changes chan<- change, begun func()) error {
	defer begun()
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	if _, err := syscall.InotifyAddWatch(fd, directory, watched); err != nil {
		return &os.PathError{Op: "watch", Path: directory, Err: err}
	}
	begun()
	buffer := make([]byte, 64<<10)
	for {
		count, err := syscall.Read(fd, buffer)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		for offset := 0; offset+syscall.SizeofInotifyEvent <= count; {
			event := (*syscall.InotifyEvent)(unsafe.Pointer(&buffer[offset]))
			start := offset + syscall.SizeofInotifyEvent
			offset = start + int(event.Len)
			name := string(bytes.TrimRight(buffer[start:offset], "\x00"))
			if event.Mask&(syscall.IN_IGNORED|syscall.IN_DELETE_SELF) != 0 {
				return os.ErrNotExist
			}
			if name == "" || strings.HasPrefix(name, ".") {
				continue
			}
			gone := event.Mask&(syscall.IN_DELETE|syscall.IN_MOVED_FROM) != 0
			changes <- change{filepath.Join(directory, name), gone}
		}
	}
}
