"""The oracle is right about what is simple enough to see."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from pyscap.filterlang.compile import compile_filter
from pyscap.filterlang.reference import Ancestors, Ends, Value, accepts, glob
from pyscap.model.fields import FieldRef

EVENT: dict[str, Value] = {
    "proc.name": "curl",
    "proc.pid": 5,
    "evt.failed": False,
    "fd.name": "/usr/lib/libc.so.6",
    "fd.ip": Ends((ip_address("10.0.0.1"), ip_address("8.8.8.8"))),
    "fd.net": Ends((ip_address("10.0.0.1"), ip_address("8.8.8.8"))),
    "proc.aname": Ancestors(("bash", "sshd")),
    "fd.types": ["file", "ipv4"],
    "evt.buffer": b"\x7fELF",
}


def get(ref: FieldRef) -> Value | None:
    return EVENT.get(ref.name)


@pytest.mark.parametrize(
    "text",
    [
        "proc.name = curl and not proc.name = wget",
        "proc.name in (wget, curl)",
        "proc.pid >= 5 and proc.pid < 0x6",
        "evt.failed = false",
        "fd.name pmatch (/usr/l*)",
        "fd.name regex '/usr/.*[[:digit:]]'",
        "fd.name iglob '/USR/*'",
        "fd.ip = 8.8.8.8 and not fd.ip != 8.8.8.8",
        "fd.net in (10.0.0.0/8) and fd.net != 11.0.0.0/8",
        "proc.aname = sshd and proc.aname != sshd",
        "fd.types intersects (file) and not fd.types in (file)",
        "evt.buffer bstartswith 7f45",
        "len(proc.name) = 4 and toupper(proc.name) = CURL",
        'join("-", (proc.name, proc.pid)) = "curl-5"',
        'getopt(("-xtv"), "xt:")[t] = v',
        "b64('Y3VybA') = curl and not b64('!') exists",
        "proc.name = oneof (curl, wget) and not proc.name = oneof (curl, curl)",
        "proc.name contains allof (c, rl)",
        "not evt.num = 5 and not evt.num != 5 and not evt.num exists",
        "proc.name startswith concat(c, u)".replace("(c, u)", "('c', 'u')"),
    ],
)
def test_accepts(text: str) -> None:
    assert accepts(compile_filter(text).condition, get)


@pytest.mark.parametrize(
    ("pattern", "text", "answer"),
    [
        ("*", "", True),
        ("a*b", "a/x/b", True),
        ("[!a]?", "bc", True),
        ("[]x]", "]", True),
        ("[a", "[a", True),
        ("\\*", "*", True),
        ("\\*", "a", False),
        ("?", "ab", False),
    ],
)
def test_glob(pattern: str, text: str, answer: bool) -> None:
    assert glob(pattern, text) is answer
