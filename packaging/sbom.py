#!/usr/bin/env python3
"""Writes what a built delvegate is made of, as SPDX 2.3 in JSON: sbom.py BUILD FILE.

Which libraries it is linked with the linker has written into it, which headers went in ninja has noted, and whose both are dpkg
knows. Nothing is guessed: a file that no package owns, and that is not ours, is an error. SOURCE_DATE_EPOCH is its date.
"""

import datetime
import hashlib
import json
import os
import re
import subprocess
import sys

BINARY = "gateway/delvegate"
# The compiler's and the kernel's: every program has them, and no library of theirs is compiled in.
TOOLS = ("gcc-12", "linux", "glibc")


def said(*command, cwd=None):
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=cwd).stdout


def fail(text):
    sys.exit(f"sbom.py: {text}")


def linked(binary):
    """The files of the libraries that the binary itself names; what those need in turn is theirs."""
    needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", said("readelf", "-d", binary)))
    found = dict(re.findall(r"(\S+) => (\S+) \(", said("ldd", binary)))
    files = []
    for name in sorted(needed):
        if name in found:
            files.append(os.path.realpath(found[name]))
        elif not name.startswith("ld-linux"):
            fail(f"{binary} needs {name}, which is not here")
    return files


def source_of(build):
    """Where what was built is, which need not be where this script is."""
    with open(os.path.join(build, "CMakeCache.txt"), encoding="utf-8") as file:
        return os.path.realpath(re.search(r"(?m)^CMAKE_HOME_DIRECTORY:\w+=(.*)$", file.read()).group(1))


def headers(build):
    """The files outside of the source that any object of the binary was compiled from."""
    objects = [name for name in said("ninja", "-t", "inputs", BINARY, cwd=build).split() if name.endswith(".o")]
    if not objects:
        fail(f"{build} has no objects of {BINARY}")
    source = source_of(build)
    files = set()
    for line in said("ninja", "-t", "deps", *objects, cwd=build).splitlines():
        if line.startswith("    "):
            path = os.path.realpath(os.path.join(build, line.strip()))
            if not path.startswith((source + os.sep, os.path.realpath(build) + os.sep)):
                files.add(path)
    if not files:
        fail(f"ninja knows no headers of {BINARY}; build it with ninja")
    return sorted(files)


def owners(files):
    """{package: files} by dpkg, which knows some files by the path without /usr."""
    found = {}
    for start in range(0, len(files), 500):
        part = files[start:start + 500]
        names = part + [name[len("/usr"):] for name in part if name.startswith("/usr/lib")]
        run = subprocess.run(["dpkg-query", "--search", *names], capture_output=True, text=True)
        for line in run.stdout.splitlines():
            package, _, path = line.partition(": ")
            if not package.startswith("diversion "):
                found.setdefault(path if path in part else "/usr" + path, package.split(", ")[0])
    missing = [name for name in files if name not in found]
    if missing:
        fail(f"no package owns {', '.join(missing[:3])}")
    packages = {}
    for name in files:
        packages.setdefault(found[name], []).append(name)
    return packages


def described(names):
    """{package: its fields} as dpkg has them installed."""
    form = "${binary:Package}\t${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\t${Homepage}\n"
    fields = ("package", "version", "architecture", "source", "sourceVersion", "homepage")
    by_name = {}
    for line in said("dpkg-query", "--show", f"--showformat={form}", *names).splitlines():
        asked, *values = line.split("\t")
        by_name[asked] = dict(zip(fields, values))
    return {name: by_name.get(name) or by_name[name.split(":")[0]] for name in names}


def identifier(package):
    return "SPDXRef-Package-" + re.sub(r"[^A-Za-z0-9.-]", "-", package["package"])


def entry(package):
    locator = f"pkg:deb/debian/{package['package'].replace('+', '%2B')}@{package['version'].replace(':', '%3A').replace('+', '%2B')}?arch={package['architecture']}"
    made = {"name": package["package"], "SPDXID": identifier(package), "versionInfo": package["version"],
            "supplier": "Organization: Debian", "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
            "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION",
            "sourceInfo": f"built from Debian's source package {package['source']} {package['sourceVersion']}",
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": locator}]}
    if package["homepage"]:
        made["homepage"] = package["homepage"]
    return made


def document(build, version, epoch):
    binary = os.path.join(build, BINARY)
    with open(binary, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    libraries = owners(linked(binary))
    included = owners(headers(build))
    known = described(sorted({*libraries, *included}))
    sources = {known[name]["source"] for name in libraries} | set(TOOLS)
    ours = "SPDXRef-Package-delvegate"
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", ours)]
    for name in sorted(libraries):
        relations.append((ours, "DYNAMIC_LINK", identifier(known[name])))
    for name in sorted(included):
        if known[name]["source"] in sources:
            relations.append((identifier(known[name]), "BUILD_DEPENDENCY_OF", ours))
        else:  # a library that is all headers
            relations.append((ours, "STATIC_LINK", identifier(known[name])))
    main = {"name": "delvegate", "SPDXID": ours, "versionInfo": version, "primaryPackagePurpose": "APPLICATION",
            "supplier": "Organization: Delvegate maintainers", "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
            "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION",
            "checksums": [{"algorithm": "SHA256", "checksumValue": digest}],
            "comment": "The checksum is that of the program as it was linked; in the package it is stripped."}
    packages = sorted((entry(known[name]) for name in known), key=lambda one: one["SPDXID"])
    created = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    contents = [main, *packages]
    unique = hashlib.sha256(json.dumps(contents, sort_keys=True).encode()).hexdigest()[:32]
    return {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"delvegate-{version}",
            "documentNamespace": f"https://delvegate.invalid/spdx/delvegate-{version}-{unique}",
            "creationInfo": {"created": created, "creators": ["Tool: delvegate-packaging-sbom", "Organization: Delvegate maintainers"]},
            "packages": contents,
            "relationships": [{"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
                              for one, kind, other in relations]}


def main():
    if len(sys.argv) != 3:
        fail("usage: sbom.py BUILD FILE")
    build, target = sys.argv[1:]
    with open(os.path.join(source_of(build), "CMakeLists.txt"), encoding="utf-8") as file:
        version = re.search(r"project\(delvegate VERSION ([0-9.]+)", file.read()).group(1)
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or datetime.datetime.now().timestamp())
    text = json.dumps(document(build, version, epoch), indent=1) + "\n"
    with open(f"{target}.{os.getpid()}", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(f"{target}.{os.getpid()}", target)


if __name__ == "__main__":
    main()
