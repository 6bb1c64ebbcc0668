"""What must not be seen of a capture."""

import builders as b
import pytest

from pyscap import privacy
from pyscap._engine import Session
from pyscap.cli import run
from pyscap.errors import UsageError
from pyscap.privacy import SECRETS, redact_row
from pyscap.program import make_plan
from pyscap.request import Request

SECRET = b"hunter2"


@pytest.fixture
def capture(tmp_path):
    """A capture with a secret in every place where a text can be, and its path."""
    text = SECRET.decode()
    thread = b.thread(
        7,
        "sh",
        args=f"-c\0--password={text}\0",
        env=f"PASSWORD={text}\0HOME=/\0",
        cwd=f"/srv/token={text}/",
        fds=[b.fd(3, name=f"/srv/token={text}"), b.fd(4, "unix", name=f"/run/token={text}")],
    )
    data = b.capture(
        threads=[thread],
        events=[
            b.openat(fd=5, name=f"/x?password={text}", tid=7),
            b.write(res=30, data=f"GET http://me:{text}@host/ HTTP/1.1\r\n".encode(), fd=5, tid=7),
            b.execve(exe="sh", args=f"-c\0token={text}\0", env=f"A={text}\0", tid=7),
        ],
        users=[b.user(0, "root", home=f"/root/token={text}")],
    )
    path = tmp_path / "in.scap"
    path.write_bytes(data)
    assert data.count(SECRET) == 10
    return path


def sanitized(capture, *options):
    target = capture.with_name("out.scap")
    assert run(["sanitize", str(capture), str(target), *options]) == 0
    return target.read_bytes()


def test_sanitize_leaves_no_secret_and_a_readable_capture(capture):
    data = sanitized(capture)
    assert SECRET not in data
    assert b"HOME=/" not in data
    session = Session(make_plan(Request(quiet=True)).to_json())
    session.add_bytes(data)
    while session.run(1000) != "done":
        pass
    stats = session.stats()
    assert (stats["events"], stats["damaged"], stats["chosen"]) == (3, 0, 3)


def test_environments_and_buffers_may_stay_masked(capture):
    data = sanitized(capture, "--keep-env", "--keep-buffers", "--redact", "A=(.*)")
    assert SECRET not in data
    assert b"HOME=/" in data
    assert b"GET http://me:*****@host/ HTTP/1.1" in data


def test_masks_keep_what_is_around_a_group_and_stop_at_the_end_of_a_text(capfd, capture):
    template = "%evt.type %evt.arg.name %proc.args"
    assert run(["-r", str(capture), "--redact", "password=(.*)", "-p", template]) == 0
    assert capfd.readouterr().out.splitlines() == ["openat /x?password=***** -c --password=*****"]


def test_nothing_to_hide_costs_nothing():
    assert redact_row(Request()) is None
    assert make_plan(Request()).redact is None


def test_environments_are_emptied_wherever_they_are():
    row = redact_row(Request(no_env=True))
    assert row is not None
    assert row["patterns"] == []
    assert row["records"]["process"] == {"env": "empty"}
    assert {action for _, _, action in row["events"]} == {"empty"}


def test_patterns_are_checked_before_anything_is_read():
    with pytest.raises(UsageError, match=r"--redact '\(', character 1: the group is not closed"):
        redact_row(Request(redact=("a", "(")))


def test_known_secrets_are_expressions_with_one_group():
    for pattern in SECRETS:
        assert privacy.translated(pattern).count("(") == 1
