#!/usr/bin/env python3
"""The Debian package of a build: tests/packaging/package_test.py BUILD."""

import json
import os
import re
import shutil
import sys
import tempfile
import unittest

import packaged
from packaged import ROOT, run

BUILD = sys.argv.pop(1) if len(sys.argv) > 1 else os.path.join(ROOT, "build")
UNITS = sorted(os.listdir(os.path.join(ROOT, "packaging", "systemd")))
DOCUMENTATION = ["changelog.Debian.gz", "changelog.gz", "copyright", "sbom.spdx.json",
                 *(f"examples/{name}" for name in ("gateway.yaml", "launcher.yaml", "policy.yaml")),
                 *(f"prometheus/{name}" for name in sorted(os.listdir(os.path.join(ROOT, "packaging", "prometheus")))),
                 *(f"kubernetes/{name}" for name in sorted(os.listdir(os.path.join(ROOT, "packaging", "kubernetes"))))]

COMPLETIONS = [("/usr/share/bash-completion/completions/delvegate", "bash"), ("/usr/share/zsh/vendor-completions/_delvegate", "zsh"),
               ("/usr/share/fish/vendor_completions.d/delvegate.fish", "fish")]

# The pages about files, and what prints their keys.
FILES_EXPLAINED = {"delvegate-gateway.yaml": ["serve", "--print-reference"], "delvegate-launcher.yaml": ["launcher", "--print-reference"],
                   "delvegate-policy.yaml": ["policy", "keys"]}


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="delvegate-package-")
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        cls.package = packaged.make(BUILD, cls.directory)

    def again(self, change, name="changed"):
        """The package with something changed in its unpacked folder, by `change`."""
        folder = os.path.join(self.directory, name)
        run("dpkg-deb", "--raw-extract", self.package, folder)
        change(folder)
        run("dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", folder, f"{folder}.deb")
        return f"{folder}.deb"

    def field(self, name):
        return run("dpkg-deb", "--field", self.package, name).stdout.strip()

    def files(self):
        """{path: (mode, owner)} of all but directories."""
        found = {}
        for line in run("dpkg-deb", "--contents", self.package).stdout.splitlines():
            mode, owner, _size, _day, _time, path = line.split(maxsplit=5)
            self.assertEqual(owner, "root/root", path)
            if mode[0] == "d":
                self.assertEqual(mode, "drwxr-xr-x", path)
            else:
                found[path.removeprefix(".")] = mode
        return found

    def test_what_is_in_it(self):
        expected = {"/usr/bin/delvegate": "-rwxr-xr-x"}
        for path in (*(f"/usr/lib/systemd/system/{name}" for name in UNITS), "/usr/lib/sysusers.d/delvegate.conf",
                     "/usr/lib/tmpfiles.d/delvegate.conf", *(path for path, _shell in COMPLETIONS), "/usr/share/lintian/overrides/delvegate",
                     *(f"/usr/share/doc/delvegate/{name}" for name in DOCUMENTATION)):
            expected[path] = "-rw-r--r--"
        for name in self.manual():
            expected[f"/usr/share/man/man1/{name}.1.gz"] = "-rw-r--r--"
        for name in FILES_EXPLAINED:
            expected[f"/usr/share/man/man5/{name}.5.gz"] = "-rw-r--r--"
        self.assertEqual(self.files(), expected)

    @staticmethod
    def manual():
        """A page for the program, and one for each subcommand."""
        said = run(os.path.join(BUILD, "gateway", "delvegate"), "--help").stdout.partition("Subcommands:\n")[2].partition("\n\n")[0]
        return ["delvegate", *(f"delvegate-{line.split()[0]}" for line in said.splitlines() if line[2] != " ")]

    def test_the_manual_is_what_the_program_says(self):
        folder = os.path.join(self.directory, "manual")
        run("dpkg-deb", "--extract", self.package, folder)
        for words in ([], ["connect"], ["ca"], ["launcher"]):
            page = os.path.join(folder, "usr/share/man/man1", "-".join(["delvegate", *words]) + ".1.gz")
            shown = run("man", "--warnings", "-E", "UTF-8", "-l", page, env=dict(os.environ, MANWIDTH="500", LC_ALL="C.UTF-8"))
            self.assertEqual(shown.stderr, "")
            for line in run(os.path.join(BUILD, "gateway", "delvegate"), *words, "--help").stdout.splitlines()[1:]:
                for part in re.split(r" {2,}", line.strip()):
                    if not part.endswith(":") and not part.startswith("Usage"):
                        self.assertIn(part, re.sub(r"[ \u00a0]+", " ", shown.stdout), page)

    def test_the_manual_has_every_key_of_the_files(self):
        folder = os.path.join(self.directory, "files")
        run("dpkg-deb", "--extract", self.package, folder)
        for name, words in FILES_EXPLAINED.items():
            page = os.path.join(folder, "usr/share/man/man5", f"{name}.5.gz")
            shown = run("man", "--warnings", "-E", "UTF-8", "-l", page, env=dict(os.environ, MANWIDTH="500", LC_ALL="C.UTF-8"))
            self.assertEqual(shown.stderr, "")
            text = re.sub(r"[ \u00a0]+", " ", shown.stdout)
            printed = run(os.path.join(BUILD, "gateway", "delvegate"), *words).stdout
            rows = re.findall(r"(?m)^\| `(\S+)` \| (.+?) \| .+ \| (.+) \|$", printed)
            self.assertGreater(len(rows), 9)
            for key, form, meaning in rows:
                self.assertIn(f"{key} ({form}", text)
                self.assertIn(meaning.replace("`", ""), text)

    def test_shells_read_the_completions(self):
        folder = os.path.join(self.directory, "completions")
        run("dpkg-deb", "--extract", self.package, folder)
        for path, shell in COMPLETIONS:
            with open(folder + path, encoding="utf-8") as file:
                self.assertEqual(file.read(), run(os.path.join(BUILD, "gateway", "delvegate"), "completion", shell).stdout)
            run(shell, "-n", folder + path)

    def test_what_it_says_of_itself(self):
        version = run(os.path.join(BUILD, "gateway", "delvegate"), "version").stdout.split()[1]
        self.assertEqual(self.field("Package"), "delvegate")
        self.assertEqual(self.field("Version"), f"{version}-1")
        changelog = run("dpkg-parsechangelog", "-l", os.path.join(ROOT, "packaging", "debian", "changelog"), "-S", "Version")
        self.assertEqual(changelog.stdout.strip(), f"{version}-1")
        self.assertEqual(self.field("Architecture"), run("dpkg", "--print-architecture").stdout.strip())

    def test_it_lists_what_it_is_made_of(self):
        with open(os.path.join(self.directory, "delvegate.spdx.json"), encoding="utf-8") as file:
            document = json.load(file)
        names = {one["SPDXID"]: one["name"] for one in document["packages"]}
        linked = {names[one["relatedSpdxElement"]] for one in document["relationships"] if one["relationshipType"] == "DYNAMIC_LINK"}
        self.assertIn("libssl3", linked)
        for name in linked:
            self.assertIn(name, self.field("Depends"))

    def test_it_depends_on_what_the_program_is_linked_with(self):
        depends = {re.split(r"[ (|]", one.strip())[0] for one in self.field("Depends").split(",")}
        for path in re.findall(r"=> (\S+) \(", run("ldd", os.path.join(BUILD, "gateway", "delvegate")).stdout):
            if os.path.basename(path) in self.needed():
                real = os.path.realpath(path)
                owner = run("dpkg-query", "--search", real, check=False).stdout or run("dpkg-query", "--search", real.removeprefix("/usr")).stdout
                # By its own name, or by one that it provides.
                names = run("dpkg-query", "--show", "--showformat=${Package}, ${Provides}", owner.split(": ")[0]).stdout
                self.assertTrue(depends & {one.split()[0] for one in names.split(",") if one.strip()}, path)
        self.assertIn("systemd", depends)

    def test_an_installation_by_hand_names_the_same_libraries(self):
        with open(os.path.join(ROOT, "docs", "kubernetes.md"), encoding="utf-8") as file:
            named = set(re.search(r"(?m)^apt-get install (lib.*)$", file.read())[1].split())
        # libspdlog1.10 is depended on by another name of its, which says with which libfmt it goes.
        depends = {re.split(r"[ (|]", one.strip())[0].removesuffix("-fmt9") for one in self.field("Depends").split(",")}
        # Of these every Debian that systemd runs on has the first; the last two come with some that are named.
        there = {"libc6", "libgcc-s1", "libstdc++6", "libssl3", "libseccomp2", "libsystemd0", "libfmt9", "libelf1"}
        self.assertEqual(named, {one for one in depends if one.startswith("lib")} - there)

    def needed(self):
        return set(re.findall(r"\(NEEDED\).*\[(.+)\]", run("readelf", "-d", os.path.join(BUILD, "gateway", "delvegate")).stdout))

    def test_the_maintainer_scripts_are_those_that_are_tested(self):
        folder = os.path.join(self.directory, "control")
        run("dpkg-deb", "--control", self.package, folder)
        scripts = os.path.join(ROOT, "packaging", "scripts")
        self.assertEqual(sorted(os.listdir(folder)), sorted(["control", "md5sums", *os.listdir(scripts)]))
        for name in os.listdir(scripts):
            with open(os.path.join(scripts, name), encoding="utf-8") as ours, open(os.path.join(folder, name), encoding="utf-8") as theirs:
                self.assertEqual(theirs.read(), ours.read(), name)
            run("sh", "-n", os.path.join(folder, name))

    def lint(self, package):
        run_as_root = ["--allow-root"] if os.geteuid() == 0 else []
        return run("lintian", *run_as_root, "--fail-on", "error,warning", package, check=False)

    def test_lintian_finds_nothing(self):
        found = self.lint(self.package)
        self.assertEqual((found.returncode, found.stdout), (0, ""), found.stderr)

    def test_lintian_would_find_something(self):
        def spoil(folder):
            os.chmod(os.path.join(folder, "usr", "bin", "delvegate"), 0o4755)
        found = self.lint(self.again(spoil))
        self.assertIn("elevated-privileges", found.stdout)
        self.assertNotEqual(found.returncode, 0)

    def test_the_same_build_makes_the_same_bytes(self):
        """Whatever the umask, the time zone and the times of the files are."""
        later = os.path.join(self.directory, "later")
        copy = packaged.make(BUILD, later, umask=0o077, env=dict(os.environ, TZ="Asia/Kathmandu", LC_ALL="C"))
        with open(self.package, "rb") as one, open(copy, "rb") as other:
            self.assertEqual(one.read(), other.read())

    def test_no_path_of_this_machine_is_in_it(self):
        if packaged.cached(BUILD, "CMAKE_BUILD_TYPE") == "Debug":
            self.skipTest("a debug build has the paths that it was built with")
        folder = os.path.join(self.directory, "paths")
        run("dpkg-deb", "--extract", self.package, folder)
        for path, _folders, names in os.walk(folder):
            for name in names:
                with open(os.path.join(path, name), "rb") as file:
                    self.assertNotIn(ROOT.encode(), file.read(), name)

    def test_the_examples_are_right(self):
        delvegate = os.path.join(BUILD, "gateway", "delvegate")
        examples = os.path.join(ROOT, "packaging", "examples")
        checked = run(delvegate, "policy", "check", os.path.join(examples, "policy.yaml"), check=False)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
