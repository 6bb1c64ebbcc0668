"""Several captures as one file, in the order of time.

In:  names of captures, and of packet captures in pcapng. Out: one capture file. Next: any reader.
Source: the engine's `source::merged`. mergecap drops the tables of all; here they are kept, and
the threads of another machine get numbers of their own.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from pyscap._engine import Session
from pyscap.format import save
from pyscap.plan import Options, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_SLICE_MS = 200


def merge(
    names: Sequence[str],
    output: str,
    *,
    gzip: bool = False,
    overwrite: bool = False,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Mapping[str, object]:
    """Write all events and packets of `names` to `output`, by time.

    Captures of the same machine (their machine blocks are equal) share their tables. Threads of
    the second machine are numbered 10000000 higher, those of the third 20000000, and so on.

    Args:
        names: captures; gzip and zstd are recognised.
        output: the new file, or `-` for standard output.
        gzip: compress it, whatever its name.
        overwrite: replace a file that exists.
        is_stopped: asked between slices of work; the file is complete up to there.

    Returns:
        The engine's counts.

    Raises:
        OSError: an input cannot be opened.
        OutputError: the output exists or cannot be made.
        EngineError: an input is no capture, or one is cut; everything else is written.
    """
    kind = save.compression(output, gzip=gzip)
    with ExitStack() as stack:
        files = [stack.enter_context(Path(name).open("rb")) for name in names]
        fd = stack.enter_context(save.output_file(output, overwrite=overwrite))
        row = save.output_row(fd, compression=kind, others="copy", options=save.section_options())
        engine = Session(Plan(output=row, options=Options(internal=True)).to_json())
        engine.add_merged([file.fileno() for file in files])
        try:
            while not is_stopped() and engine.run(_SLICE_MS) != "done":
                pass
        finally:
            engine.finish(save.summary(engine.stats(), merged=len(names)))
        return engine.stats()
