"""Bundles, their store, and the child that compiles; bcc itself is used by the live tests."""

import base64
import json
import os
import stat
import struct
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyscap.probe import compiler
from pyscap.probe.compiler import Bcc, Bundle, MapShape, _candidate_folders, cache_key, find_bcc
from pyscap.probe.errors import ProbeRejected, ProbeUnavailable

BUNDLE = Bundle((MapShape("m", 1, 4, 8, 16, 0),), {"f": b"\1" * 16})

NUMBERS = st.integers(0, 0xFFFFFFFF)
SHAPES = st.builds(MapShape, st.text(), NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS)
BUNDLES = st.builds(
    Bundle,
    st.lists(SHAPES, max_size=4).map(tuple),
    st.dictionaries(st.text(), st.binary(max_size=64), max_size=4),
)


@given(BUNDLES)
@settings(max_examples=30, deadline=None)
def test_bundles_survive_storing(bundle):
    text = bundle.to_json()
    assert text.isascii()
    assert Bundle.from_json(text) == bundle


def test_a_stored_bundle_is_json_with_instructions_in_base64():
    assert json.loads(BUNDLE.to_json()) == {
        "format": 1,
        "maps": [
            {"name": "m", "kind": 1, "key_size": 4, "value_size": 8, "entries": 16, "flags": 0}
        ],
        "programs": {"f": base64.b64encode(b"\1" * 16).decode()},
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"format": 0}',
        '{"format": 1, "maps": [{}], "programs": {}}',
        '{"format": 1, "maps": [], "programs": {"f": "no base64!"}}',
        BUNDLE.to_json()[:-5],
    ],
)
def test_damaged_bundles_are_refused(text):
    with pytest.raises((ValueError, KeyError, TypeError)):
        Bundle.from_json(text)


# ---- where bcc is


def make_package(folder, *files, version='__version__ = "9.9"\n'):
    (folder / "bcc").mkdir(parents=True)
    for name in files:
        (folder / "bcc" / name).write_text(version)


def test_bcc_is_found_where_the_distribution_put_it(tmp_path, monkeypatch):
    make_package(tmp_path / "lattice", "__init__.py")
    make_package(tmp_path / "real", "__init__.py", "libbcc.py", "version.py")
    folders = [tmp_path / "none", tmp_path / "lattice", tmp_path / "real"]
    monkeypatch.setattr("pyscap.probe.compiler._candidate_folders", lambda: folders)
    assert find_bcc() == Bcc(tmp_path / "real", "9.9")


@pytest.mark.parametrize("text", ["", "# nothing\n", None])
def test_a_bcc_that_does_not_tell_its_version(tmp_path, monkeypatch, text):
    make_package(tmp_path, "__init__.py", "libbcc.py", version="")
    if text is not None:
        (tmp_path / "bcc" / "version.py").write_text(text)
    monkeypatch.setattr("pyscap.probe.compiler._candidate_folders", lambda: [tmp_path])
    assert find_bcc().version == "unknown"


def test_a_bcc_in_the_working_folder_is_not_taken(tmp_path, monkeypatch):
    make_package(tmp_path, "__init__.py", "libbcc.py")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert tmp_path not in _candidate_folders()


def test_the_working_folder_is_known_by_any_name_and_may_be_gone(tmp_path, monkeypatch):
    here, other = tmp_path / "here", tmp_path / "other"
    here.mkdir()
    other.symlink_to(here)
    monkeypatch.setattr("sys.path", [str(other), str(tmp_path), "relative", ""])
    monkeypatch.chdir(here)
    assert {tmp_path, other} & set(_candidate_folders()) == {tmp_path}
    here.rmdir()
    assert tmp_path in _candidate_folders()


def test_the_other_bcc_is_named_as_such(tmp_path, monkeypatch):
    make_package(tmp_path, "__init__.py")
    monkeypatch.setattr("pyscap.probe.compiler._candidate_folders", list)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ProbeUnavailable, match="not the BPF Compiler Collection") as caught:
        find_bcc()
    assert "python3-bpfcc" in caught.value.hint


def test_how_to_get_bcc_is_said_when_there_is_none(monkeypatch):
    monkeypatch.setattr("pyscap.probe.compiler._candidate_folders", list)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ProbeUnavailable, match="is not installed") as caught:
        find_bcc()
    assert "python3-bpfcc" in caught.value.hint


# ---- the store

HERE = Bcc(compiler.HEADERS, "0.29")


def test_the_key_changes_with_whatever_changes_the_result(monkeypatch):
    keys = [
        cache_key("a", ("-D1",), HERE),
        cache_key("b", ("-D1",), HERE),
        cache_key("a", ("-D2",), HERE),
        cache_key("a", ("-D1", "-D2"), HERE),
        cache_key("a", ("-D1",), replace(HERE, version="0.30")),
    ]
    monkeypatch.setattr("pyscap.probe.compiler.kernel_build", lambda: "another kernel")
    keys.append(cache_key("a", ("-D1",), HERE))
    assert len(set(keys)) == len(keys)
    assert all(len(key) == 64 and key.isalnum() for key in keys)


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A store in place of that of the machine, for root."""
    folder = tmp_path / "store"
    monkeypatch.setattr("pyscap.probe.compiler.CACHE", folder)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    if os.getuid() != 0:
        pytest.skip("only root owns such a folder")
    return folder


def test_the_store_is_for_root_alone(store):
    assert compiler._cache_folder() == store
    assert stat.S_IMODE(store.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_store_that_others_may_look_into_is_not_used(store, mode):
    store.mkdir()
    store.chmod(mode)
    assert compiler._cache_folder() is None


def test_a_store_that_is_another_s_a_link_or_no_folder_is_not_used(store, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    store.symlink_to(tmp_path / "elsewhere")
    assert compiler._cache_folder() is None
    store.unlink()
    store.mkdir(mode=0o700)
    os.chown(store, 1, 1)
    assert compiler._cache_folder() is None
    store.rmdir()
    store.write_text("")
    assert compiler._cache_folder() is None


def test_others_than_root_have_no_store(store, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert compiler._cache_folder() is None
    assert not store.exists()


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[1]", b'{"format": 1, "maps": 5, "programs": []}', b"\xff"]
)
def test_what_is_damaged_in_the_store_is_compiled_anew(tmp_path, content):
    (tmp_path / "k.json").write_bytes(content)
    assert compiler._cache_read(tmp_path, "k") is None
    compiler._cache_write(tmp_path, "k", BUNDLE)
    assert compiler._cache_read(tmp_path, "k") == BUNDLE


def test_the_oldest_leave_a_store_that_is_full(tmp_path, monkeypatch):
    monkeypatch.setattr("pyscap.probe.compiler.CACHE_LIMIT", 250)
    for age, name in enumerate(["new", "middle", "old"]):
        (tmp_path / f"{name}.json").write_bytes(bytes(100))
        os.utime(tmp_path / f"{name}.json", (1000 - age, 1000 - age))
    compiler._cache_write(tmp_path, "k", BUNDLE)
    assert {file.name for file in tmp_path.iterdir()} == {"new.json", "middle.json", "k.json"}


def test_a_store_that_cannot_be_written_is_no_failure(tmp_path):
    compiler._cache_write(tmp_path / "nowhere", "k", BUNDLE)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def compiled(store, monkeypatch):
    """The sources that were really compiled; the larger ones have a program more."""
    sources = []

    def compile_in_child(source, _flags, _bcc):
        sources.append(source)
        return Bundle((), {source: b""})

    monkeypatch.setattr("pyscap.probe.compiler.find_bcc", lambda: HERE)
    monkeypatch.setattr("pyscap.probe.compiler._compile_in_child", compile_in_child)
    return sources


def test_the_same_source_is_compiled_once(compiled):
    first = compiler.compile_program("a", ("-D1",))
    assert compiler.compile_program("a", ("-D1",)) == first
    assert compiled == ["a"]
    compiler.compile_program("a", ("-D2",))
    assert compiled == ["a", "a"]


def test_a_stored_larger_program_is_taken_instead(compiled):
    assert "a" in compiler.compile_program("a", (), larger="all").programs
    compiler.compile_program("all", ())
    assert "all" in compiler.compile_program("a", (), larger="all").programs
    assert compiled == ["a", "all"]


def test_without_the_store_everything_is_compiled(compiled, store):
    for _ in range(2):
        compiler.compile_program("a", (), use_cache=False)
    assert compiled == ["a", "a"]
    assert not store.exists()


# ---- the child


@pytest.fixture
def logs(tmp_path, monkeypatch):
    """Where logs are put."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def answers(monkeypatch, program):
    """Let the child run `program` instead of bcc."""
    monkeypatch.setattr("pyscap.probe.compiler.CHILD", program)
    return compiler._compile_in_child("int x;", ("-DA=1",), HERE)


ECHO = """
import json, os, sys
request = json.load(sys.stdin)
seen = [request["source"], *request["flags"], request["bcc"], os.getcwd(), *sorted(os.environ)]
print(json.dumps({"format": 1, "maps": [], "programs": {text: "" for text in seen}}))
"""


def test_the_child_gets_the_request_and_an_environment_of_its_own(monkeypatch, logs):
    monkeypatch.setenv("LD_PRELOAD_OF_A_USER", "1")
    seen = set(answers(monkeypatch, ECHO).programs)
    assert {"int x;", "-DA=1", str(compiler.HEADERS), "BCC_KERNEL_SOURCE", "PATH", "TMPDIR"} <= seen
    assert "LD_PRELOAD_OF_A_USER" not in seen
    assert list(logs.iterdir()) == [], "its folder is gone"


@pytest.mark.parametrize(
    "program",
    [
        "import sys; sys.stderr.buffer.write(b'error: \\xff \\xc3\\xa9'); sys.exit(1)",
        "import sys; sys.stderr.buffer.write(b'error: \\xff \\xc3\\xa9'); print('no JSON')",
        "import os, sys; os.write(2, b'error: \\xff \\xc3\\xa9'); os.kill(os.getpid(), 9)",
    ],
)
def test_the_words_of_a_compiler_that_fails_are_kept(monkeypatch, logs, program):
    with pytest.raises(ProbeRejected, match="could not be compiled") as caught:
        answers(monkeypatch, program)
    (log,) = logs.iterdir()
    assert str(log) in caught.value.hint
    assert log.read_text(encoding="utf-8") == "error: \ufffd é"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_compiler_that_takes_too_long_is_ended(monkeypatch, logs):
    monkeypatch.setattr("pyscap.probe.compiler.COMPILE_SECONDS", 0.05)
    with pytest.raises(ProbeRejected, match="took more than"):
        answers(monkeypatch, "import time; time.sleep(60)")
    assert list(logs.iterdir()) == []


def test_a_log_is_kept_whatever_the_user_s_encoding_is(logs):
    code = "from pyscap.probe.compiler import keep_log; print(keep_log('\\ufffd', 'x'))"
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        env={**environment, "TMPDIR": str(logs)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (log,) = logs.iterdir()
    assert log.read_bytes() == "\ufffd".encode()


def test_descriptors_of_maps_become_their_positions():
    def instruction(opcode, registers, number):
        return struct.pack("<BBhi", opcode, registers, 0, number)

    # BPF_LD_IMM64: with BPF_PSEUDO_MAP_FD as source it names a map, else it is a number.
    reference = instruction(0x18, 0x12, 9) + bytes(8)
    number = instruction(0x18, 0x02, 9) + bytes(8)
    end = instruction(0x95, 0, 0)
    made = compiler._position_maps(reference + number + end, {7: 0, 9: 1})
    assert made == instruction(0x18, 0x12, 1) + bytes(8) + number + end
