#!/usr/bin/env python3
"""The list of what a build is made of: tests/packaging/sbom_test.py BUILD. spdx-tools, which judge it, are where scripts/install-deps
puts them."""

import copy
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from packaged import ROOT, run

BUILD = sys.argv.pop(1) if len(sys.argv) > 1 else os.path.join(ROOT, "build")
CACHE = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
JUDGE = os.path.join(CACHE, "delvegate", "python-tools", "bin", "pyspdxtools")


class Sbom(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="delvegate-sbom-")
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        cls.file = os.path.join(cls.directory, "delvegate.spdx.json")
        subprocess.run([sys.executable, os.path.join(ROOT, "packaging", "sbom.py"), BUILD, cls.file], check=True,
                       env=dict(os.environ, SOURCE_DATE_EPOCH="1790000000"))
        with open(cls.file, encoding="utf-8") as file:
            cls.document = json.load(file)

    def judge(self, document):
        path = os.path.join(self.directory, "judged.spdx.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document, file)
        self.assertTrue(os.path.exists(JUDGE), f"{JUDGE} is not there: run ./scripts/install-deps")
        return run(JUDGE, "--infile", path, "--version", "SPDX-2.3", check=False)

    def related(self, kind):
        names = {one["SPDXID"]: one["name"] for one in self.document["packages"]}
        return {names[one["relatedSpdxElement"]] for one in self.document["relationships"] if one["relationshipType"] == kind}

    def test_it_is_spdx(self):
        judged = self.judge(self.document)
        self.assertEqual(judged.returncode, 0, judged.stdout + judged.stderr)

    def test_the_judge_sees_what_is_wrong(self):
        for spoil in (lambda one: one["packages"][1].pop("downloadLocation"), lambda one: one.update(spdxVersion="SPDX-9"),
                      lambda one: one["relationships"][-1].update(relatedSpdxElement="SPDXRef-nobody"),
                      lambda one: one["creationInfo"].update(created="yesterday")):
            spoilt = copy.deepcopy(self.document)
            spoil(spoilt)
            self.assertNotEqual(self.judge(spoilt).returncode, 0)

    def test_it_names_what_is_linked_and_what_is_compiled_in(self):
        binary = os.path.join(BUILD, "gateway", "delvegate")
        with open(binary, "rb") as file:
            self.assertEqual(self.document["packages"][0]["checksums"][0]["checksumValue"], hashlib.sha256(file.read()).hexdigest())
        self.assertLessEqual({"libssl3", "libsqlite3-0", "libyaml-cpp0.7", "libre2-9", "libsystemd0", "libc6"}, self.related("DYNAMIC_LINK"))
        self.assertLessEqual({"libboost1.81-dev", "rapidjson-dev", "libcli11-dev"}, self.related("STATIC_LINK"))
        self.assertNotIn("libgtest-dev", {one["name"] for one in self.document["packages"]}, "only what is in the program")
        versions = dict(line.split("\t") for line in run("dpkg-query", "--show", "--showformat=${Package}\t${Version}\n").stdout.splitlines())
        for one in self.document["packages"][1:]:
            self.assertEqual(one["versionInfo"], versions[one["name"]])

    def test_what_nobody_owns_is_not_passed_over(self):
        sys.path.insert(0, os.path.join(ROOT, "packaging"))
        sys.dont_write_bytecode = True
        import sbom
        with self.assertRaisesRegex(SystemExit, "no package owns /etc/hostname-of-nobody"):
            sbom.owners(["/etc/hostname-of-nobody"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
