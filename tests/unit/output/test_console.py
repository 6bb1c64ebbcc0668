import errno

import pytest

from pyscap.errors import is_broken_pipe
from pyscap.output.console import Console


class Gone:
    """A pipe that nobody reads."""

    def write(self, text):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    def flush(self):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


def test_a_reader_that_goes_away_is_an_error_like_any_other():
    with pytest.raises(BrokenPipeError) as caught:
        Console(file=Gone()).print("x")
    assert is_broken_pipe(caught.value)
