"""Captures that are written hold what is needed, and say what they are."""

from __future__ import annotations

import gzip
import os
import subprocess
from pathlib import Path

import builders as b
import pytest
from engine import blocks, counts, lines, mode, only_events, rewritten, summaries

from pyscap.errors import OutputError
from pyscap.format import save

CAPTURES = Path(__file__).parents[2] / "differential" / "captures"

FAMILY = b.capture(
    threads=[
        b.thread(1, "init"),
        b.thread(10, "bash", ptid=1, fds=[b.fd(3, name="/shared"), b.fd(0, name="/dev/tty")]),
        b.thread(20, "secret", ptid=1, fds=[b.fd(5, name="/hidden")]),
    ],
    events=[
        b.openat(fd=7, name="/before", tid=10),
        b.openat(fd=8, name="/not-mine", tid=20),
        b.clone(res=11, exe="bash", comm="bash", pid=10, ptid=1, tid=10, vtid=10, vpid=10),
        b.execve(res=0, exe="python3", comm="python3", pid=11, ptid=10, tid=11),
        b.read(res=1, fd=3, tid=11, data="x"),
        b.read(res=1, fd=7, tid=11, data="y"),
        b.read(res=1, fd=8, tid=20, data="z"),
        b.openat(fd=9, name="/after", tid=10),
    ],
)


def test_an_unfiltered_copy_has_the_same_blocks_but_for_what_it_adds():
    copy = rewritten(FAMILY)
    assert [kind for kind, _ in blocks(copy)] == [kind for kind, _ in blocks(FAMILY)]
    same = [new == old for new, old in zip(blocks(copy), blocks(FAMILY), strict=True)]
    assert same.count(False) == 2, "the first event carries the state, the last the summary"


def test_an_export_reads_as_the_original():
    chosen = "proc.name=python3"
    assert lines(rewritten(FAMILY, chosen)) == lines(FAMILY, chosen)
    assert "<f>/shared" in "".join(lines(rewritten(FAMILY, chosen)))


def test_an_export_names_no_other_process():
    export = rewritten(FAMILY, "proc.name=python3")
    for name in (b"secret", b"/hidden", b"/not-mine", b"/after"):
        assert name in FAMILY
        assert name not in export
    assert b"/before" in export, "python3 has inherited it"


def test_events_for_the_state_alone_are_marked():
    kinds = [kind for kind, _ in blocks(rewritten(FAMILY, "proc.name=python3"))]
    assert kinds.count(0x217) == 2, "the open before, and the clone"
    assert kinds.count(0x216) == 3


def test_without_the_others_names_are_missing():
    plain = rewritten(FAMILY, "proc.name=python3", others="drop")
    assert [kind for kind, _ in blocks(plain)].count(0x217) == 0


def test_a_filtered_live_file_keeps_all_that_changes_the_state():
    kept = rewritten(FAMILY, "evt.type=read and proc.name=python3", others="state")
    assert lines(kept) == lines(FAMILY, "evt.type=read and proc.name=python3")
    assert b"/hidden" in kept


def test_names_survive_when_all_metadata_is_dropped():
    merged = only_events(rewritten(FAMILY))
    assert lines(merged) == lines(FAMILY)
    assert lines(only_events(FAMILY)) != lines(FAMILY)


def test_a_rewritten_merged_file_has_its_metadata_blocks_again():
    restored = rewritten(only_events(rewritten(FAMILY)))
    assert 0x215 in [kind for kind, _ in blocks(restored)]
    assert lines(only_events(rewritten(restored))) == lines(FAMILY)


def test_the_state_is_carried_once_however_often_a_file_is_rewritten():
    once = rewritten(FAMILY)
    assert abs(len(rewritten(rewritten(once))) - len(once)) < 200


def test_the_summary_stands_in_the_last_event_and_keeps_the_one_before():
    first = rewritten(FAMILY)
    (found,) = summaries(first)
    assert (found["events"], found["chosen"]) == (8, 8)
    (found,) = summaries(rewritten(first, "evt.type=read"))
    assert (found["filter"], found["before"][0]["chosen"]) == ("evt.type=read", 8)


@pytest.mark.parametrize("version", range(1, 10))
def test_old_files_are_exported_too(version):
    old = min(version, 2)
    versions = b.Versions(process=version, fd=old, interface=old, user=old, event=old)
    data = b.capture(
        threads=[b.thread(5, "cat", fds=[b.fd(3, name="/x")]), b.thread(6, "dog")],
        events=[b.lseek(fd=3, tid=5), b.lseek(fd=4, tid=6)],
        version=versions,
    )
    export = rewritten(data, "proc.name=cat")
    assert lines(export) == lines(data, "proc.name=cat") != []
    assert b"dog" not in export


@pytest.mark.parametrize("name", ["curl_google.scap", "mix.scap.gz", "single_ipv6_conn.scap"])
@pytest.mark.parametrize("chosen", ["evt.type in (connect, close)", "proc.name in (curl, python3)"])
def test_exports_of_real_captures_read_as_the_originals(name, chosen):
    data = gzip.decompress((CAPTURES / name).read_bytes())
    template = "%evt.time %proc.name %proc.pname %proc.aname[2] %fd.name %evt.args %user.name"
    export = rewritten(data, chosen)
    assert lines(export, None, template) == lines(data, chosen, template)
    assert lines(only_events(export), None, template) == lines(data, chosen, template)


def test_enter_events_stay_with_their_exits():
    data = gzip.decompress((CAPTURES / "curl_google.scap").read_bytes())
    export = rewritten(data, "evt.type=openat and proc.name=curl")
    assert counts(export)["damaged"] == 0
    assert lines(export) == lines(data, "evt.type=openat and proc.name=curl")


def test_new_files_are_private_and_never_replace_others(tmp_path):
    path = os.fspath(tmp_path / "x.scap")
    with save.output_file(path) as fd:
        os.write(fd, b"x")
    assert mode(path) == 0o600
    with pytest.raises(OutputError, match="exists"), save.output_file(path):
        pass
    with save.output_file(path, overwrite=True) as fd:
        os.write(fd, b"new")
    assert Path(path).read_bytes() == b"new"


def test_links_are_not_followed(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with (
        pytest.raises(OutputError, match="symbolic link"),
        save.output_file(os.fspath(tmp_path / "link"), overwrite=True),
    ):
        pass
    assert not (tmp_path / "target").exists()


def test_nothing_is_left_of_a_run_that_failed_before_its_first_block(tmp_path):
    path = tmp_path / "x.scap"
    with pytest.raises(KeyboardInterrupt), save.output_file(os.fspath(path)):
        raise KeyboardInterrupt
    assert not path.exists()


@pytest.mark.parametrize(
    ("name", "gzip_asked", "expected"),
    [("a", False, "none"), ("a.gz", False, "gzip"), ("a.zst", False, "zstd"), ("a", True, "gzip")],
)
def test_the_name_says_how_it_is_compressed(name, gzip_asked, expected):
    assert save.compression(name, gzip=gzip_asked) == expected


@pytest.mark.parametrize("kind", ["none", "gzip", "zstd"])
def test_compressed_files_are_read_back(tmp_path, kind):
    from pyscap._engine import Session
    from pyscap.plan import Plan

    path = tmp_path / "x"
    with save.output_file(os.fspath(path)) as fd:
        row = save.output_row(fd, compression=kind, others="copy")
        engine = Session(Plan(output=row).to_json())
        engine.add_bytes(FAMILY)
        while engine.run(1000) != "done":
            pass
        engine.finish("{}")
    assert lines(path.read_bytes()) == lines(FAMILY)
    if kind == "gzip":
        subprocess.run(["gzip", "-t"], input=path.read_bytes(), check=True)


def test_pipes_are_copied_to_be_read_twice(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    child = subprocess.Popen(["sh", "-c", f"printf data > {fifo}"])
    with save.readable_twice([os.fspath(fifo)]) as (copy,):
        assert Path(copy).read_bytes() == b"data"
        assert mode(copy) == 0o600
    child.wait()
    assert not Path(copy).exists()
