"""Check that every module has its own unit tests.

In:  src/pyscap, tests/unit. Out: the modules without `tests/unit/<area>/test_<module>.py`, and the
exemptions that are no longer needed; exit code 1 when there are any.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "pyscap"
TESTS = ROOT / "tests" / "unit"

EXEMPT = {
    "filterlang/ast.py": "plain data; its text form is tested with the parser",
    "filterlang/typed.py": "plain data",
    "format/layout_rows.py": "a table; checked with layouts",
    "format/rows.py": "a table; checked with layouts",
    "model/catalogue.py": "a table; checked with fields",
    "model/containers.py": "a table; checked with state/test_play_containers.py",
    "model/conversions.py": "a table; checked with events",
    "model/native_flags.py": "a table; checked with probe/generate",
    "model/specs.py": "plain data",
    "model/symbols/capabilities.py": "a table; checked with events",
    "model/symbols/tables.py": "a table; checked with events",
    "model/syscall_params.py": "a table; checked with probe/generate",
    "probe/pushdown.py": "plain data; made in filterlang/push, used in probe/loader",
}
"""Modules that need no test file of their own, with the reason."""


def missing() -> list[str]:
    """Modules without a test file, exempt ones left out."""
    return [name for name in modules() if name not in EXEMPT and not has_test(name)]


def needless() -> list[str]:
    """Exemptions of modules that are gone, or that do have a test file."""
    known = set(modules())
    return [name for name in EXEMPT if name not in known or has_test(name)]


def modules() -> list[str]:
    paths = (path.relative_to(SOURCE) for path in SOURCE.rglob("*.py"))
    return sorted(str(path) for path in paths if path.name != "__init__.py")


def has_test(name: str) -> bool:
    path = Path(name)
    return (TESTS / path.parent / f"test_{path.name}").exists()


def main() -> int:
    for name in missing():
        print(f"src/pyscap/{name} has no unit tests of its own", file=sys.stderr)
    for name in needless():
        print(f"tools/mirror.py: {name} needs no exemption", file=sys.stderr)
    return 1 if missing() or needless() else 0


if __name__ == "__main__":
    sys.exit(main())
