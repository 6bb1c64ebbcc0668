"""Write man/pyscap.8 and the option table of docs/compare.md from what is declared.

In:  man/pyscap.txt (prose), `pyscap.options`, `pyscap.errors`. Out: the two files; with `--check`
only whether they are what would be written (exit code 1 when not).

The prose is plain text. `# ` begins a section, `## ` a subsection, blank lines part paragraphs,
indented lines are examples, `* term -- text` is an entry of a list, and `backticks` mark what is
typed. A line such as `{options}` is replaced by what the code declares.
"""

import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from pyscap.errors import EXIT_CODES
from pyscap.options import CATEGORIES, COMMANDS, OPTIONS, RETIRED, OptionSpec

ROOT = Path(__file__).resolve().parent.parent
PROSE = ROOT / "man" / "pyscap.txt"
PAGE = ROOT / "man" / "pyscap.8"
COMPARE = ROOT / "docs" / "compare.md"
DATE = "2026-11-23"
"""When the prose changed last; a man page must have a date."""
MARKS = ("<!-- options: written by `make man` -->", "<!-- end of options -->")


def main() -> int:
    wanted = {PAGE: man_page(PROSE.read_text()), COMPARE: compare(COMPARE.read_text())}
    stale = [path for path, text in wanted.items() if not same(path, text)]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not fresh: run `make man`", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        path.write_text(wanted[path])
    return 0


def same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


# --- the man page ---------------------------------------------------------------------------


def man_page(prose: str) -> str:
    """The page as roff, in the macros of man(7)."""
    lines = [f'.TH PYSCAP 8 {DATE} pyscap "System Administration"', ".nh", ".ad l"]
    for block in re.split(r"\n{2,}", prose.strip("\n")):
        insert = INSERTS.get(block.strip())
        made = list(insert() if insert else roff_block(block))
        after_heading = lines[-1].startswith((".SH", ".SS"))
        lines += made[1:] if after_heading and made[0] == ".PP" else made
    return "\n".join(lines) + "\n"


def roff_block(block: str) -> Iterator[str]:
    """One block of the prose, which blank lines part from the others."""
    heading, _, rest = block.partition("\n")
    if heading.startswith("## "):
        yield f".SS {escape(heading[3:])}"
    elif heading.startswith("# "):
        yield f".SH {escape(heading[2:])}"
    elif block.startswith("    "):
        yield from example(block)
        return
    elif block.startswith("* "):
        for entry in re.split(r"\n\* ", block[2:]):
            term, _, text = entry.partition(" -- ")
            yield from item(f"`{term}`" if "`" not in term else term, text)
        return
    else:
        rest = block
        yield ".PP"
    if rest:
        yield text_line(rest)


def example(block: str) -> list[str]:
    return [".PP", ".RS 4", ".nf", *(escape(line[4:]) for line in block.splitlines()), ".fi", ".RE"]


def item(term: str, text: str) -> list[str]:
    return [".TP", text_line(term), text_line(text)]


def text_line(text: str) -> str:
    """Words of a paragraph in lines of their own, `backticks` in bold."""
    joined = re.sub(r"\s+", " ", text).strip()
    parts = re.split(r"`([^`]+)`", joined)
    text = "".join(f"\\fB{escape(p)}\\fR" if i % 2 else escape(p) for i, p in enumerate(parts))
    lines = textwrap.wrap(text, 78, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"\\&{line}" if line[0] in ".'" else line for line in lines)


def escape(text: str) -> str:
    """Text that roff shows as it is."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti").replace("^", "\\(ha")
    return re.sub(r"^([.'])", r"\\&\1", text).replace("'", "\\(aq")


def options() -> Iterator[str]:
    for category in CATEGORIES:
        yield f".SS {escape(category)}"
        for spec in OPTIONS:
            if spec.category == category:
                yield from option(spec)


def option(spec: OptionSpec) -> Iterator[str]:
    value = f" \\fI{escape(spec.metavar)}\\fR" if spec.metavar else ""
    yield ".TP"
    yield ", ".join(f"\\fB{escape(word)}\\fR{value}" for word in spec.spellings)
    first, *rest = spec.doc_long.split("\n\n")
    yield text_line(first)
    for block in rest:
        if block.startswith("    "):
            lines = (escape(line[4:]) for line in block.splitlines())
            yield from (".IP", ".nf", *lines, ".fi")
        else:
            yield from (".IP", text_line(block))


def commands() -> Iterator[str]:
    for spec in COMMANDS:
        yield from item(
            f"`pyscap {spec.name}`", f"{spec.doc_short[0].upper()}{spec.doc_short[1:]}."
        )


def exit_codes() -> Iterator[str]:
    for code, text in EXIT_CODES:
        yield from item(f"`{int(code)}`", text)


INSERTS = {"{options}": options, "{commands}": commands, "{exit codes}": exit_codes}


# --- the table of docs/compare.md -----------------------------------------------------------


def compare(text: str) -> str:
    """The document with its option table written anew."""
    head, _, rest = text.partition(MARKS[0])
    _, _, tail = rest.partition(MARKS[1])
    return f"{head}{MARKS[0]}\n{chr(10).join(option_rows())}\n{MARKS[1]}{tail}"


def option_rows() -> Iterator[str]:
    yield "| sysdig | pyscap | difference |"
    yield "|---|---|---|"
    for spec in OPTIONS:
        if spec.sysdig:
            theirs, _, difference = spec.sysdig.partition(": ")
            yield row(code(theirs), code(", ".join(spec.spellings)), difference or "the same")
    for name, instead in RETIRED.items():
        yield row(code(name), "none", instead)


def code(words: str) -> str:
    return ", ".join(f"`{word}`" for word in words.split(", "))


def row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    sys.exit(main())
