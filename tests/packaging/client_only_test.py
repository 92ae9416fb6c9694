"""The laptop's commands alone (-DDELVEGATE_CLIENT_ONLY=ON): builds them without looking for what a node needs, and debugs with them.

    client_only_test.py SOURCE BUILD CMAKE [-DNAME=VALUE …]
"""

import os
import re
import subprocess
import sys
import unittest

SOURCE, BUILD, CMAKE = sys.argv[1:4]
SETTINGS = sys.argv[4:]
NODE_ONLY = ("systemd", "seccomp", "libdw", "libelf", "sqlite", "curl", "re2", "spdlog")
# Headers that Linux alone has; each is inside of an #if that names the system.
LINUX_ONLY = re.compile(r"linux/.*|sys/(epoll|inotify|signalfd|eventfd|timerfd|prctl|sysmacros|xattr|fsuid|capability|vfs|pidfd|personality)\.h|"
                        r"sched\.h|endian\.h|byteswap\.h|link\.h|malloc\.h|mntent\.h")
LINUX_CALLS = re.compile(r"\b(accept4|pipe2|epoll_\w+|inotify_\w+|signalfd|eventfd|timerfd_\w+|prctl|renameat2|getrandom|memfd_create|"
                         r"SOCK_CLOEXEC|SOCK_NONBLOCK|MSG_NOSIGNAL|TCP_KEEPIDLE|O_PATH|O_TMPFILE|SO_PEERCRED|st_mtim|addclosefrom_np)\b|/proc/")


def setUpModule():
    configured = subprocess.run([CMAKE, "-S", SOURCE, "-B", BUILD, "-G", "Ninja", "-DDELVEGATE_CLIENT_ONLY=ON",
                                 # Found or not, it is not to be asked.
                                 *(f"-DCMAKE_DISABLE_FIND_PACKAGE_{name}=ON" for name in ("SQLite3", "CURL", "spdlog", "GTest")),
                                 *SETTINGS], capture_output=True, text=True, check=False)
    if configured.returncode:
        raise AssertionError(configured.stdout + configured.stderr)
    built = subprocess.run([CMAKE, "--build", BUILD], capture_output=True, text=True, check=False)
    if built.returncode:
        raise AssertionError(built.stdout[-8000:] + built.stderr)


def sources():
    """What was compiled, and every header of ours that it reads, by their paths below SOURCE."""
    queue = []
    with open(os.path.join(BUILD, "build.ninja"), encoding="utf-8") as file:
        for path in re.findall(r"(?m)^build \S+\.o: CXX_COMPILER__\S+ (\S+)", file.read()):
            name = os.path.relpath(os.path.join(BUILD, path), SOURCE)
            if not name.startswith(".."):
                queue.append(name)
    seen = {}
    while queue:
        name = queue.pop()
        if name in seen or not os.path.exists(os.path.join(SOURCE, name)):
            continue
        with open(os.path.join(SOURCE, name), encoding="utf-8") as file:
            seen[name] = file.read()
        queue += re.findall(r'(?m)^\s*#include "([^"]+)"', seen[name])
    return seen


def unguarded(text):
    """Lines outside of an #if that names the system or what it may lack; comments left out."""
    depth = []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.split("//")[0]
        directive = re.match(r"\s*#\s*(if\w*|else|elif|endif)\b(.*)", line)
        if directive:
            word = directive[1]
            if word.startswith("if"):
                depth.append(bool(re.search(r"__linux__|__APPLE__|TCP_KEEPIDLE|MSG_NOSIGNAL|SO_NOSIGPIPE", directive[2])))
            elif word == "endif":
                depth.pop()
        elif not any(depth):
            yield number, line


class ClientOnly(unittest.TestCase):
    binary = os.path.join(BUILD, "gateway", "delvegate")

    def test_nothing_of_a_nodes_is_linked_or_was_looked_for(self):
        needed = subprocess.run(["readelf", "-d", self.binary], capture_output=True, text=True, check=True).stdout
        libraries = re.findall(r"\(NEEDED\).*\[(.+)\]", needed)
        self.assertTrue(any("libssl" in one for one in libraries), needed)
        for name in NODE_ONLY:
            self.assertFalse([one for one in libraries if name in one], name)
        with open(os.path.join(BUILD, "CMakeCache.txt"), encoding="utf-8") as file:
            cache = file.read()
        self.assertIn("yaml-cpp_DIR", cache)
        for variable in ("SQLite3_INCLUDE_DIR", "CURL_DIR", "spdlog_DIR", "GTest_DIR", "seccomp_", "systemd_", "libdw_"):
            self.assertNotRegex(cache, rf"(?m)^{variable}")

    def test_its_sources_call_nothing_that_linux_alone_has(self):
        read = sources()
        self.assertGreater(len(read), 100)
        self.assertIn("gateway/host_calls.cpp", read)
        self.assertNotIn("gateway/hub.h", read)
        faults = []
        for name, text in read.items():
            for number, line in unguarded(text):
                include = re.match(r"\s*#\s*include <(.+)>", line)
                if include and LINUX_ONLY.fullmatch(include[1]) or not include and LINUX_CALLS.search(line):
                    faults.append(f"{name}:{number}: {line.strip()}")
        self.assertEqual(faults, [])

    def test_what_finds_such_a_call(self):
        text = "int a = accept4(1);  // accept4\n#ifdef __linux__\nint b = pipe2(x);\n#endif\n// renameat2\n#include <sys/epoll.h>\n"
        self.assertEqual([n for n, line in unguarded(text) if LINUX_CALLS.search(line)], [1])
        self.assertEqual([n for n, line in unguarded(text) if "epoll" in line], [6])

    def test_its_commands(self):
        said = subprocess.run([self.binary, "--help"], capture_output=True, text=True, check=True).stdout
        commands = re.findall(r"(?m)^  ([a-z]+)  ", said[said.index("Subcommands:"):])
        self.assertEqual(sorted(commands), ["baton", "completion", "connect", "context", "enroll", "ide", "park", "pin", "sessions", "ui", "unpark", "unpin", "version"])
        for command in commands:
            shown = subprocess.run([self.binary, command, "--help"], capture_output=True, text=True, check=True).stdout
            self.assertNotIn("--config", shown)

    def test_it_completes(self):
        script = subprocess.run([self.binary, "completion", "bash"], capture_output=True, text=True, check=True).stdout
        self.assertIn("complete-words", script)
        words = subprocess.run([self.binary, "complete-words", "--words", "delvegate", "connect", "--ba"], capture_output=True, text=True, check=True).stdout
        self.assertIn("--background", words)
        self.assertNotIn("--in-background", words)

    def debug(self, *tests):
        """Tests of connect's, whose laptop is this build."""
        done = subprocess.run([sys.executable, "-m", "unittest", *tests], capture_output=True, text=True, check=False,
                              cwd=os.path.join(SOURCE, "tests", "integration"),
                              env=dict(os.environ, DELVEGATE_TEST_LAPTOP=self.binary))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stderr, r"Ran [1-9]")

    def test_it_debugs(self):
        self.debug("test_dlv_connect.DlvConnect.test_breaks_and_shows_the_source", "test_vscode.Vscode.test_breakpoint_and_looks",
                   "test_connect_via.OfAContext", "test_connect_background", "test_connect_via.ThroughSsh.test_the_link_breaks_and_comes_back")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
