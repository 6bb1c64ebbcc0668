"""Write `src/pyscap/model/catalogue.py` from the specification of the filter fields.

In:  a folder with `fields.json`.
Out: Python declarations; they, not the JSON, are the one source the program uses.
Run once per revision: `python tools/generate_fields.py SPEC_DIR`; then `make fmt`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

OUT = Path(__file__).resolve().parent.parent / "src" / "pyscap" / "model" / "catalogue.py"
Json = dict[str, Any]

CLASSES = (
    ("evt", "Events", None),
    ("process", "Processes and threads", None),
    ("user", "Users", None),
    ("group", "Groups", None),
    ("fd", "File descriptors", None),
    ("fdlist", "Descriptor lists of poll events", None),
    ("fs.path", "Paths that calls operate on", None),
    ("util", "Helpers for tables", None),
    ("container", "Containers", None),
    ("k8s", "Kubernetes", None),
    (
        "syslog",
        "Syslog messages",
        "the syslog decoder, which is gone; try evt.buffer with evt.is_syslog=true",
    ),
    ("span", "Tracing spans", "user-defined tracing spans, which no current kernel driver records"),
    (
        "evtin",
        "Events inside a span",
        "user-defined tracing spans, which no current kernel driver records",
    ),
    (
        "k8smeta",
        "Kubernetes metadata collector",
        "the k8smeta collector, which is not part of a capture; try k8s.pod.* and k8s.ns.*",
    ),
)
PROBES = "container health checks, which container runtimes no longer report"
API_SERVER = "the Kubernetes API client, which is gone; try k8s.pod.* and k8s.ns.name"
MULTI_ENDS = ("fd.ip", "fd.port", "fd.proto", "fd.net")
MULTI_ANY = (
    "proc.aexe",
    "proc.aexepath",
    "proc.aname",
    "proc.acmdline",
    "proc.apid",
    "proc.aenv",
)
HOST_NAMES = {
    f"fd.{side[0]}ip.name": f"Name of the {side} address in the table of hosts; known with -R only."
    for side in ("client", "server", "local", "remote")
}
FORMS = {"hexadecimal": "HEX", "direction mark": "DIR", "decimal (identifier)": "ID"}
TYPE_FORMS = {
    "CHARBUF": "TEXT",
    "BYTEBUF": "BYTES",
    "BOOL": "BOOL",
    "DOUBLE": "FLOAT",
    "IPADDR": "ADDR",
    "IPNET": "ADDR",
    "DYNAMIC": "PARAM",
}
LATENCY = "; absent where the capture did not measure it."
DESCRIPTIONS = {
    "evt.time": "Wall-clock time of day of the event with nanoseconds (HH:MM:SS.nnnnnnnnn, local zone of that day).",
    "evt.latency": "Nanoseconds between entry and exit of the system call" + LATENCY,
    "evt.latency.s": "Whole-second part of evt.latency" + LATENCY,
    "evt.latency.ns": "Sub-second part of evt.latency, nine digits" + LATENCY,
    "evt.latency.quantized": "Decimal-logarithm bucket of evt.latency, for spectrograms" + LATENCY,
    "evt.latency.human": "evt.latency as text with a unit, e.g. 10.3ms" + LATENCY,
    "evt.wait_latency": "Nanoseconds that a blocking call waited" + LATENCY,
    "evt.dir": 'Direction mark: ">" for enter and standalone kernel events, "<" for exit events.',
    "evt.io_dir": '"read" or "write" for I/O event types, absent otherwise.',
    "proc.args": "Command-line arguments after argv[0], joined by spaces; [N] selects one, zero-based (absent beyond the last).",
    "proc.env": "Environment as NAME=value pairs joined by spaces; [NAME] selects one variable (absent when it is not set).",
    "proc.aenv": "Environment of ancestors: no argument matches any ancestor, [N] selects a level, [NAME] gives the nearest ancestor's value of a variable (absent when none has it).",
    "proc.ppid.duration": "Nanoseconds since the parent process was cloned; absent when its start time is unknown.",
    "fd.ip": "Matches when either end of the connection has the address.",
    "fd.name_changed": "True when this event changed the name of the descriptor it uses.",
    "evt.rawarg": "One parameter chosen by name, in its native type, so that numbers can be compared with < and >.",
    **HOST_NAMES,
}
NOT_DEPRECATED = tuple(name for name in DESCRIPTIONS if "latency" in name)
ARG_FLAGS = (
    "argument_required",
    "argument_optional",
    "argument_index",
    "argument_key",
    "argument_name",
)
DROPPED_FLAGS = (*ARG_FLAGS, "list", "unstable_pointer")


def since(field: Json) -> str:
    """The first of the compared releases that knows the field."""
    present = {name for name, row in field["availability"].items() if row["present"]}
    for release, word in (
        ("sysdig 0.29.3", "0.29"),
        ("sysdig 0.41.4", "0.41"),
        ("libs HEAD (2026-07)", "libs 0.25"),
    ):
        if release in present:
            return word
    return "plugin"


def form(field: Json) -> str:
    """How the value is printed."""
    if field["print_format"] in FORMS and field["type"] != "CHARBUF":
        return FORMS[field["print_format"]]
    if field["print_format"] == "direction mark":
        return "DIR"
    if "zero-padded" in (field["print_format"] or ""):
        return "DEC9"
    return TYPE_FORMS.get(field["type"], "DEC")


def gone(field: Json, class_reason: str | None) -> str | None:
    """What the field belonged to, when that no longer exists."""
    name = field["name"]
    if field["class"] == "k8s" and name.split(".")[1] not in ("pod", "ns"):
        return API_SERVER
    if name in ("k8s.ns.id", "k8s.ns.label", "k8s.ns.labels"):
        return API_SERVER
    if "health" in name or "_probe" in name:
        return PROBES
    return class_reason


def flags(field: Json) -> str:
    """Property words, without those that other columns say."""
    dropped = DROPPED_FLAGS + (("deprecated",) if field["name"] in NOT_DEPRECATED else ())
    return "|".join(flag for flag in field["flags"] if flag not in dropped)


def multi(field: Json) -> str | None:
    """How several values of one event are matched."""
    if field["name"] in MULTI_ENDS:
        return "ends"
    if field["name"] in HOST_NAMES:
        return "names"
    return "any" if field["name"] in MULTI_ANY else None


def row(field: Json, reason: str | None) -> str:
    """One `field(...)` call; what is the default is left out."""
    words = [
        repr(field["name"]),
        repr(field["type"]),
        json.dumps(DESCRIPTIONS.get(field["name"], field["description"]), ensure_ascii=False),
    ]
    if form(field) != TYPE_FORMS.get(field["type"], "DEC"):
        words.append(f"form={form(field)!r}")
    if field["list"]:
        words.append("is_list=True")
    if field["argument"]:
        words.append(f"arg={'|'.join(field['argument']['kinds'])!r}")
        if field["argument"]["required"]:
            words.append("arg_required=True")
    for key, value in (
        ("multi", multi(field)),
        ("flags", flags(field)),
        ("gone", gone(field, reason)),
    ):
        if value:
            words.append(f"{key}={json.dumps(value)}")
    if since(field) != "0.29":
        words.append(f"since={since(field)!r}")
    return f"    field({', '.join(words)}),"


HEAD = '''"""Every field of the filter language and of output templates: the catalogue.

In:  nothing. Out: `CLASSES`, `CATALOGUE`. Next: `model/fields.py`, which finds a field by name.
Columns that a row leaves out have their usual value, see `FieldSpec`. `since` is the first of the
compared releases that knows the field (`0.29` also stands for earlier ones; `plugin`: known to
plugins only). `gone` names what a field belonged to that no current system has.
Source: field tables of sysdig 0.29.3, sysdig 0.41.4, libs 0.25-dev and the container plugin.
"""

from __future__ import annotations

from pyscap.model.specs import FieldSpec
from pyscap.model.specs import field_row as field

'''


def main(folder: Path) -> None:
    fields = json.loads((folder / "fields.json").read_text())["fields"]
    lines = [HEAD, "CLASSES: dict[str, str] = {"]
    lines += [f"    {name!r}: {title!r}," for name, title, _ in CLASSES]
    lines += [
        "}",
        '"""Titles of the field classes, in listing order."""',
        "",
        "CATALOGUE: dict[str, tuple[FieldSpec, ...]] = {",
    ]
    for name, _, reason in CLASSES:
        lines.append(f"    {name!r}: (")
        lines += [row(item, reason) for item in fields if item["class"] == name]
        lines.append("    ),")
    lines += ["}", '"""Fields by class, in listing order."""', ""]
    OUT.write_text("\n".join(lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
