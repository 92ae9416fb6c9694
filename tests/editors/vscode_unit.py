"""The VS Code extension without an editor: types, rules, unit tests, and what is in the package."""

import json
import os
import unittest
import zipfile

from harness.extension import SOURCE, Workshop, node


class Extension(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = Workshop()

    def test_types(self):
        self.shop.tool("typescript/bin/tsc", "-p", ".")

    def test_rules(self):
        self.shop.tool("eslint/bin/eslint.js", ".", "--max-warnings", "0")

    def test_units(self):
        names = sorted(name for name in os.listdir(os.path.join(SOURCE, "test")) if name.endswith(".test.ts"))
        self.assertIn("link.test.ts", names)
        self.shop.run(node(), "--import", "tsx", "--test", *(os.path.join("test", name) for name in names))

    def test_the_package_has_what_it_needs_and_nothing_else(self):
        with zipfile.ZipFile(self.shop.package()) as package:
            names = sorted(package.namelist())
            self.assertEqual(names, ["[Content_Types].xml", "extension.vsixmanifest", "extension/dist/extension.js",
                                     "extension/package.json", "extension/readme.md"])
            bundle = package.read("extension/dist/extension.js").decode()
            manifest = json.loads(package.read("extension/package.json"))
        self.assertNotIn(self.shop.directory, bundle)  # no machine's paths
        self.assertEqual(manifest["main"], "./dist/extension.js")

    def test_every_command_of_the_manifest_is_there(self):
        with open(os.path.join(SOURCE, "package.json"), encoding="utf-8") as file:
            contributed = json.load(file)["contributes"]
        declared = {one["command"].partition(".")[2] for one in contributed["commands"]}
        with open(os.path.join(SOURCE, "src", "editor", "commands.ts"), encoding="utf-8") as file:
            text = file.read()
        written = {name for name in declared if f"on('{name}'" in text or f"at('{name}'" in text or (name.startswith("baton.") and f"baton('{name[6:]}')" in text)}
        self.assertEqual(declared - written, {"enroll"})  # that one is extension.ts's
        used = {entry["command"].partition(".")[2] for entries in contributed["menus"].values() for entry in entries}
        self.assertLessEqual(used, declared)

    def test_the_lock_file_names_no_registry(self):
        with open(os.path.join(SOURCE, "package-lock.json"), encoding="utf-8") as file:
            packages = json.load(file)["packages"]
        self.assertEqual([name for name, one in packages.items() if "resolved" in one], [])
        self.assertEqual([name for name, one in packages.items() if name and "integrity" not in one], [])


if __name__ == "__main__":
    unittest.main()
