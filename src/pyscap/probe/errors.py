"""What can keep a capture from starting: one cause, one thing to do.

In:  nothing. Out: `ProbeError` and its kinds. Next: `cli` prints cause and hint.
"""

from __future__ import annotations

from pyscap.errors import CaptureError


class ProbeError(CaptureError):
    """A capture cannot start or go on."""


class ProbeUnavailable(ProbeError):
    """The kernel or the installation lacks something that capture needs."""


class ProbeDenied(ProbeError):
    """The right to capture is missing."""


class ProbeRejected(ProbeError):
    """The compiler or the kernel's verifier refused the program; the log is in a file."""
