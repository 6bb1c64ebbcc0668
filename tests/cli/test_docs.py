"""Every command that the documents show with its output prints that output.

Blocks marked `console` hold commands after `$` and what they print; they run among the captures of
tests/captures. `make golden` writes what they print now.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ("README.md", "docs/tutorial.md")
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
REWRITE = bool(os.environ.get("PYSCAP_REWRITE_GOLDEN"))


def commands(block):
    return [line[2:] for line in block.splitlines() if line.startswith("$ ")]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_shown_output_is_real(name, env):
    path = ROOT / name
    text = path.read_text()

    def ran(found):
        shown = ""
        for command in commands(found[1]):
            done = subprocess.run(
                ["bash", "-o", "pipefail", "-c", command],
                cwd=ROOT / "tests" / "captures",
                env=env,
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert (done.returncode, done.stderr) == (0, ""), command
            shown += f"$ {command}\n{done.stdout}"
        return f"```console\n{shown}```"

    assert len(BLOCK.findall(text)) > 2
    real = BLOCK.sub(ran, text)
    if REWRITE:
        path.write_text(real)
    assert real == path.read_text()
