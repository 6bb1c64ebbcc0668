"""What sysdig prints of one of its own captures, command by command; see docs/compare.md."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CAPTURES = Path(__file__).resolve().parents[2] / "differential" / "captures"
PYSCAP = Path(sys.executable).parent / "pyscap"


def run(*arguments, capture="curl_google.scap", zone="UTC"):
    command = [PYSCAP, "-r", CAPTURES / capture, *arguments]
    env = {**os.environ, "TZ": zone}
    return subprocess.run(command, capture_output=True, check=True, env=env).stdout.decode()


DUMP = """sendto \n\
	0x0000: 4745 5420 2f20 4854 5450 2f31 2e31 0d0a  GET / HTTP/1.1..
	0x0010: 486f 7374 3a20 7777 772e 676f 6f67 6c65  Host: www.google
	0x0020: 2e63 6f6d 0d0a 5573 6572 2d41 6765 6e74  .com..User-Agent
	0x0030: 3a20 6375 726c 2f37 2e34 372e 300d 0a41  : curl/7.47.0..A
	0x0040: 6363 6570 743a 202a 2f2a 0d0a 0d0a       ccept: */*....
|
"""

EXAMPLES = [
    (["-p", "%evt.arg.data", "evt.num=817"], "GET / HTTP/1.1..Host: www.google.com..User-Agent: "
     "curl/7.47.0..Accept: */*....\n"),
    (["-A", "-p", "%evt.type %evt.arg.data|", "evt.num=817"], "sendto \nGET / HTTP/1.1\n"
     "Host: www.google.com\nUser-Agent: curl/7.47.0\nAccept: */*\n\n|\n"),
    (["-X", "-p", "%evt.type %evt.arg.data|", "evt.num=817"], DUMP),
    (["-b", "-p", "%evt.type %evt.arg.data", "evt.num=817"], "sendto R0VUIC8gSFRUUC8xLjENCkhvc3Q6IH"
     "d3dy5nb29nbGUuY29tDQpVc2VyLUFnZW50OiBjdXJsLzcuNDcuMA0KQWNjZXB0OiAqLyoNCg0K\n"),
    (["-p", "%evt.arg.env", "evt.num=211"], "XDG_SESSION_ID=1.TERM=xterm-256color.SHELL=/bin/bash."
     "SSH_CLIENT=50.207.137.24...\n"),
    (["-p", "%evt.num %fd.name", "evt.num in (213, 216)"], "216 /etc/ld.so.cache\n"),
    (["-p", "*%evt.num %fd.name", "evt.num in (213, 216)"], "213 <NA>\n216 /etc/ld.so.cache\n"),
    (["-p", "[%proc.name][%10proc.name][%2proc.name][%010proc.name]", "evt.num=216"],
     "[curl][curl      ][cu][curl      ]\n"),
    (["-p", "%evt.arg.fd|%evt.rawarg.fd|%evt.arg[1]|%evt.arg.flags|%evt.rawarg.flags|"
      "%proc.aname[1]|%proc.args[1]|%fd.types", "evt.num=216"],
     "<f>/etc/ld.so.cache|3|/etc/ld.so.cache|O_RDONLY|O_CLOEXEC|1001|bash|http://www.google.com|"
     "(file)\n"),
    (["-p", "*%toupper(proc.name) %basename(fd.name) %len(fd.types)", "evt.num=216"],
     "CURL ld.so.cache 1\n"),
    (["-t", "a", "-p", "%evt.outputtime", "evt.num=211"], "1534527348.514632619\n"),
    (["-t", "r", "-p", "%evt.outputtime", "evt.num in (211, 212)"], "0.000000000\n0.000016767\n"),
    (["-t", "D", "-p", "%evt.outputtime", "evt.num in (211, 213)"], "0.000000000\n0.000037849\n"),
    (["-t", "d", "-p", "*%evt.outputtime", "evt.num=211"], "<NA>\n"),
    (["-p", "%evt.time|%evt.time.s|%evt.datetime|%evt.time.iso8601|%evt.rawtime|%evt.rawtime.ns|"
      "%evt.reltime", "evt.num=216"],
     "17:35:48.514682170|17:35:48|2018-08-17 17:35:48.514682170|"
     "2018-08-17T17:35:48.514682170+0000|1534527348514682170|514682170|000049551\n"),
    (["-p", "%evt.arg.exe %evt.args[0]", "-n", "1", "evt.num=211"], "curl "),
    (["-n", "1", "-p", "%evt.num"], "211\n"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "expected"), EXAMPLES)
def test_text(arguments, expected):
    assert run(*arguments).startswith(expected)


@pytest.mark.slow
def test_small_fractions_keep_their_zeros():
    text = run("-t", "a", "-p", "%evt.outputtime", "evt.num=848", capture="single_ipv6_conn.scap")
    assert text == "1533943853.000939056\n"


@pytest.mark.slow
def test_the_offset_is_that_of_the_day():
    zone = "CET-1CEST,M3.5.0,M10.5.0/3"
    text = run("-p", "%evt.time.s %evt.time.iso8601", "evt.num=216", zone=zone)
    assert text == "19:35:48 2018-08-17T19:35:48.514682170+0200\n"


@pytest.mark.slow
def test_json_of_the_default_line():
    found = json.loads(run("-j", "evt.num=213"))
    assert found == {
        "evt.cpu": 0,
        "evt.dir": "<",
        "evt.info": "res=-2(ENOENT) name=/etc/ld.so.nohwcap mode=0(F_OK)",
        "evt.num": 213,
        "evt.outputtime": 1534527348514670468,
        "evt.type": "access",
        "proc.name": "curl",
        "thread.tid": 17497,
    }
    assert list(found) == sorted(found)


@pytest.mark.slow
def test_json_of_chosen_fields():
    template = (
        "*%evt.num %fd.name %fd.types %fd.sip %evt.failed %proc.fdusage %evt.time "
        "%evt.rawarg.flags %evt.rawarg.res %fd.dev"
    )
    lines = run("-j", "-p", template, "evt.num in (213, 216)").splitlines()
    assert [json.loads(line) for line in lines] == [
        {
            "evt.failed": True,
            "evt.num": 213,
            "evt.rawarg.flags": None,
            "evt.rawarg.res": -2,
            "evt.time": 1534527348514670468,
            "fd.dev": None,
            "fd.name": None,
            "fd.sip": None,
            "fd.types": None,
            "proc.fdusage": 0.0,
        },
        {
            "evt.failed": False,
            "evt.num": 216,
            "evt.rawarg.flags": "1001",
            "evt.rawarg.res": None,
            "evt.time": 1534527348514682170,
            "fd.dev": "0",
            "fd.name": "/etc/ld.so.cache",
            "fd.sip": None,
            "fd.types": ["file"],
            "proc.fdusage": 0.09765625,
        },
    ]


@pytest.mark.slow
def test_colours_stand_around_their_fields():
    text = run("--color", "force", "evt.num=217")
    assert "\x1b[1;32mcurl\x1b[0m" in text
    assert "\x1b[1;34mfstat\x1b[0m" in text


@pytest.mark.slow
def test_calls_are_shown_as_strace_does():
    text = run("--strace", "evt.num in (213, 216, 217, 817)")
    assert text.splitlines()[:3] == [
        'curl(17497) access("/etc/ld.so.nohwcap", F_OK) = -1 ENOENT <0.000003>',
        'curl(17497) open("/etc/ld.so.cache", O_RDONLY|O_CLOEXEC) = 3</etc/ld.so.cache> <0.000003>',
        "curl(17497) fstat(3</etc/ld.so.cache>) = 0 <0.000002>",
    ]
    assert '"GET / HTTP/1.1\\r\\nHost: www.google.com' in text


@pytest.mark.slow
def test_ports_get_names_when_they_are_wanted():
    text = run("-R", "-p", "%fd.name %fd.sproto %evt.arg.fd", "evt.num=817")
    end = "2607:f8b0:4004:802::2004:http"
    name = f"2600:1f18:262c:6542:9aa6:df7a:9a47:d29e:37140->{end}"
    assert text == f"{name} http <6t>{name}\n"


# What sysdig 0.41.4 and libs 0.25-dev both print, with a star before the template.
FIELDS = [
    ("mix", 91, "%fd.dev.major %fd.dev.minor %fd.nameraw", "254 0 /etc/ld.so.cache"),
    ("mix", 94, "%evt.category %evt.buflen %evt.io_dir", "file 0 <NA>"),
    ("mix", 151, "%evt.res %evt.rawres %evt.failed %evt.count.error", "SUCCESS 0 false 0"),
    ("mix", 277, "%fd.typechar|%fd.nameraw|%fs.path.name",
     "f|/usr/lib/locale/locale-archive|/usr/lib/locale/locale-archive"),
    ("mix", 1, "[%proc.env[PATH]]%thread.cgroup.blkio", "[]/"),
    ("mix", 2045, "%evt.category", "unknown"),
    ("mix", 3230, "%fs.path.source %fs.path.sourceraw %fs.path.target %fs.path.targetraw",
     "/tmp/work/w1/ln ln /tmp/work/w1/nowhere nowhere"),
    ("mix", 3276, "%evt.category", "wait"),
    ("mix", 3549, "[%fd.cproto]%evt.category", "[]net"),
    ("mix", 7946, "%evt.io_dir", "write"),
    ("shell", 683, "%fd.name|%fd.directory|%evt.count.error.net", "NULL|/|1"),
    ("shell", 947, "[%proc.exeline][%proc.args[0]][%proc.env[NOPE]]", "[sort ][][]"),
    ("shell", 1140, "%evt.is_open_create", "false"),
    ("shell", 12976, "%evt.abspath", "/usr/lib/x86_64-linux-gnu/libgcc_s.so.1"),
    ("curl_google", 635, "%fd.typechar", "o"),
]  # fmt: skip


@pytest.mark.parametrize(("capture", "number", "template", "line"), FIELDS)
def test_fields_are_those_of_the_peers(capture, number, template, line):
    file = capture + (".scap" if capture == "curl_google" else "-schema-4.1.scap.gz")
    assert run("-p", f"*{template}", f"evt.num={number}", capture=file) == line + "\n"
