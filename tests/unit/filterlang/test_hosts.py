"""Names of addresses, with `-R` and without."""

import socket

import captures
import pytest

from pyscap import cli
from pyscap.filterlang import hosts

TABLE = """
# comment
10.0.0.6  www.example.com www  # the server
10.0.0.6  www2
fe80::1%eth0 router
not-an-address name
10.0.0.9
"""


@pytest.fixture
def ask(tmp_path, monkeypatch, capfdbinary):
    """Runs the command over the requests of curl, with a table of hosts and without DNS."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    capture, table = tmp_path / "web.scap", tmp_path / "hosts"
    capture.write_bytes(captures.web())
    table.write_text(TABLE)
    monkeypatch.setattr(hosts, "DATABASE", table)

    def nowhere(*_args, **_more):
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)

    def run(*words):
        assert cli.run(["-r", str(capture), *words]) == 0
        return tuple(text.decode() for text in capfdbinary.readouterr())

    return run


def test_table_has_the_names_of_each_address(tmp_path):
    path = tmp_path / "hosts"
    path.write_text(TABLE)
    assert hosts.table(path) == {
        "10.0.0.6": ["www.example.com", "www", "www2"],
        "fe80::1": ["router"],
    }
    assert hosts.table(tmp_path / "none") == {}


def test_first_name_is_shown_where_there_is_one(ask):
    out, _ = ask("-R", "-n", "1", "-p", "*%fd.sip.name %fd.cip.name", "fd.num=3")
    assert out == "www.example.com <NA>\n"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("fd.sip.name = www2", 8),
        ("fd.sip.name in (x, www)", 8),
        ("fd.sip.name contains example", 8),
        ("fd.sip.name != www", 0),
        ("fd.sip.name exists", 8),
        ("fd.cip.name exists", 0),
    ],
)
def test_every_name_counts_in_a_filter(ask, text, count):
    out, _ = ask("-R", "-p", "x", text)
    assert len(out) == 2 * count


def test_without_the_option_nothing_has_a_name_and_that_is_said(ask):
    out, err = ask("fd.sip.name = www")
    assert out == ""
    assert err == "warning: fields such as fd.sip.name have values only with -R\n"


def test_names_of_the_filter_are_looked_up(ask, monkeypatch):
    asked = []

    def found(name, *_args, **_more):
        asked.append(name)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.5", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    out, _ = ask("-R", "-n", "1", "-p", "%fd.cip.name", "fd.cip.name = client.example.com")
    assert (out, asked) == ("client.example.com\n", ["client.example.com"])


def test_a_name_without_address_is_said(ask):
    out, err = ask("-R", "fd.cip.name = nowhere.example.com")
    assert out == ""
    assert err == "warning: no address is known for the host nowhere.example.com\n"
