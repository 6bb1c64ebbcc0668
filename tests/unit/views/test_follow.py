"""What `--fd` means."""

import os

import pytest
from captures import web

from pyscap._engine import Session
from pyscap.plan import Options
from pyscap.views.build import Chosen, make_plan
from pyscap.views.follow import FOLLOW, condition
from pyscap.views.streams import Look


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("3", "fd.num=3"),
        ("/etc/passwd", 'fd.name="/etc/passwd"'),
        ("/tmp/a=b", 'fd.name="/tmp/a=b"'),
        ('/tmp/"x\\', 'fd.name="/tmp/\\"x\\\\"'),
        ("10.0.0.5:41000->10.0.0.6:80", 'fd.name="10.0.0.5:41000->10.0.0.6:80"'),
        ("fd.port=80", "fd.port=80"),
        ("not (fd.type in (ipv4, ipv6))", "not (fd.type in (ipv4, ipv6))"),
        ("pipe:[4242]", 'fd.name="pipe:[4242]"'),
    ],
)
def test_a_name_a_number_or_a_filter(text, meant):
    assert condition(text) == meant


def test_raw_data_is_exactly_what_was_written(tmp_path):
    path = tmp_path / "out"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    from dataclasses import replace

    view = replace(FOLLOW, headers="none", filter="evt.is_io_write=true and fd.num=1")
    plan, _ = make_plan(Chosen(view, {}, ()), "", None, Options(), Look("raw", fd=fd))
    engine = Session(plan.to_json())
    engine.add_bytes(web())
    while engine.run(100) != "done":
        pass
    os.close(fd)
    assert path.read_bytes() == b"hello\n\x1b[2J"
    assert engine.result() == '{"bytes":10,"calls":1,"missing":0}'
