"""The extension: the engine behind its one door."""

from collections.abc import Sequence

__all__ = ["EngineError", "Session", "__version__", "vocabulary"]

__version__: str

class EngineError(Exception):
    """What ended the work: `args` is (kind, text, offset or errno or None).

    Kinds: `plan`, `not_a_capture`, `truncated`, `damaged`, `io`, `internal`.
    """

class Session:
    """A plan at work."""

    def __new__(cls, plan: str) -> Session:
        """Check `plan` (JSON text); raises EngineError of kind `plan` or `io`."""
    def add_fd(self, fd: int) -> None:
        """Read a capture from descriptor `fd`, which is duplicated; raises EngineError."""
    def add_merged(self, fds: Sequence[int]) -> None:
        """Read the captures behind `fds` as one, merged by time; raises EngineError."""
    def add_bytes(self, data: bytes) -> None:
        """Read a capture from memory; raises EngineError."""
    def add_rings(self, fds: Sequence[int], ring_bytes: int, offset_ns: int) -> None:
        """Read the kernel's ring buffers behind `fds`, merged by time; Linux only.

        `offset_ns` is what the kernel side adds to the time since boot. Raises EngineError.
        """
    def run(self, slice_ms: int) -> str:
        """Work for about `slice_ms` milliseconds; "more" or "done".

        Raises EngineError; what was complete has been delivered.
        """
    def inject(self, data: bytes) -> None:
        """Take the blocks in `data` now, as if a source had delivered them."""
    def new_containers(self) -> list[tuple[str, str]]:
        """Complete ids and runtimes of containers met since the last call, names unknown."""
    def stop(self) -> None:
        """Ask live sources to deliver what is buffered and end."""
    def walk(self) -> None:
        """Send the state as it stands through the plan's walk, if it has one."""
    def is_full(self) -> bool:
        """Whether the output needs its next file, or its result taken."""
    def next_file(self, fd: int, summary: str | None = None) -> None:
        """Complete the capture file that is written and go on in descriptor `fd`."""
    def result(self, reset: bool = False) -> str | None:
        """What the output has collected, as JSON text; None when it is one that does not.

        Args:
            reset: Begin anew afterwards.
        """
    def finish(self, summary: str | None = None) -> None:
        """Complete the output; raises EngineError.

        Args:
            summary: What a capture file says of itself, JSON text.
        """
    def stats(self) -> dict[str, int | tuple[int, str] | list[str] | None]:
        """Counts so far, by name."""

def vocabulary() -> dict[str, list[str]]:
    """The words that a plan may use, by what they are, e.g. `filter.cmp`."""
