"""What can keep a capture from starting: one cause, one thing to do.

In:  nothing. Out: `ProbeError` and its kinds. Next: the command line gives each kind its exit code.
"""

from __future__ import annotations


class ProbeError(Exception):
    """A capture cannot start or go on."""

    def __init__(self, cause: str, hint: str = "") -> None:
        """Keep both sentences; `str()` is the cause."""
        super().__init__(cause)
        self.cause = cause
        """What happened, one sentence."""
        self.hint = hint
        """What to do, one sentence, or nothing."""


class ProbeUnavailable(ProbeError):
    """The kernel or the installation lacks something that capture needs."""


class ProbeDenied(ProbeError):
    """The right to capture is missing."""


class ProbeRejected(ProbeError):
    """The compiler or the kernel's verifier refused the program; the log is in a file."""
