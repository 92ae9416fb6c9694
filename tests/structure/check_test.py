#!/usr/bin/env python3
"""The structure checks find the faults they are for: check_test.py COMPILER."""

import os
import sys
import tempfile
import unittest

import check

COMPILER = sys.argv.pop() if len(sys.argv) > 1 else "c++"


class Faults(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.addCleanup(setattr, check, "ROOT", check.ROOT)
        self.addCleanup(setattr, check, "LONGER", check.LONGER)
        check.ROOT = directory.name
        check.LONGER = {}

    def put(self, name, content):
        path = os.path.join(check.ROOT, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)

    def rooms(self, name, line):
        self.put("protocol/json.h", "#pragma once\n")
        self.put("gateway/hub.h", "#pragma once\n")
        self.put(name, line + "\n")
        return list(check.check_rooms())

    def test_a_room_that_points_back(self):
        self.assertEqual(len(self.rooms("protocol/x.cpp", '#include "gateway/hub.h"')), 1)

    def test_rooms_side_by_side(self):
        self.put("launcher/y.h", "#pragma once\n")
        self.assertEqual(len(self.rooms("auth/x.cpp", '#include "launcher/y.h"')), 1)

    def test_the_bottom_rooms_know_nobody(self):
        self.put("storage/fd.h", "#pragma once\n")
        self.assertEqual(len(self.rooms("storage/x.cpp", '#include "protocol/json.h"')), 1)
        os.remove(os.path.join(check.ROOT, "storage/x.cpp"))
        self.assertEqual(len(self.rooms("protocol/x.cpp", '#include "storage/fd.h"')), 1)
        os.remove(os.path.join(check.ROOT, "protocol/x.cpp"))
        self.assertEqual(self.rooms("auth/x.cpp", '#include "storage/fd.h"'), [])

    def test_asio_outside_the_gateway(self):
        for room in ("protocol", "storage", "auth", "launcher"):
            with self.subTest(room):
                self.assertEqual(len(self.rooms(f"{room}/x.cpp", "# include <boost/asio/ip/tcp.hpp>")), 1)
                os.remove(os.path.join(check.ROOT, room, "x.cpp"))

    def test_sockets_files_and_clocks_in_protocol(self):
        for header in ("sys/socket.h", "unistd.h", "fstream", "chrono", "filesystem", "openssl/ssl.h"):
            with self.subTest(header):
                self.assertEqual(len(self.rooms("protocol/x.cpp", f"#include <{header}>")), 1)

    def test_includes_not_from_the_root(self):
        self.assertEqual(len(self.rooms("protocol/x.cpp", '#include "json.h"')), 1)
        self.assertEqual(len(self.rooms("protocol/x.cpp", '#include "../gateway/hub.h"')), 1)

    def test_what_is_allowed(self):
        self.assertEqual(self.rooms("protocol/x.cpp", "#include <vector>\n#include <rapidjson/reader.h>"), [])
        self.assertEqual(self.rooms("gateway/x.cpp", '#include <boost/asio.hpp>\n#include "protocol/json.h"'), [])

    def test_a_header_that_needs_another(self):
        self.put("protocol/x.h", "#pragma once\nstd::string f();\n")
        self.assertEqual(len(list(check.check_headers(COMPILER))), 1)

    def test_a_header_without_a_guard(self):
        self.put("protocol/x.h", "int f();\n")
        self.assertEqual(len(list(check.check_headers(COMPILER))), 1)

    def test_a_source_that_does_not_begin_with_its_header(self):
        self.put("protocol/x.h", "#pragma once\nint f();\n")
        self.put("protocol/x.cpp", '#include <string>\n#include "protocol/x.h"\n')
        self.assertEqual(len(list(check.check_headers(COMPILER))), 1)

    def test_private_keys(self):
        self.put("docs/a.md", "-----BEGIN " + "EC PRIVATE KEY-----\n" + "MHcCAQEE" * 8 + "\n")
        self.put("certs/b.key", "")
        self.put("docs/fine.md", "a file that begins with -----BEGIN " + "PRIVATE KEY----- is a key\n")
        self.assertEqual(len(list(check.check_secrets())), 2)

    def test_long_files(self):
        self.put("gateway/x.cpp", "\n" * (check.MAX_LINES + 1))
        self.put("gateway/y.cpp", "\n" * check.MAX_LINES)
        self.assertEqual(len(list(check.check_length())), 1)
        check.LONGER = {"gateway/x.cpp": (check.MAX_LINES + 1, "a table")}
        self.assertEqual(list(check.check_length()), [])
        check.LONGER = {"gateway/y.cpp": (900, "no longer"), "gateway/z.cpp": (900, "gone")}
        self.assertEqual(len(list(check.check_length())), 3)

    def test_messages_that_nobody_says(self):
        self.assertEqual(len(list(check.check_messages())), 1)  # no page
        self.put("gateway/x.cpp", 'const char quote = \'"\';\nauto f = who + " refused this certificate ("\n  + file + "): it \\"is\\" " "old, says " + who;\n')
        self.put("gateway/y.cpp", 'auto who = "the gateway";\n')
        self.put(check.MESSAGES, "| message | means |\n|---|---|\n| `… refused this certificate (…): it \"is\" old, …` | |\n| \"an IDE's\" | |\n")
        self.assertEqual(list(check.check_messages()), [])
        self.put(check.MESSAGES, "| `the gateway refused this certificate (…)` | |\n| `… refused this key` | |\n| `…: it …` | |\n")
        self.assertEqual(len(list(check.check_messages())), 3)  # of two files; of none; of too few words

    def test_links_that_lead_nowhere(self):
        self.put("docs/a.md", "# One `thing`, at once\n\n[b](b.md#two) [top](#one-thing-at-once) [c](../c.md) [web](https://example/x)\n```\n[x](no.md)\n```\n")
        self.put("docs/b.md", "## Two\n")
        self.put("c.md", "[a](docs/a.md)\n")
        self.assertEqual(list(check.check_links()), [])
        self.put("c.md", "[a](docs/d.md) [b](docs/b.md#three)\n")
        self.assertEqual(len(list(check.check_links())), 2)

    def test_tables_that_are_broken_in_two(self):
        self.put("c.md", "| a | b |\n|---|---|\n| 1 | 2 |\n\n```\n| no table\n```\n")
        self.assertEqual(list(check.check_links()), [])
        self.put("c.md", "| a | b |\n|---|---|\n| 1 | 2 |\n\n| 3 | 4 |\n")
        self.assertEqual(len(list(check.check_links())), 1)


if __name__ == "__main__":
    unittest.main()
