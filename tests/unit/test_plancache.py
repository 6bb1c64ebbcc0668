"""Plans that are used again: only when everything they depend on is the same."""

from __future__ import annotations

import sys

import pytest

from pyscap import plancache
from pyscap.request import Request


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def plans(tmp_path):
    return list((tmp_path / "pyscap" / "plans").glob("*.json"))


def test_second_request_is_not_compiled_again(tmp_path):
    request = Request(words=("evt.num=1",))
    assert plancache.plan_text(request, lambda: "first") == "first"
    assert plancache.plan_text(request, lambda: "second") == "first"
    assert len(plans(tmp_path)) == 1
    assert plans(tmp_path)[0].stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "other", [Request(words=("evt.num=2",)), Request(words=("evt.num=1",), json=True)]
)
def test_another_request_is_compiled(other):
    plancache.plan_text(Request(words=("evt.num=1",)), lambda: "first")
    assert plancache.plan_text(other, lambda: "second") == "second"


def test_the_files_that_are_read_do_not_matter():
    plancache.plan_text(Request(read=("a",)), lambda: "first")
    assert plancache.plan_text(Request(read=("b",)), lambda: "second") == "first"


@pytest.mark.parametrize("name", plancache.VARIABLES)
def test_another_environment_is_compiled(name, monkeypatch):
    plancache.plan_text(Request(), lambda: "first")
    monkeypatch.setenv(name, "other")
    assert plancache.plan_text(Request(), lambda: "second") == "second"


def test_a_changed_configuration_is_compiled(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    request = Request(profile="web", words=("@web",))
    plancache.plan_text(request, lambda: "first")
    assert plancache.plan_text(request, lambda: "second") == "first"
    (tmp_path / "pyscap" / "config.toml").write_text("[filters]")
    assert plancache.plan_text(request, lambda: "third") == "third"


def test_another_version_of_the_program_is_compiled(monkeypatch):
    plancache.plan_text(Request(), lambda: "first")
    monkeypatch.setattr(plancache, "program_state", lambda: ["changed"])
    assert plancache.plan_text(Request(), lambda: "second") == "second"


@pytest.mark.parametrize(
    "request_",
    [Request(macros="file"), Request(resolve_ports=True, words=("fd.sip.name=example.com",))],
)
def test_what_depends_on_more_than_its_key_is_not_kept(request_, tmp_path):
    assert plancache.plan_text(request_, lambda: "first") == "first"
    assert plancache.plan_text(request_, lambda: "second") == "second"
    assert not plans(tmp_path)


def test_a_plan_with_warnings_is_not_kept(capsys):
    def warn() -> str:
        sys.stderr.write("careful\n")
        return "plan"

    plancache.plan_text(Request(), warn)
    plancache.plan_text(Request(), warn)
    assert capsys.readouterr().err == "careful\ncareful\n"


def test_a_folder_that_others_can_write_is_not_trusted(tmp_path):
    folder = tmp_path / "pyscap" / "plans"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    assert plancache.plan_text(Request(), lambda: "first") == "first"
    assert plancache.plan_text(Request(), lambda: "second") == "second"


def test_only_so_many_plans_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(plancache, "MOST", 3)
    for number in range(5):
        plancache.plan_text(Request(words=(f"evt.num={number}",)), lambda: "plan")
    assert len(plans(tmp_path)) == 3


def test_an_error_while_compiling_passes_and_nothing_is_kept(tmp_path):
    def fail() -> str:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - any error
        plancache.plan_text(Request(), fail)
    assert not plans(tmp_path)
