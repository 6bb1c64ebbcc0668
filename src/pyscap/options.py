"""Every option of the command, declared once.

In:  nothing. Out: `OPTIONS`, `COMMANDS`, `RETIRED`. Next: `cli` makes the Click command of them,
`manual` the man page and the table of docs/compare.md; completion follows from Click.

The long texts are plain text: paragraphs apart by blank lines, indented lines are examples, and
`backticks` mark what is typed. docs/howto-add-a-option.md says how to add one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyscap.units import (
    parse_count,
    parse_duration_ns,
    parse_keep,
    parse_recorder,
    parse_size,
    parse_snaplen,
)

CATEGORIES = (
    "Input",
    "Choosing events",
    "Output",
    "Buffers",
    "Writing",
    "Privacy",
    "Views",
    "Lists and help",
)
"""Headings of `--help` and of the man page, in order."""


@dataclass(frozen=True, slots=True)
class OptionSpec:
    """One option."""

    name: str
    """Long name without dashes; with `_` for `-` the key of its value."""
    short: str
    """Its letter, or nothing."""
    metavar: str
    """What its value is called; empty for a flag."""
    category: str
    """One of `CATEGORIES`."""
    doc_short: str
    """One line for `--help`: a lower-case phrase without a full stop."""
    doc_long: str
    """What the man page says, sentences in plain text."""
    sysdig: str = ""
    """sysdig's spelling, and after a colon how it differs there; empty: sysdig has no such option.

    Source: observed: sysdig 0.41.4.
    """
    parse: Callable[[str], Any] = str
    """Text -> value; raises ValueError with a sentence."""
    choices: tuple[str, ...] = ()
    """The only values, when there are few."""
    repeat: bool = False
    """May be given several times; otherwise the last one counts."""
    also: tuple[str, ...] = ()
    """Other spellings that are understood and not listed."""
    names: str = ""
    """For completion, `module:function` that gives the names its value may be."""

    @property
    def key(self) -> str:
        """Name of its value in a `Request`."""
        return self.name.replace("-", "_")

    @property
    def is_flag(self) -> bool:
        """Whether it takes no value."""
        return not self.metavar

    @property
    def spellings(self) -> tuple[str, ...]:
        """Every way to write it that help shows, the short one first."""
        return (f"-{self.short}",) * bool(self.short) + (f"--{self.name}",)


def parse_megabytes(text: str) -> int:
    """Bytes; a bare number counts millions, as `-C` always has."""
    return parse_size(text, bare=1_000_000)


_O = OptionSpec

OPTIONS: tuple[OptionSpec, ...] = (
    # --- Input ------------------------------------------------------------------------------
    _O(
        "read",
        "r",
        "FILE",
        "Input",
        "read a capture file; - is standard input",
        "Reads events from a capture file of pyscap, sysdig, Falco or Stratoshark, plain or "
        "compressed with gzip or zstd. `-` is standard input. The option can be repeated: the "
        "files are read one after the other, each with a state and numbering of its own; "
        "`pyscap merge` makes one capture of several.",
        "-r, --read: - is not standard input there",
        repeat=True,
        also=("--readfile",),
    ),
    _O(
        "snaplen",
        "s",
        "BYTES",
        "Input",
        "bytes kept of each I/O buffer when capturing (80)",
        "How many bytes of the data that a call reads or writes are captured, 0 to 65000. The "
        "default is 80. A unit may follow (`4K`). Kinds of descriptors can have their own: "
        "`net=4096,file=128`; the kinds are `file`, `net`, `exec` (the environment of a new "
        "program) and `other`.",
        "-s, --snaplen: one length for everything",
        parse=parse_snaplen,
    ),
    _O(
        "buffer-size",
        "",
        "SIZE",
        "Input",
        "size of the ring buffer of each CPU (8M)",
        "The memory, for each CPU, that holds events until they are read. It is rounded up to a "
        "power of two. When events are dropped, a larger one helps against bursts.",
        "",
        parse=parse_size,
    ),
    _O(
        "latency",
        "",
        "",
        "Input",
        "measure how long each call takes",
        "Measures the time from entry to exit of every call. It is on by itself when a filter, a "
        "template or a view uses `evt.latency`; this option is for captures that will be asked "
        "later. A capture file without it has no latencies, and says so by `<NA>`; files of sysdig "
        "before 2025 have an event when a call begins, and their latencies are known.",
        "",
    ),
    _O(
        "follow",
        "",
        "PID",
        "Input",
        "capture only this process and everything it starts",
        "Captures the process and its descendants. They are followed by their creation in the "
        "kernel, so a child that outlives its parent stays in the capture.",
        "",
        parse=parse_count,
    ),
    _O(
        "page-faults",
        "",
        "",
        "Input",
        "capture page faults too",
        "Adds page faults to the events of a capture. There can be very many of them.",
        "--page-faults",
    ),
    _O(
        "switches",
        "",
        "",
        "Input",
        "capture every change of the running task too",
        "Adds an event each time a CPU changes to another task: there are very many of them. A "
        "filter for `evt.type=switch` adds them by itself.",
        "",
    ),
    _O(
        "include-self",
        "",
        "",
        "Input",
        "do not leave out pyscap's own events",
        "A capture leaves out what pyscap itself does; with this option it does not.",
        "",
    ),
    _O(
        "exclude-users",
        "E",
        "",
        "Input",
        "no user and group tables",
        "Neither reads nor uses lists of users and groups: their names become `<NA>`, "
        "root's excepted.",
        "-E, --exclude-users",
    ),
    _O(
        "suppress-comm",
        "U",
        "NAME",
        "Input",
        "leave out processes with this command name",
        "Leaves out every event of processes with this command name; they still count for the "
        "state. The option can be repeated.",
        "-U, --suppress-comm: their events do not change the state there",
        repeat=True,
    ),
    _O(
        "ready-fd",
        "",
        "N",
        "Input",
        "say on this descriptor when the capture runs",
        "Writes `ready` and a line feed to descriptor N when the first event can be seen, and "
        "closes it: for programs that start a capture and then what it is to capture.",
        "",
        parse=parse_count,
    ),
    # --- Choosing events --------------------------------------------------------------------
    _O(
        "numevents",
        "n",
        "N",
        "Choosing events",
        "stop after N events",
        "Stops after N events that were chosen by the filter and shown or written.",
        "-n, --numevents: hidden events count there, and a negative number means no limit",
        parse=parse_count,
    ),
    _O(
        "duration",
        "M",
        "TIME",
        "Choosing events",
        "stop after this many seconds",
        "Stops when events are this much later than the first: a number of seconds, or with a "
        "unit, as in `500ms`, `10s`, `2m`. A capture also stops when no event comes.",
        "-M: without a long name",
        parse=parse_duration_ns,
    ),
    _O(
        "displayflt",
        "d",
        "",
        "Choosing events",
        "accepted; the filter never limits what the state sees",
        "Accepted for sysdig's users. Here events always change the state before the filter "
        "looks at them, so names are right with any filter.",
        "-d, --displayflt: the filter there can leave out what the state needs",
    ),
    _O(
        "debug",
        "D",
        "",
        "Choosing events",
        "show internal events too",
        "Shows the events that captures use for themselves, such as process information and "
        "drop notices.",
        "-D, --debug: log lines of the library are shown too",
    ),
    _O(
        "enter",
        "",
        "",
        "Choosing events",
        "show enter events of old files as they were written",
        "Files of sysdig before 2025 have an event when a call begins and one when it returns. "
        "They are shown as one, with all parameters; this option shows both as they are in "
        "the file.",
        "",
    ),
    _O(
        "macros",
        "",
        "FILE",
        "Choosing events",
        "conditions and lists that the filter may name",
        "Reads macros and lists in the notation of Falco's rules; other entries of the file are "
        "passed over. Filters of the configuration are named with an `@` instead: `@web`.",
        "",
    ),
    _O(
        "no-pushdown",
        "",
        "",
        "Choosing events",
        "decide the whole filter outside the kernel",
        "A capture decides the part of the filter that can be decided there in the kernel. The "
        "events are the same with this option; it costs more and is for finding mistakes.",
        "",
    ),
    _O(
        "check-filter",
        "",
        "",
        "Choosing events",
        "say whether the filter is right, and stop",
        "Compiles the filter and reads nothing. A filter that is right prints at most warnings, "
        "and the exit code is 0; a wrong one prints what is wrong and where, and the code is 1.",
        "",
    ),
    _O(
        "explain-filter",
        "",
        "",
        "Choosing events",
        "say what the filter does and what runs where",
        "Prints the filter in words, the event types that it can accept, its comparisons in the "
        "order of evaluation, and the part that a capture decides in the kernel. `--explain` is "
        "the same.",
        "",
        also=("--explain",),
    ),
    # --- Output -----------------------------------------------------------------------------
    _O(
        "print",
        "p",
        "TEMPLATE",
        "Output",
        "what a line shows: text with %field, or a preset",
        "A template is text in which `%field` stands for a field's value: `%evt.num`, "
        "`%evt.arg.flags`, `%proc.aname[2]`. `%10proc.name` is exactly ten characters wide. `%%` "
        "is a percent sign; `\\n`, `\\t`, `\\e` and `\\\\` are understood. An event that has no "
        "value for one of the fields is not shown, unless the template begins with `*`: then "
        "`<NA>` stands for it.\n\n"
        "The presets are `default`, `c` (containers), `k` (Kubernetes), `strace` and those of "
        "the configuration.\n\n"
        "    pyscap -r web.scap -p '%evt.time %proc.name %fd.name' evt.type=openat",
        "-p, --print: no %%, fewer presets",
    ),
    _O(
        "strace",
        "",
        "",
        "Output",
        "lines as strace writes them; short for -p strace",
        "Shows each call as strace does, the process in front:\n\n"
        '    openat(AT_FDCWD, "/x", O_RDONLY) = 3</x> <0.000012>',
        "",
    ),
    _O(
        "timetype",
        "t",
        "KIND",
        "Output",
        "how time is shown: h a r d D iso utc",
        "What `evt.outputtime` shows: `h` time of day (the default), `a` seconds since 1970, `r` "
        "since the first event, `d` the duration of the call, `D` since the line before, `iso` "
        "date and time with the zone, `utc` the same in UTC.",
        "-t, --timetype: h a r d D",
        choices=("h", "a", "r", "d", "D", "iso", "utc"),
    ),
    _O(
        "json",
        "j",
        "",
        "Output",
        "one JSON object a line",
        "One object a line, valid whatever bytes names hold; integers are integers. The keys are "
        "the fields of the template.",
        "-j, --json",
    ),
    _O(
        "details",
        "V",
        "",
        "Output",
        "every event as a tree of all that is known about it",
        "Shows for each event its header, every parameter raw and decoded, the process with its "
        "ancestors, the descriptor, the user, the container, and buffers as bytes and text.",
        "",
    ),
    _O(
        "verbose",
        "v",
        "",
        "Output",
        "buffers in full; counts at the end",
        "Shows buffers in full instead of their first 80 bytes, and prints the counts of the run "
        "on standard error when it ends. With `-l` the type of each field.",
        "-v, --verbose: other counts",
    ),
    _O(
        "quiet",
        "q",
        "",
        "Output",
        "no event lines",
        "Prints no line for events. `-w` does so by itself.",
        "-q, --quiet",
    ),
    _O(
        "resolve-ports",
        "R",
        "",
        "Output",
        "names for ports and hosts",
        "Shows the names of well-known ports instead of their numbers, and gives fields such as "
        "`fd.sip.name` their values. Names of hosts are those of `/etc/hosts`; a name that the "
        "filter compares with is looked up once before the run, also by DNS. Nothing is looked "
        "up while events pass.",
        "-R, --resolve-ports: hosts are looked up by DNS during the run there",
    ),
    _O(
        "no-resolve",
        "N",
        "",
        "Output",
        "accepted; ports are numbers unless -R is given",
        "Accepted for users of older versions of sysdig.",
        "-N: gone there",
    ),
    _O(
        "color",
        "",
        "WHEN",
        "Output",
        "auto, always or never",
        "Colours are used on a terminal and not in pipes and files. `always` and `never` decide "
        "it; a variable NO_COLOR that is set means never. `true`, `force` and `false` are "
        "understood as auto, always and never.",
        "--color: true, force, false",
        choices=("auto", "always", "never", "true", "force", "false"),
        also=("--colour",),
    ),
    _O(
        "theme",
        "",
        "NAME",
        "Output",
        "how coloured lines look; pyscap themes lists them",
        "A theme says which events are coloured how: its rules are filters with a style, and the "
        "first that an event meets decides. `default`, `stripes` and `plain` come with the "
        "program, more are made in the configuration. Without colours it has no effect; "
        "JSON and capture files never have colours.",
        "",
        names="pyscap.completion:themes",
    ),
    _O(
        "progress",
        "P",
        "",
        "Output",
        "show how far a file has been read",
        "Shows on standard error how much of the file has been read, when that is a terminal.",
        "-P, --progress: the long form takes the next word there",
    ),
    _O(
        "unbuffered",
        "",
        "",
        "Output",
        "write every line at once",
        "Writes each line as soon as it is known. A live capture does so by itself; reading a "
        "file writes larger pieces, which is faster.",
        "--unbuffered: lines are always written one by one there",
    ),
    _O(
        "profile",
        "",
        "NAME",
        "Output",
        "use the columns, filter and colours of a profile",
        "Takes the template, the time format, the filter and the colours from a profile of the "
        "configuration. Options of the command line win over it; a filter is added to it.",
        "",
        names="pyscap.completion:profiles",
    ),
    _O(
        "fail-on-drop",
        "",
        "",
        "Output",
        "exit with 5 when events were lost",
        "Makes lost events an error: the exit code is 5. They are counted and named in any case.",
        "",
    ),
    # --- Buffers ----------------------------------------------------------------------------
    _O(
        "print-ascii",
        "A",
        "",
        "Buffers",
        "buffers as text with their line feeds",
        "Shows only the printable characters and line feeds of buffers.",
        "-A, --print-ascii",
    ),
    _O(
        "print-base64",
        "b",
        "",
        "Buffers",
        "buffers in Base64",
        "Shows buffers in Base64, so that programs can have every byte.",
        "-b, --print-base64: %evt.buffer is encoded twice there",
    ),
    _O(
        "print-hex",
        "x",
        "",
        "Buffers",
        "buffers in hexadecimal",
        "Shows buffers as rows of hexadecimal digits.",
        "-x, --print-hex",
    ),
    _O(
        "print-hex-ascii",
        "X",
        "",
        "Buffers",
        "buffers in hexadecimal and text",
        "Shows buffers as rows of hexadecimal digits with their text beside.",
        "-X, --print-hex-ascii",
    ),
    # --- Writing ----------------------------------------------------------------------------
    _O(
        "write",
        "w",
        "FILE",
        "Writing",
        "write a capture file; - is standard output",
        "Writes the chosen events to a capture file that sysdig 0.41 and Stratoshark 0.9 open "
        "too. With `-r` it makes a smaller file of a larger one, with a filter; the process and "
        "descriptor tables are kept so that names stay right. A new file can be read only by "
        "its owner.",
        "-w, --write: with -r and a filter it fails there",
        also=("--writefile",),
    ),
    _O(
        "compress",
        "z",
        "",
        "Writing",
        "compress the capture file (gzip)",
        "Compresses the file with gzip. A name that ends in `.gz` or `.zst` is compressed so "
        "without this option.",
        "-z, --compress",
    ),
    _O(
        "fatfile",
        "F",
        "",
        "Writing",
        "accepted; filtered files keep the state anyway",
        "Accepted for sysdig's users: files written with a filter always keep the events that "
        "names depend on, marked as hidden.",
        "-F, --fatfile: off unless asked for there",
    ),
    _O(
        "no-fatfile",
        "",
        "",
        "Writing",
        "leave out events that only the state needs",
        "Writes the chosen events alone. The file is smaller; names that became known after the "
        "start of the capture can be missing when it is read.",
        "",
    ),
    _O(
        "file-size",
        "C",
        "SIZE",
        "Writing",
        "begin a new file after so many million bytes",
        "Rotation: a new file begins when the current one exceeds this size, a number of million "
        "bytes or a size with a unit, before compression. A counter is added to the name. Every "
        "file can be read alone; it holds at least as much of events as of the state at its "
        "head.",
        "-C, --file-size: no units",
        parse=parse_megabytes,
    ),
    _O(
        "seconds",
        "G",
        "TIME",
        "Writing",
        "begin a new file after so much time",
        "Rotation: a new file begins after this time. A name with `%` is a pattern for the date "
        "and time, as in `trace-%H%M%S.scap`; otherwise a counter is added.",
        "-G, --seconds: follows the wall clock, also when a file is read",
        parse=parse_duration_ns,
    ),
    _O(
        "event-limit",
        "e",
        "N",
        "Writing",
        "begin a new file after so many events",
        "Rotation: a new file begins after N events.",
        "-e, --event-limit: the first file holds one less",
        parse=parse_count,
    ),
    _O(
        "limit",
        "W",
        "N",
        "Writing",
        "keep only so many files",
        "Rotation: with `-C` and `-e` only the last N files are kept; with `-G` and with "
        "`--flight-recorder` the run ends after N files.",
        "-W, --limit: numbers begin again at 0",
        parse=parse_count,
    ),
    _O(
        "keep",
        "",
        "AMOUNT",
        "Writing",
        "keep files up to this age or size: 3h, 10GB",
        "Rotation: removes the oldest files of this capture when they are older than the age, or "
        "when all together exceed the size.",
        "",
        parse=parse_keep,
    ),
    _O(
        "overwrite",
        "",
        "",
        "Writing",
        "replace files that exist",
        "A file that exists is not replaced unless this option is given: rotation goes on with "
        "the next free number, and a single file is an error.",
        "",
    ),
    _O(
        "flight-recorder",
        "",
        "AMOUNT",
        "Writing",
        "keep the last 60s or 256MB for --trigger",
        "Keeps events in memory and lets go of the oldest; when one matches `--trigger`, the file "
        "of `-w` gets what is in memory, up to that event. The amount is a time (`60s`), a size "
        "of memory from 4MB on (`256MB`), or both with a comma. Without a size it is 256MB, and "
        "the line about a file says so when that was too little for the time. SIGUSR1 writes a "
        "file at once, also without `--trigger`.\n\n"
        "    pyscap --flight-recorder 60s --trigger 'evt.type=procexit and evt.arg.sig!=0' "
        "-w crash-%H%M%S.scap\n\n"
        "The filter says what is recorded; the trigger is compared with every event, and the one "
        "that matched is in the file. Every file can be read alone: the state at its head is "
        "that of its oldest event.\n\n"
        "Recording goes on after a file. No event is written twice: a further file begins where "
        "the last one ended. It comes no sooner than 10 seconds, or the time of the recorder if "
        "that is less, after the one before, or when the memory is full; what triggers until then "
        "is in it. The first file has the name of `-w`; the next, or all if it exists, have a "
        "number behind it, as `crash.scap.1`. A name with `%` is a pattern for the time of the "
        "trigger. `-W N` ends the run after N files. At the end of a run there is a file only if "
        "something has triggered since the last one.\n\n"
        "With `-r` it looks for the trigger in a file, and times are those of the events.",
        "",
        parse=parse_recorder,
    ),
    _O(
        "trigger",
        "",
        "FILTER",
        "Writing",
        "what makes --flight-recorder write its file",
        "A filter. An event that it accepts, whether it is recorded or not, makes the flight "
        "recorder write a file.",
        "",
    ),
    # --- Privacy ----------------------------------------------------------------------------
    _O(
        "redact",
        "",
        "REGEX",
        "Privacy",
        "show and write ***** for what matches",
        "Replaces each match in arguments, environments, names and buffers; with groups in the "
        "expression only what they match. The expression is a POSIX extended one that also knows "
        "`\\d`, `\\s`, `\\w` and their opposites in capitals. It applies to events and to the "
        "tables of a file. The option can be repeated.\n\n"
        "    pyscap -w safe.scap --redact 'password=(\\S+)'",
        "",
        repeat=True,
    ),
    _O(
        "no-env",
        "",
        "",
        "Privacy",
        "no environments of processes",
        "Leaves environments of processes empty, in events and in tables.",
        "",
    ),
    _O(
        "no-buffers",
        "",
        "",
        "Privacy",
        "no data of reads and writes",
        "Leaves the data that calls read and write empty; their sizes stay.",
        "",
    ),
    # --- Views ------------------------------------------------------------------------------
    _O(
        "chisel",
        "c",
        "VIEW",
        "Views",
        "show a view, such as topprocs_cpu; -c l lists them",
        "Shows a view of the events instead of their lines; words after the options are its "
        "arguments and the filter. `pyscap top VIEW` is the same.",
        "-c, --chisel",
        also=("--view",),
        names="pyscap.completion:views",
    ),
    _O(
        "chisel-info",
        "i",
        "VIEW",
        "Views",
        "describe a view",
        "Prints what a view shows, its arguments and its filter.",
        "-i, --chisel-info",
        names="pyscap.completion:views",
    ),
    _O(
        "summary",
        "S",
        "",
        "Views",
        "calls, errors and time of each event type at the end",
        "Prints a table of the event types when the run ends: how often, how many failed, and "
        "how long they took when that was measured. With `-w` it tells what was written.",
        "-S, --summary: counts only",
    ),
    # --- Lists and help ---------------------------------------------------------------------
    _O(
        "list",
        "l",
        "",
        "Lists and help",
        "list the fields of filters and templates",
        "Lists the fields, by class. Words after it choose those whose name contains one; `-v` "
        "adds their types.\n\n"
        "    pyscap -l fd.",
        "-l, --list",
    ),
    _O(
        "list-events",
        "L",
        "",
        "Lists and help",
        "list the event types with their parameters",
        "Lists every event type with its direction and parameters. Words after it choose those "
        "whose name contains one.",
        "-L, --list-events",
    ),
    _O(
        "list-markdown",
        "",
        "",
        "Lists and help",
        "list the fields as a Markdown document",
        "Lists the fields as Markdown tables.",
        "--list-markdown",
    ),
    _O(
        "dump-plan",
        "",
        "",
        "Lists and help",
        "print what the engine is told, as JSON",
        "Prints the plan that the engine would run, as one JSON object, and exits.",
        "",
    ),
    _O(
        "version",
        "",
        "",
        "Lists and help",
        "print the version",
        "Prints the version and exits.",
        "--version",
        also=("--libs-version",),
    ),
    _O(
        "help",
        "h",
        "",
        "Lists and help",
        "print this help",
        "Prints a summary of the options and exits.",
        "-h, --help",
    ),
)
"""Every option, in the order of help and manual."""


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """A subcommand, loaded when it is used."""

    name: str
    """What is typed."""
    target: str
    """`module:attribute` of its Click command."""
    doc_short: str
    """One line for `--help`."""
    captures: bool = False
    """It captures when no file is given, and takes a command to run behind `--`."""


COMMANDS: tuple[CommandSpec, ...] = (
    CommandSpec("info", "pyscap.output.files:info", "say what a capture file is"),
    CommandSpec("merge", "pyscap.output.files:merge", "join captures and packets by time"),
    CommandSpec("show", "pyscap.output.detail:show", "show everything about one event of a file"),
    CommandSpec(
        "top", "pyscap.views.commands:top", "show a view: what is busiest, slowest, open", True
    ),
    CommandSpec(
        "stat", "pyscap.views.commands:stat", "count events, errors and time by type", True
    ),
    CommandSpec(
        "graph", "pyscap.views.graph:graph", "plot events, bytes or latency over time", True
    ),
    CommandSpec("follow", "pyscap.views.follow:follow", "print the data of a descriptor", True),
    CommandSpec(
        "sanitize", "pyscap.privacy:command", "copy a capture without environments and secrets"
    ),
    CommandSpec(
        "doctor",
        "pyscap.output.diagnosis:command",
        "check what a capture needs, and say what to do",
    ),
    CommandSpec("profiles", "pyscap.config:command", "list what the configuration holds"),
    CommandSpec("themes", "pyscap.output.themes:command", "list the themes of coloured lines"),
    CommandSpec(
        "completion", "pyscap.completion:command", "print the completion script of a shell"
    ),
)
"""Every subcommand, in the order of help."""


RETIRED: dict[str, str] = {
    "-B": "pyscap has one probe and builds it itself: leave the option out",
    "--bpf": "pyscap has one probe and builds it itself: leave the option out",
    "--modern-bpf": "pyscap has one probe and builds it itself: leave the option out",
    "--cpus-for-each-buffer": "each CPU has a buffer of its own; --buffer-size sets its size",
    "-k": "container and pod names need no API server here: use -pk",
    "-K": "container and pod names need no API server here: use -pk",
    "-m": "Mesos is not supported",
    "--mesos-api": "Mesos is not supported",
    "-g": "gVisor is not supported as a source",
    "--gvisor-config": "gVisor is not supported as a source",
    "-H": "plugins are not supported",
    "--plugin": "plugins are not supported",
    "-I": "plugins are not supported; -r reads a file",
    "--input": "plugins are not supported; -r reads a file",
    "-T": "tracers no longer exist; --latency measures calls",
    "-a": "absolute time is -t a",
    "--filter-proclist": "files written with a filter keep only the processes that are needed",
    "--large-environment": "environments are read in full",
    "--log-level": "PYSCAP_DEBUG=1 says more",
}
"""Options of sysdig that do not exist here, and what to do instead.

Source: observed: sysdig 0.41.4 and 0.29.3.
"""
