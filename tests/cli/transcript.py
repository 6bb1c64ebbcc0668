"""Transcripts: commands and what they print, in one readable file.

    # What this shows, in words.
    $ pyscap -r small.scap -n 1
      a line of standard output
    ! a line of standard error
    ? 1

A command ends where the next begins; blank lines outside of output are free. `?` is the exit code
when it is not 0. Output that does not end in a line feed ends in `  \\` alone on a line.
"""

from dataclasses import dataclass
from pathlib import Path

NO_NEWLINE = "  \\"


@dataclass(frozen=True)
class Step:
    """One command with its comment and what it printed."""

    comment: tuple[str, ...]
    command: str
    out: str = ""
    err: str = ""
    code: int = 0

    def __str__(self):
        """The step as it stands in the file."""
        lines = [*self.comment, f"$ {self.command}"]
        lines += [f"  {line}" for line in self.out.split("\n")[:-1]]
        rest = self.out.rpartition("\n")[2]
        lines += [f"  {rest}", NO_NEWLINE] if rest else []
        lines += [f"! {line}" for line in self.err.splitlines()]
        lines += [f"? {self.code}"] if self.code else []
        return "\n".join(lines) + "\n"


def read(path: Path) -> list[Step]:
    """The steps of a transcript."""
    steps, comment = [], []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("$ "):
            steps.append({"comment": tuple(comment), "command": line[2:]})
            comment = []
        elif line.startswith("#"):
            comment.append(line)
        elif line == NO_NEWLINE:
            steps[-1]["out"] = steps[-1]["out"][:-1]
        elif line.startswith("  "):
            steps[-1]["out"] = steps[-1].get("out", "") + line[2:] + "\n"
        elif line.startswith("!"):
            steps[-1]["err"] = steps[-1].get("err", "") + line[2:] + "\n"
        elif line.startswith("? "):
            steps[-1]["code"] = int(line[2:])
        elif line:
            msg = f"{path}:{number}: {line!r} is no line of a transcript"
            raise ValueError(msg)
    return [Step(**step) for step in steps]


def write(path: Path, steps: list[Step]) -> None:
    """Replace a transcript."""
    path.write_text("\n".join(map(str, steps)))
