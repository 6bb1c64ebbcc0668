"""Show the main line once: capture, save, read back, filter, print.

In:  a built pyscap. Out: lines on the terminal; a capture in a temporary directory. Without the
right to capture it says why and reads the capture that is kept for the tests.
"""

import shlex
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYSCAP = Path(sys.executable).with_name("pyscap")
SHIPPED = ROOT / "tests" / "captures" / "demo.scap"
SECONDS = 5
CANNOT_CAPTURE = 3
SHOWN = 15
FILTER = "fd.name contains notes.txt or (proc.name = cat and evt.arg.name = /nope)"


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="pyscap-demo-") as place:
        captured = Path(place) / "demo.scap"
        stop = threading.Event()
        work = threading.Thread(target=workload, args=(Path(place), stop))
        work.start()
        try:
            code = show(PYSCAP, "-M", str(SECONDS), "-w", captured)
        finally:
            stop.set()
            work.join()
        if code == CANNOT_CAPTURE:
            print(
                f"\nThis machine cannot be captured; reading {SHIPPED.name}, which ships, instead."
            )
            captured = SHIPPED
        elif code:
            return code
        return read_back(captured)


def read_back(captured: Path) -> int:
    """Show some lines of the capture through a filter, and which files were opened at all."""
    print()
    code = show(PYSCAP, "-r", captured, "-n", str(SHOWN), FILTER)
    print()
    opened = "proc.name = rm and evt.type = openat and evt.failed = false"
    return code or show(
        PYSCAP, "-r", captured, "-n", "5", "-p", "%proc.name opens %fd.name", opened
    )


def workload(place: Path, stop: threading.Event) -> None:
    """Make something worth seeing, again and again, until `stop` is set."""
    notes = place / "notes.txt"
    script = f"echo hello > {notes}; cat {notes} /nope; rm {notes}"
    while not stop.is_set():
        subprocess.run(["sh", "-c", script], capture_output=True, check=False)
        time.sleep(0.2)


def show(*words: object) -> int:
    """Run a command, printed first as a person would type it."""
    typed = [str(word) for word in words]
    print(f"$ {shlex.join(['pyscap', *typed[1:]])}", flush=True)
    return subprocess.run(typed, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
