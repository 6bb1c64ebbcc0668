"""From C to instructions, through bcc, in a process of its own; results are kept.

In:  C source and flags. Out: `Bundle`: instructions of each program and the maps they name.
Next: `probe/loader.py`. The child process runs `answer`: LLVM needs much memory and may end its
process on bad input, neither of which a capture should suffer from.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from pyscap.probe.errors import ProbeRejected, ProbeUnavailable

HEADERS = Path(__file__).parent / "programs" / "kernel"
CACHE = Path("/var/cache/pyscap")
CACHE_FORMAT = 1
CACHE_LIMIT = 64 << 20
COMPILE_SECONDS = 120
BPF_PSEUDO_MAP_FD = 1
LD_IMM64 = 0x18
CHILD = """
import sys
sys.path.insert(0, sys.argv[1])
from pyscap.probe.compiler import answer
answer()
"""
"""The child's program; its own folder is not in its search path."""


@dataclass(frozen=True)
class MapShape:
    """What a map must be made like."""

    name: str
    kind: int
    key_size: int
    value_size: int
    entries: int
    flags: int


@dataclass(frozen=True)
class Bundle:
    """A compiled object."""

    maps: tuple[MapShape, ...]
    programs: dict[str, bytes]
    """Instructions by function; a reference to a map holds its position in `maps`."""

    def to_json(self) -> str:
        """Text that `from_json` reads."""
        return json.dumps(
            {
                "format": CACHE_FORMAT,
                "maps": [asdict(shape) for shape in self.maps],
                "programs": {n: base64.b64encode(c).decode() for n, c in self.programs.items()},
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Bundle:
        """Read a bundle; raises ValueError, KeyError or TypeError when it is not one."""
        raw = json.loads(text)
        if raw["format"] != CACHE_FORMAT:
            msg = "another format"
            raise ValueError(msg)
        programs = {n: base64.b64decode(c, validate=True) for n, c in raw["programs"].items()}
        return cls(tuple(MapShape(**shape) for shape in raw["maps"]), programs)


@dataclass(frozen=True)
class Bcc:
    """Where bcc is."""

    folder: Path
    """The folder to put into the search path."""
    version: str


def _bcc_at(folder: Path) -> Bcc | None:
    init = folder / "bcc" / "__init__.py"
    if not (folder / "bcc" / "libbcc.py").is_file() or not init.is_file():
        return None
    version_file = folder / "bcc" / "version.py"
    text = version_file.read_text(errors="replace") if version_file.is_file() else ""
    version = text.split("=", 1)[1].strip().strip("'\"\n") if "=" in text else "unknown"
    return Bcc(folder, version)


def _is_here(folder: Path) -> bool:
    """Whether it is the working folder, from which nothing is taken; that may be gone."""
    try:
        return folder.samefile(".")
    except OSError:
        return False


def _candidate_folders() -> list[Path]:
    own = [Path(entry) for entry in sys.path if Path(entry).is_absolute()]
    own = [folder for folder in own if not _is_here(folder)]
    found = [
        *Path("/usr/lib/python3").glob("dist-packages"),
        *Path("/usr/lib").glob("python3*/dist-packages"),
    ]
    found += [
        *Path("/usr/lib").glob("python3*/site-packages"),
        *Path("/usr/lib64").glob("python3*/site-packages"),
    ]
    return own + sorted(found)


def find_bcc() -> Bcc:
    """The BPF Compiler Collection's Python package, wherever the distribution put it.

    Raises:
        ProbeUnavailable: it is not installed; the hint says when the package of that name from
            PyPI, which has nothing to do with BPF, stands in its place.
    """
    for folder in _candidate_folders():
        found = _bcc_at(folder)
        if found:
            return found
    spec = importlib.util.find_spec("bcc")
    if spec is not None:
        msg = "the installed Python package `bcc` is not the BPF Compiler Collection"
        raise ProbeUnavailable(
            msg,
            "that is an unrelated package; install python3-bpfcc (Fedora: python3-bcc)",
        )
    msg = "bcc, the BPF Compiler Collection, is not installed"
    raise ProbeUnavailable(
        msg,
        "install it: apt install python3-bpfcc (Debian, Ubuntu), dnf install python3-bcc (Fedora)",
    )


def kernel_build() -> str:
    """A text that differs between kernels."""
    uname = os.uname()
    return f"{uname.release} {uname.version} {uname.machine}"


def cache_key(source: str, flags: tuple[str, ...], bcc: Bcc) -> str:
    """Name of a stored bundle: everything that decides what the compiler makes."""
    parts = (str(CACHE_FORMAT), kernel_build(), bcc.version, *flags, source)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _cache_folder() -> Path | None:
    """The folder of stored bundles, when it is root's alone and we are root."""
    if os.geteuid() != 0:
        return None
    try:
        CACHE.mkdir(mode=0o700, parents=False, exist_ok=True)
        state = CACHE.lstat()
    except OSError:
        return None
    safe = state.st_uid == 0 and not state.st_mode & 0o077 and not CACHE.is_symlink()
    return CACHE if safe else None


def _cache_read(folder: Path, key: str) -> Bundle | None:
    try:
        return Bundle.from_json((folder / f"{key}.json").read_text())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _cache_write(folder: Path, key: str, bundle: Bundle) -> None:
    """Store a bundle; a full disk is no reason to fail."""
    try:
        stored = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime)
        while stored and sum(file.stat().st_size for file in stored) > CACHE_LIMIT:
            stored.pop(0).unlink()
        draft = folder / f"{key}.{os.getpid()}.draft"
        draft.write_text(bundle.to_json())
        draft.replace(folder / f"{key}.json")
    except OSError:
        return


def compile_program(
    source: str, flags: tuple[str, ...], *, larger: str | None = None, use_cache: bool = True
) -> Bundle:
    """Compile, or fetch what was compiled before.

    Args:
        source: C for bcc.
        flags: compiler flags.
        larger: a source that has everything `source` has; its result is taken when it is stored.
        use_cache: look for, and keep, the result in `/var/cache/pyscap`.

    Raises:
        ProbeUnavailable: bcc is missing.
        ProbeRejected: the compiler refused; its words are in a file.
    """
    bcc = find_bcc()
    folder = _cache_folder() if use_cache else None
    if folder is None:
        return _compile_in_child(source, flags, bcc)
    keys = [cache_key(text, flags, bcc) for text in (larger, source) if text is not None]
    stored = next(filter(None, (_cache_read(folder, key) for key in keys)), None)
    if stored is not None:
        return stored
    bundle = _compile_in_child(source, flags, bcc)
    _cache_write(folder, keys[-1], bundle)
    return bundle


def keep_log(text: str, name: str) -> Path:
    """Put a long log where the user finds it; only they can read it."""
    handle, path = tempfile.mkstemp(prefix=f"pyscap-{name}-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return Path(path)


def _compile_in_child(source: str, flags: tuple[str, ...], bcc: Bcc) -> Bundle:
    request = {"bcc": str(bcc.folder), "source": source, "flags": list(flags)}
    done = _run_child(json.dumps(request).encode())
    try:
        done.check_returncode()
        return Bundle.from_json(done.stdout.decode())
    except (subprocess.CalledProcessError, ValueError, KeyError, TypeError) as error:
        log = keep_log(done.stderr.decode("utf-8", "replace"), "compile")
        msg = "the kernel program could not be compiled"
        raise ProbeRejected(msg, f"the compiler's words are in {log}") from error


def _run_child(request: bytes) -> subprocess.CompletedProcess[bytes]:
    """The child's answer to a request; raises ProbeRejected when it takes too long."""
    with tempfile.TemporaryDirectory(prefix="pyscap-") as private:
        try:
            return subprocess.run(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-I", "-c", CHILD, str(Path(__file__).parents[2])],
                input=request,
                capture_output=True,
                cwd=private,
                env={
                    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                    "TMPDIR": private,
                    "BCC_KERNEL_SOURCE": str(HEADERS),
                },
                timeout=COMPILE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            msg = f"compiling the kernel program took more than {COMPILE_SECONDS} seconds"
            raise ProbeRejected(msg, "try again when the machine has less to do") from error


# ---- in the child ------------------------------------------------------------------------------


def _table_names(lib: Any, module: Any) -> dict[int, str]:  # noqa: ANN401 - bcc is untyped
    import ctypes

    lib.bpf_num_tables.restype = ctypes.c_size_t
    lib.bpf_num_tables.argtypes = [ctypes.c_void_p]
    lib.bpf_table_name.restype = ctypes.c_char_p
    lib.bpf_table_name.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    names = (lib.bpf_table_name(module, n) for n in range(lib.bpf_num_tables(module)))
    return {lib.bpf_table_fd(module, name): name.decode() for name in names}


def _position_maps(code: bytes, positions: dict[int, int]) -> bytes:
    """Replace the child's map descriptors by positions in the list of maps."""
    patched = bytearray(code)
    for at in range(0, len(code), 8):
        if code[at] == LD_IMM64 and code[at + 1] >> 4 == BPF_PSEUDO_MAP_FD:
            fd = int.from_bytes(code[at + 4 : at + 8], "little")
            patched[at + 4 : at + 8] = positions[fd].to_bytes(4, "little")
    return bytes(patched)


def compile_request(request: dict[str, Any]) -> Bundle:
    """What the child does: compile with bcc and take the object apart."""
    from pyscap.probe.bpf import map_info

    sys.path.insert(0, request["bcc"])  # before any other package of that name
    from bcc import BPF, lib

    module = BPF(text=request["source"], cflags=request["flags"])
    names = _table_names(lib, module.module)
    positions = {fd: n for n, fd in enumerate(names)}
    functions = [
        lib.bpf_function_name(module.module, n).decode()
        for n in range(lib.bpf_num_functions(module.module))
    ]
    programs = {
        name: _position_maps(cast(bytes, module.dump_func(name)), positions) for name in functions
    }
    return Bundle(tuple(MapShape(name, *map_info(fd)) for fd, name in names.items()), programs)


def answer() -> None:
    """Read a request, write the bundle."""
    sys.stdout.write(compile_request(json.load(sys.stdin)).to_json())
