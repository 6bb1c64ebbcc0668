"""Signal names are those of this machine."""

from __future__ import annotations

import signal
import sys

import pytest

from pyscap.model.symbols.signals import SIGNALS


@pytest.mark.skipif(sys.platform != "linux", reason="other systems number signals otherwise")
def test_names_are_those_of_linux():
    for name, number in SIGNALS:
        if hasattr(signal, name):  # SIGSTKFLT is not before Python 3.11
            assert getattr(signal, name) == number


def test_every_number_below_the_real_time_signals_has_a_name():
    assert [number for _, number in SIGNALS] == list(range(1, 32))
