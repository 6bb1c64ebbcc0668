"""`pyscap info` and `pyscap merge`, on the small capture that ships with the project."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from pyscap.errors import ExitCode
from pyscap.format.info import capture_info
from pyscap.output import files

DEMO = Path(__file__).parents[2] / "captures" / "demo.scap"


def run(command, *args: str):
    return CliRunner().invoke(command, [str(a) for a in args], standalone_mode=False)


def test_info_says_host_time_and_events():
    result = run(files.info, DEMO)
    assert result.return_value == ExitCode.OK
    lines = dict(line.split(maxsplit=1) for line in result.output.splitlines()[:9])
    found = capture_info(str(DEMO))
    assert lines["file"] == str(DEMO)
    assert found.sections[0].hostname in lines["host"]
    assert "events by type:" in result.output
    assert f"duration    {found.duration_ns / 1e9:.9f} s" in result.output


def test_info_as_json_is_data():
    found = json.loads(run(files.info, DEMO, "--json").output)
    assert found["events"] == sum(found["by_type"].values())
    assert found["duration_ns"] == found["end_ns"] - found["start_ns"]


def test_info_of_a_cut_file_tells_the_place(tmp_path):
    cut = tmp_path / "cut.scap"
    cut.write_bytes(DEMO.read_bytes()[:-5])
    result = run(files.info, cut)
    assert result.return_value == ExitCode.INPUT
    assert "damage      at byte" in result.output


def test_merge_joins_by_time_and_keeps_every_event(tmp_path):
    out = tmp_path / "out.scap"
    assert run(files.merge, DEMO, DEMO, "-w", out).return_value == ExitCode.OK
    assert capture_info(str(out)).events == 2 * capture_info(str(DEMO)).events


def test_moment_has_nanoseconds():
    assert files.moment(1_534_527_348_514_632_619) == "2018-08-17 17:35:48.514632619 UTC"
    assert files.moment(None) == "-"
