"""YAML in the form in which Kubernetes' library writes it: block style, two blanks, sorted keys, lists not indented."""

import json
import re

# What would be read as something else than text.
_PLAIN = re.compile(r"(?:--)?[A-Za-z0-9_./$(*][A-Za-z0-9_./:=,+@$()*-]*(?: [A-Za-z0-9_./:=,+@()-]+)*\Z")
_OTHERWISE = re.compile(
    r"(?:[-+]?[0-9][0-9_]*(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?"
    r"|0[xob][0-9a-f_]+|[-+]?[0-9:]+|\.(?:inf|nan)|true|false|yes|no|on|off|null|y|n|\*.*|.*:)\Z", re.I)


def _scalar(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if value is None:
        return "null"
    return value if _PLAIN.match(value) and not _OTHERWISE.match(value) and ": " not in value else json.dumps(value)


def _lines(value, indent):
    if isinstance(value, dict):
        for key in sorted(value):
            yield from _entry(f"{indent}{_scalar(key)}:", value[key], indent)
    else:
        for one in value:
            if isinstance(one, (dict, list)) and one:
                inner = list(_lines(one, indent + "  "))
                yield f"{indent}- {inner[0][len(indent) + 2:]}"
                yield from inner[1:]
            elif isinstance(one, (dict, list)):
                yield f"{indent}- {'{}' if isinstance(one, dict) else '[]'}"
            else:
                yield f"{indent}- {_scalar(one)}"


def _entry(key, value, indent):
    if isinstance(value, dict) and value:
        yield key
        yield from _lines(value, indent + "  ")
    elif isinstance(value, list) and value:
        yield key
        yield from _lines(value, indent)
    elif isinstance(value, str) and "\n" in value:
        yield f"{key} |{'' if value.endswith(chr(10)) else '-'}"
        yield from (f"{indent}  {line}".rstrip() for line in value.rstrip("\n").split("\n"))
    elif isinstance(value, (dict, list)):
        yield f"{key} {'{}' if isinstance(value, dict) else '[]'}"
    else:
        yield f"{key} {_scalar(value)}"


def yaml(value):
    return "\n".join(_lines(value, "")) + "\n"
