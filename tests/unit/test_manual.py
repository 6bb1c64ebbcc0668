"""What is written from the option registry is fresh, and the man page has no mistake."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pyscap.errors import EXIT_CODES
from pyscap.options import OPTIONS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "man" / "pyscap.8"


def test_written_files_are_fresh():
    done = subprocess.run(
        [sys.executable, "tools/manual.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def rendered():
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    return subprocess.run(
        ["mandoc", "-T", "utf8", "-O", "width=100", str(PAGE)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.replace("\b", "")


def test_page_has_no_warning():
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    done = subprocess.run(["mandoc", "-T", "lint", str(PAGE)], capture_output=True, text=True)
    assert done.stdout == ""


def test_page_has_every_option_and_exit_code():
    text = PAGE.read_text().replace("\\-", "-")
    for option in OPTIONS:
        for spelling in option.spellings:
            assert f"\\fB{spelling}\\fR" in text
    for code, _ in EXIT_CODES:
        assert f"\n\\fB{int(code)}\\fR\n" in text


def test_page_shows_backslashes_and_quotes_as_they_are_typed():
    plain = re.sub(r".\x08", "", rendered())
    assert "\\S+" in plain
    assert "'fd.port in (80, 443)" in plain
