"""Whatever bytes names and data hold: JSON is JSON, and no control byte reaches a terminal."""

import json
import os
import random
import subprocess
import sys
import unicodedata
from pathlib import Path

import builders as b
import pytest

PYSCAP = Path(sys.executable).parent / "pyscap"
ROUNDS = 60
BIDIRECTIONAL = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def random_bytes(rng, most):
    """Bytes of every kind: controls, half characters, directions, quotes; no NUL."""
    pieces = [
        bytes(rng.randrange(1, 256) for _ in range(rng.randrange(most))),
        "é\u202e\u2028\U0001f600".encode(),
        b"\x1b[31m\x9b",
        b'"\\\n\r\t',
        b"\xed\xa0\x80",
    ]
    return b"".join(rng.sample(pieces, rng.randrange(1, len(pieces) + 1)))


@pytest.fixture(scope="module")
def capture(tmp_path_factory):
    rng = random.Random(5)
    events = []
    for at in range(ROUNDS):
        name = random_bytes(rng, 30)
        shared = {"tid": 10 + at, "ts_ns": 1_700_000_000_000_000_000 + at}
        events += [
            b.openat(fd=3, dirfd=-100, name=name + b"\0", flags="O_RDONLY", **shared),
            b.write(res=4, data=random_bytes(rng, 200), fd=3, size=4, **shared),
            b.execve(
                res=0,
                exe=name + b"\0",
                comm=random_bytes(rng, 8)[:15] + b"\0",
                args=random_bytes(rng, 20) + b"\0" + name + b"\0",
                env=b"A=" + name + b"\0",
                **shared,
            ),
            b.close(res=0, fd=3, **shared),
        ]
    threads = [b.thread(10 + at, "x", cwd=b"/\x1b" + random_bytes(rng, 9)) for at in range(ROUNDS)]
    path = tmp_path_factory.mktemp("hostile") / "hostile.scap"
    path.write_bytes(b.capture(threads=threads, events=events))
    return path


TEMPLATES = [
    [],
    ["-X"],
    ["-b"],
    ["--strace"],
    ["-p", "*%evt.num %proc.name %proc.cmdline %proc.env %proc.cwd %fd.name %evt.arg.name"],
    ["-p", "*%toupper(proc.name)|%20fd.name|%evt.rawarg.name|%fd.nameraw|%proc.aname|%evt.buffer"],
]  # fmt: skip


def run(capture, *arguments):
    command = [PYSCAP, "-r", capture, *arguments]
    done = subprocess.run(command, capture_output=True, env={**os.environ, "TZ": "UTC"})
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout


def is_harmless(char):
    return char in "\n\t" or (unicodedata.category(char) != "Cc" and char not in BIDIRECTIONAL)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", TEMPLATES, ids=" ".join)
def test_text_holds_no_raw_control_character(capture, arguments):
    text = run(capture, *arguments).decode()  # and is UTF-8
    assert {char for char in text if not is_harmless(char)} == set()
    if "-X" not in arguments:
        assert "\t" not in text
        assert len(text.splitlines()) == text.count("\n") == 4 * ROUNDS


@pytest.mark.slow
@pytest.mark.parametrize("arguments", TEMPLATES, ids=" ".join)
def test_json_is_parseable(capture, arguments):
    extra = [] if "--strace" not in arguments else ["-p", "*%evt.num %evt.call"]
    chosen = [word for word in arguments if word != "--strace"] + extra
    text = run(capture, "-j", *chosen).decode()
    lines = text.split("\n")
    assert lines.pop() == ""
    assert len([json.loads(line) for line in lines]) == 4 * ROUNDS
    assert {char for char in text if not is_harmless(char)} == set()


@pytest.mark.slow
def test_details_hold_no_raw_control_character(capture):
    text = run(capture, "-V").decode()
    assert {char for char in text if not is_harmless(char)} == set()
    assert "\t" not in text
