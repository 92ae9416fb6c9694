"""The control API as docs/openapi.json describes it: every call is held against that. For the Python in which scripts/install-deps has put
jsonschema."""

import http.client
import json
import os
import re
import socket
import ssl

import jsonschema
import referencing
import referencing.jsonschema

from . import tools, waiting

FILE = os.path.join(tools.ROOT, "docs", "openapi.json")
with open(FILE, encoding="utf-8") as _file:
    TEXT = _file.read()
DOCUMENT = json.loads(TEXT)
BASE = "urn:delvegate:openapi"
METHODS = ("get", "post", "put", "patch", "delete")
_REGISTRY = referencing.Registry().with_resource(
    BASE, referencing.Resource(contents=DOCUMENT, specification=referencing.jsonschema.DRAFT202012))


def pointer(*words):
    return "#/" + "/".join(word.replace("~", "~0").replace("/", "~1") for word in words)


def validator(*words):
    """Of the schema at that place of the document."""
    return jsonschema.Draft202012Validator({"$ref": BASE + pointer(*words)}, registry=_REGISTRY)


def operations(*tags):
    """(path, METHOD) of those of these tags; of all."""
    return {(path, method.upper()) for path, item in DOCUMENT["paths"].items() for method in METHODS
            if method in item and (not tags or set(tags) & set(item[method]["tags"]))}


def operation(path, method):
    return DOCUMENT["paths"][path][method.lower()]


def template(path):
    """Of a request's path; None where the document has none."""
    path = path.split("?")[0]
    return next((one for one in sorted(DOCUMENT["paths"], key=lambda one: one.count("{"))
                 if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(one)), path)), None)


def response_at(path, method, status):
    """Where the document has it, as words; fails when it does not."""
    responses = operation(path, method)["responses"]
    if str(status) not in responses:
        raise AssertionError(f"{method} {path} answers {status}, which is not described; {sorted(responses)} are")
    link = responses[str(status)].get("$ref")
    return link[2:].split("/") if link else ["paths", path, method.lower(), "responses", str(status)]


def at(words):
    found = DOCUMENT
    for word in words:
        found = found[word]
    return found


class Answer:
    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text
        self.type = headers["Content-Type"].split(";")[0]

    def parts(self):
        """What the schema is of: the body, or each line that is not empty."""
        if self.type not in ("application/json", "application/x-ndjson"):
            return [self.text]
        return [json.loads(one) for one in (self.text.splitlines() if self.type == "application/x-ndjson" else [self.text]) if one]


class Api:
    """A gateway's control API as one person calls it; `seen` has (path, METHOD, status) of all that was answered."""

    def __init__(self, port, person, seen):
        self.port, self.person, self.seen = port, person, seen

    def connection(self):
        context = ssl.create_default_context(cafile=self.person.ca)
        context.load_cert_chain(self.person.certificate, self.person.key)
        context.set_alpn_protocols(["http/1.1"])
        return context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), timeout=waiting.DEADLINE), server_hostname="localhost")

    def __call__(self, method, path, body=None, headers=None):
        """An answer that the document describes. What JSON is made of is sent as that."""
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        with self.connection() as made:
            asked = http.client.HTTPConnection("localhost")
            asked.sock = made
            asked.request(method, path, body=body, headers=headers or {}, encode_chunked=hasattr(body, "__next__"))
            answer = asked.getresponse()
            got = Answer(answer.status, answer.headers, answer.read().decode())
        self.check(method, path, got)
        return got

    def first_line(self, path):
        """Of an answer without end; and the connection, which is the caller's."""
        made = self.connection()
        made.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        answer = http.client.HTTPResponse(made, method="GET")
        answer.begin()
        got = Answer(answer.status, answer.headers, answer.readline().decode())
        self.check("GET", path, got)
        return got, made

    def check(self, method, path, got):
        known = template(path)
        if known is None or method.lower() not in DOCUMENT["paths"][known]:
            raise AssertionError(f"{method} {path} is not described")
        where = response_at(known, method, got.status)
        described = at(where)
        if got.type not in described["content"]:
            raise AssertionError(f"{method} {path} answers {got.status} as {got.type}, which is not described")
        schema = validator(*where, "content", got.type, "schema")
        for part in got.parts():
            if fault := jsonschema.exceptions.best_match(schema.iter_errors(part)):
                raise AssertionError(f"{method} {path} answers {got.status} {json.dumps(part)}, which is not as described: {fault.message}")
        for name, header in described.get("headers", {}).items():
            if header.get("required") and name not in got.headers:
                raise AssertionError(f"{method} {path} answers {got.status} without {name}")
        self.seen.add((known, method, str(got.status)))
