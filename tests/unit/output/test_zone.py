import time
from bisect import bisect_right

import pytest

from pyscap.output.zone import local_zone


@pytest.fixture
def zone_of(monkeypatch):
    def zone(name):
        monkeypatch.setenv("TZ", name)
        time.tzset()
        return local_zone()

    yield zone
    monkeypatch.undo()
    time.tzset()


def offset_at(rows, epoch_s):
    return rows[bisect_right([start for start, _ in rows], epoch_s) - 1][1]


def test_utc_needs_no_rows(zone_of):
    assert zone_of("UTC") == []


@pytest.mark.parametrize(
    "name", ["CET-1CEST,M3.5.0,M10.5.0/3", "Europe/Berlin", "America/St_Johns", "Africa/Casablanca"]
)
def test_every_sampled_hour_has_the_offset_of_the_system(zone_of, name):
    rows = zone_of(name)
    for epoch_s in range(1_500_000_000, 1_700_000_000, 6 * 3600 + 17):
        assert offset_at(rows, epoch_s) == time.localtime(epoch_s).tm_gmtoff


def test_changes_are_exact_to_the_second(zone_of):
    rows = zone_of("CET-1CEST,M3.5.0,M10.5.0/3")
    # 2018-03-25 and 2018-10-28, each at 01:00 UTC.
    assert (1_521_939_600, 7200) in rows
    assert (1_540_688_400, 3600) in rows
