package kubelet

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const root = "/run/rig-kubelet/root"

// Container is the main function of a container's first process. It does not return.
func Container() {
	if err := become(); err != nil {
		fmt.Fprintln(os.Stderr, "rig-container:", err)
	}
	os.Exit(128)
}

func become() error {
	var given bundle
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		return err
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	if err := newRoot(); err != nil {
		return fmt.Errorf("a root of its own: %w", err)
	}
	for _, bind := range given.Binds {
		if err := place(bind[0], bind[1], bind[2] == "ro"); err != nil {
			return fmt.Errorf("%s on %s: %w", bind[0], bind[1], err)
		}
	}
	if err := syscall.Chdir(root); err != nil {
		return err
	}
	if err := syscall.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := syscall.Unmount(".", syscall.MNT_DETACH); err != nil {
		return err
	}
	null, err := os.Open("/dev/null")
	if err != nil {
		return err
	}
	if err := syscall.Dup3(int(null.Fd()), 0, 0); err != nil {
		return err
	}
	if err := os.Chdir(given.Cwd); err != nil {
		return err
	}
	if given.User != 0 || given.Group != 0 {
		if err := syscall.Setgroups([]int{}); err != nil {
			return err
		}
		if err := syscall.Setgid(given.Group); err != nil {
			return err
		}
		if err := syscall.Setuid(given.User); err != nil {
			return err
		}
	}
	program := given.Argv[0]
	if !strings.Contains(program, "/") {
		for _, folder := range given.Path {
			if info, err := os.Stat(filepath.Join(folder, program)); err == nil && info.Mode().IsRegular() {
				program = filepath.Join(folder, program)
				break
			}
		}
	}
	return fmt.Errorf("%s: %w", program, syscall.Exec(program, given.Argv, given.Env))
}

// newRoot is a fresh one with everything of the node in it, so that mount points made in it are not the node's.
func newRoot() error {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", root, "tmpfs", 0, "mode=755,size=1m"); err != nil {
		return err
	}
	entries, err := os.ReadDir("/")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		from, to := "/"+entry.Name(), filepath.Join(root, entry.Name())
		switch {
		case entry.Type()&os.ModeSymlink != 0:
			target, err := os.Readlink(from)
			if err == nil {
				err = os.Symlink(target, to)
			}
			if err != nil {
				return err
			}
		case entry.IsDir():
			if err := os.Mkdir(to, 0o755); err != nil {
				return err
			}
			source, kind, flags := from, "", uintptr(syscall.MS_BIND|syscall.MS_REC)
			if from == "/proc" {
				source, kind, flags = "proc", "proc", 0
			} else if from == "/run" { // this root is in it
				flags = syscall.MS_BIND
			}
			if err := syscall.Mount(source, to, kind, flags, ""); err != nil {
				return fmt.Errorf("%s: %w", from, err)
			}
		}
	}
	return nil
}

// resolved follows the links that the node has on the way: an absolute one would lead out of the root that is made.
func resolved(path string) string {
	for above, rest := path, ""; above != "/" && above != "."; above, rest = filepath.Dir(above), filepath.Join(filepath.Base(above), rest) {
		if real, err := filepath.EvalSymlinks(above); err == nil {
			return filepath.Join(real, rest)
		}
	}
	return path
}

func place(from, mountPath string, readOnly bool) error {
	to := filepath.Join(root, resolved(mountPath))
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if _, err := os.Stat(to); err != nil {
		if info.IsDir() {
			err = os.MkdirAll(to, 0o755)
		} else if err = os.MkdirAll(filepath.Dir(to), 0o755); err == nil {
			err = os.WriteFile(to, nil, 0o644)
		}
		if err != nil {
			return err
		}
	}
	if err := syscall.Mount(from, to, "", syscall.MS_BIND|syscall.MS_REC, ""); err != nil {
		return err
	}
	if readOnly {
		return syscall.Mount("", to, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
	}
	return nil
}
