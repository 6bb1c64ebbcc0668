"""Every view, declared: what is grouped by what, which events count, what is shown.

In:  nothing. Out: `VIEWS`. Next: `build` makes a plan of a view, `commands` offers them.
Source: names and meaning of the chisels of sysdig 0.41.4, whose users know them; the fields are
those of `pyscap.model.catalogue`.
"""

from __future__ import annotations

from pyscap.views.specs import Arg, Column, View, count, key, total

PROCESS = (key("Process", "proc.name"), key("PID", "proc.pid", "count"))
FILE = (key("Filename", "fd.name"),)
IP = "(fd.type=ipv4 or fd.type=ipv6)"
MOVED = "evt.is_io=true and evt.failed=false"
"""I/O that moved bytes: a result below 0 is no length."""

BYTES = total("Bytes", "evt.rawres", "bytes", required=True)
TIME = total("Time", "evt.latency", "time", required=True)
ERRORS = total("Errors", "evt.count.error", required=True)
LATENCY = key("Latency", "evt.latency", "time")
WHEN = key("Time", "evt.datetime")

SECOND_NS = 1_000_000_000

MIN_MS = Arg("min_ns", "ms", "only calls that took longer, in milliseconds")
BY = Arg("key", "field", "field that descriptors are grouped by, such as proc.name")
ROWS = Arg("filter", "filter", "only these rows, such as 'proc.name=sshd'", "")
HTTP_FILTER = "evt.is_io=true and evt.buflen>0 and fd.type in (ipv4, ipv6, unix)"

PROCESSES = (
    View(
        "procs",
        "table",
        "Processes by the number of their events",
        "What every process did: its events, its failed calls, the bytes that it moved to and from "
        "files and over the network, and the time it spent in calls where that was measured.",
        (
            count("Events"),
            total("Errors", "evt.count.error"),
            total("File", "evt.buflen.file", "bytes"),
            total("Net", "evt.buflen.net", "bytes"),
            total("Time", "evt.latency", "time"),
            *PROCESS,
        ),
        order="Events",
    ),
    View(
        "topprocs_cpu",
        "table",
        "Processes by the processor time they used",
        "Time between two scheduler switches of a processor counts for the thread that ran. The "
        "capture must hold scheduler events (evt.type=switch).",
        (Column("CPU%", "thread.exectime", "sum", "percent", required=True), *PROCESS),
        "evt.type=switch",
        order="CPU%",
        needs="switch",
    ),
    View(
        "topprocs_net",
        "table",
        "Processes by the bytes they moved over the network",
        "Bytes read from and written to IPv4 and IPv6 sockets.",
        (BYTES, *PROCESS),
        f"{MOVED} and {IP}",
        order="Bytes",
    ),
    View(
        "topprocs_file",
        "table",
        "Processes by the bytes they moved to and from files",
        "Bytes read from and written to files.",
        (BYTES, *PROCESS),
        f"{MOVED} and fd.type=file",
        order="Bytes",
    ),
    View(
        "topprocs_errors",
        "table",
        "Processes by the number of their failed calls",
        "System calls that returned an error.",
        (ERRORS, *PROCESS),
        "evt.failed=true",
        order="Errors",
    ),
    View(
        "errors",
        "table",
        "Errors by process, call and error",
        "How often which call of which process failed with which error.",
        (
            ERRORS,
            key("Error", "evt.res"),
            key("Call", "evt.type"),
            *PROCESS,
        ),
        "evt.failed=true",
        order="Errors",
        limit=30,
    ),
    View(
        "proc_exec_time",
        "list",
        "Processes that ended, with how long they ran",
        "Every process that ends, with the time since it was started. Processes that were there "
        "before the capture are not shown, since their start is not known.",
        (
            WHEN,
            key("Duration", "proc.duration", "time"),
            key("Process", "proc.name"),
            key("PID", "proc.pid", "count"),
            key("Arguments", "proc.args"),
        ),
        "evt.type=procexit and thread.ismain=true and proc.duration>{min_ns}",
        (Arg("min_ns", "ms", "only processes that ran longer, in milliseconds", "0"),),
    ),
)

FILES = (
    View(
        "topfiles_bytes",
        "table",
        "Files by the bytes read and written",
        "Bytes that all processes read from and wrote to each file.",
        (BYTES, *FILE),
        f"{MOVED} and fd.type=file",
        order="Bytes",
    ),
    View(
        "topfiles_time",
        "table",
        "Files by the time spent on them",
        "Time that reads, writes and other calls on each file took.",
        (TIME, *FILE),
        "fd.type=file",
        order="Time",
        needs="latency",
    ),
    View(
        "topfiles_errors",
        "table",
        "Files by the number of failed calls",
        "Calls on each file that returned an error. A call that fails to open a file has no "
        "descriptor: it counts for the path that it was given.",
        (total("Errors", "evt.count.error.file", required=True), *FILE),
        "evt.failed=true",
        order="Errors",
    ),
    View(
        "fileslower",
        "list",
        "File I/O slower than a limit",
        "Every read and write of a file that took longer than the limit; /dev is left out.",
        (
            WHEN,
            key("Process", "proc.name"),
            key("Call", "evt.type"),
            LATENCY,
            *FILE,
        ),
        "evt.is_io=true and fd.type=file and evt.latency>{min_ns} and not fd.name startswith /dev/",
        (MIN_MS,),
        needs="latency",
    ),
    View(
        "spy_file",
        "stream",
        "Data read from and written to files",
        "The data of every read and write of files, or of one file.",
        filter="evt.is_io=true and fd.type=file and evt.failed=false and {rw} and {path}",
        args=(
            Arg("rw", "choice", "R for reads, W for writes", "RW", ("R", "W", "RW")),
            Arg("path", "path", "only this file", ""),
        ),
        header="{evt.time} {proc.name}({proc.pid}) {R|W} {evt.rawres}B {fd.name}",
    ),
)

DESCRIPTORS = (
    View(
        "fdbytes_by",
        "table",
        "I/O bytes by any field",
        "Bytes read and written, grouped by a field.",
        (BYTES, key("{key}", "{key}")),
        MOVED,
        (BY,),
        order="Bytes",
        limit=30,
    ),
    View(
        "fdcount_by",
        "table",
        "Descriptors by any field",
        "How many different descriptors were in use, grouped by a field. A descriptor is a number "
        "of a process with a name.",
        (
            Column("Count", "proc.pid fd.num fd.name", "distinct", "count"),
            key("{key}", "{key}"),
        ),
        'fd.num>=0 and fd.name!=""',
        (BY,),
        order="Count",
        limit=0,
    ),
    View(
        "fdtime_by",
        "table",
        "I/O time by any field",
        "Time that reads and writes took, grouped by a field.",
        (TIME, key("{key}", "{key}")),
        "evt.is_io=true",
        (BY,),
        order="Time",
        needs="latency",
    ),
    *(
        View(
            f"iobytes{suffix}",
            "table",
            f"Bytes read and written {what}second by second",
            f"A line for each second in which something was read from or written to {of}.",
            (
                Column("Time", "evt.rawtime", unit="datetime", optional=False, width_ns=SECOND_NS),
                total("In", f"evt.buflen{part}.in", "bytes"),
                total("Out", f"evt.buflen{part}.out", "bytes"),
                total("Total", f"evt.buflen{part}", "bytes", required=True),
            ),
            "evt.is_io=true",
            limit=0,
        )
        for suffix, part, what, of in (
            ("", "", "", "a descriptor"),
            ("_file", ".file", "of files, ", "a file"),
            ("_net", ".net", "of connections, ", "a connection"),
        )
    ),
    View(
        "echo_fds",
        "stream",
        "Data read and written by processes",
        "The data of every read and write, with the descriptor and the process.",
        filter="evt.is_io=true and evt.rawres>0",
        header="------ {Read|Write} {evt.rawres}B {from|to} {fd.name} ({proc.name})",
        form="dots",
    ),
    *(
        View(
            name,
            "stream",
            f"Data of standard {word}",
            f"What processes {'read from' if fd == 0 else 'write to'} descriptor {fd}.",
            filter=f"evt.is_io_{'read' if fd == 0 else 'write'}=true and fd.num={fd} and "
            "evt.rawres>0",
            headers="none",
        )
        for fd, name, word in (
            (0, "stdin", "input"),
            (1, "stdout", "output"),
            (2, "stderr", "error"),
        )
    ),
)

NETWORK = (
    View(
        "topconns",
        "table",
        "Connections by the bytes they carried",
        "Bytes read and written on each connection.",
        (BYTES, key("Proto", "fd.l4proto"), key("Conn", "fd.name")),
        f"{MOVED} and {IP}",
        order="Bytes",
    ),
    View(
        "topports_server",
        "table",
        "Server ports by the bytes they carried",
        "Bytes read and written on connections, by the port of the server.",
        (BYTES, key("Proto", "fd.l4proto"), key("Srv Port", "fd.sport", "count")),
        f"{MOVED} and {IP}",
        order="Bytes",
    ),
    View(
        "netlower",
        "list",
        "Network I/O slower than a limit",
        "Every read and write of a socket that took longer than the limit.",
        (
            WHEN,
            key("Process", "proc.name"),
            key("Call", "evt.type"),
            LATENCY,
            key("Connection", "fd.name"),
        ),
        f"evt.is_io=true and {IP} and evt.latency>{{min_ns}}",
        (MIN_MS,),
        needs="latency",
    ),
    View(
        "spy_ip",
        "stream",
        "Data exchanged with an address",
        "The data of every read and write on connections with the address.",
        filter=f"evt.is_io=true and {IP} and fd.ip={{ip}} and evt.rawres>0",
        args=(Arg("ip", "ip", "IPv4 or IPv6 address"),),
        header="------ {Read|Write} {evt.rawres}B",
        headers="turn",
    ),
    View(
        "spy_port",
        "stream",
        "Data exchanged on a port",
        "The data of every read and write on connections with the port at either end.",
        filter=f"evt.is_io=true and {IP} and fd.port={{port}} and evt.rawres>0",
        args=(Arg("port", "port", "port, 1 to 65535"),),
        header="------ {Read|Write} {evt.rawres}B",
        headers="turn",
    ),
    View(
        "httplog",
        "http",
        "HTTP requests with their responses",
        "Every request on a socket with the response that followed on it: > for requests that the "
        "process sent, < for those that it received. The bodies' lengths are those of "
        "Content-Length. Captured data must reach that far (-s 1024 and more).",
        (
            key("Time", "ts", "datetime"),
            key("Dir", "dir"),
            key("Code", "code", "count"),
            key("Latency", "latency", "time"),
            key("Size", "size", "bytes"),
            key("Process", "proc.name"),
            key("PID", "proc.pid", "count"),
            key("Method", "method"),
            key("URL", "url"),
        ),
        HTTP_FILTER,
        limit=0,
    ),
    View(
        "httptop",
        "http",
        "HTTP requests by number, time or bytes",
        "Requests grouped by method and URL.",
        (
            count("Calls"),
            Column("Time", "latency", "avg", "time"),
            total("Bytes", "size", "bytes"),
            key("Method", "method"),
            key("URL", "url"),
        ),
        HTTP_FILTER,
        (
            Arg(
                "by",
                "choice",
                "order: number of calls, mean time or bytes",
                "NCALLS",
                ("NCALLS", "TIME", "BYTES"),
            ),
        ),
        order="{by}",
        limit=30,
    ),
)

CALLS = (
    View(
        "topscalls",
        "table",
        "System calls by their number",
        "How often each system call was made.",
        (count("Calls"), key("Syscall", "evt.type")),
        "syscall.type exists",
        order="Calls",
    ),
    View(
        "topscalls_time",
        "table",
        "System calls by the time they took",
        "Time that all calls of each kind took together.",
        (TIME, key("Syscall", "evt.type")),
        "syscall.type exists",
        order="Time",
        needs="latency",
    ),
    View(
        "summary",
        "table",
        "Event types: number, errors, time",
        "How often each event came, how many failed, and how long the calls took: together, on "
        "average, half of them at most (p50), all but one in a hundred at most (p99), and the "
        "longest. Quantiles are up to a sixteenth too small.",
        (
            count("Calls"),
            total("Errors", "evt.count.error"),
            total("Time", "evt.latency", "time"),
            Column("Avg", "evt.latency", "avg", "time"),
            Column("P50", "evt.latency", "quantiles", "time"),
            Column("P99", "evt.latency", "quantiles", "time", quantile=0.99),
            Column("Max", "evt.latency", "max", "time"),
            key("Event", "evt.type"),
        ),
        order="Calls",
        limit=100,
    ),
    View(
        "bottlenecks",
        "table",
        "The slowest calls",
        "The ten calls that took longest, with their arguments.",
        (
            Column("Latency", "evt.latency", "max", "time", required=True),
            key("Event", "evt.num", "count"),
            key("Time", "evt.time"),
            *PROCESS,
            key("Call", "evt.type"),
            key("Arguments", "evt.args"),
        ),
        "evt.type!=switch",
        order="Latency",
        needs="latency",
    ),
    View(
        "scallslower",
        "list",
        "Calls slower than a limit",
        "Every system call that took longer than the limit.",
        (WHEN, key("Process", "proc.name"), LATENCY, key("Call", "evt.type")),
        "syscall.type exists and evt.latency>{min_ns}",
        (MIN_MS,),
        needs="latency",
    ),
    View(
        "spectrogram",
        "heat",
        "Latencies of calls over time",
        "One line for each half second or more; to the right, calls that took longer; the colour "
        "says how many there were.",
        (
            count("Calls"),
            Column("Time", "evt.rawtime", unit="datetime", optional=False, width_ns=500_000_000),
            Column("Latency", "evt.latency", unit="time", optional=False, log2=2),
        ),
        "evt.latency exists and syscall.type exists",
        limit=0,
        needs="latency",
    ),
    View(
        "flame",
        "folded",
        "Time in calls by process and its ancestors, folded for flame graphs",
        "One line for each call of each line of descent, from the oldest ancestor, with the "
        "nanoseconds that it took; the number of calls where durations were not measured.",
        (
            total("Time", "evt.latency", "time"),
            count("Calls"),
            *(key(f"Ancestor {n}", f"proc.aname[{n}]", optional=True) for n in range(12, 0, -1)),
            key("Process", "proc.name"),
            key("Call", "evt.type"),
        ),
        "syscall.type exists",
        limit=0,
    ),
)

EVENTS = (
    View(
        "around",
        "around",
        "Events around those that a filter chooses",
        "The lines of all events that lie within the range before and after each event of the "
        "filter. The files are read twice.",
        args=(Arg("range_ns", "ms", "range before and after, in milliseconds, 1 or more"),),
        limit=0,
    ),
)

STATE = (
    View(
        "lsof",
        "state",
        "Open descriptors",
        "The open descriptors of every process, as lsof shows them.",
        (
            key("COMMAND", "proc.name"),
            key("PID", "proc.pid", "count"),
            key("TID", "thread.tid", "count"),
            key("USER", "user.name"),
            key("FD", "fd.num", "count"),
            key("TYPE", "fd.type"),
            key("NAME", "fd.name"),
        ),
        args=(ROWS,),
        over="fds",
        limit=0,
    ),
    View(
        "netstat",
        "state",
        "Network connections",
        "The IPv4 and IPv6 sockets of every process, as netstat shows them.",
        (
            key("Proto", "fd.l4proto"),
            key("Server", "fd.sip"),
            key("SPort", "fd.sport", "count"),
            key("Client", "fd.cip"),
            key("CPort", "fd.cport", "count"),
            key("Connected", "fd.connected"),
            key("TID", "thread.tid", "count"),
            key("PID", "proc.pid", "count"),
            key("Program", "proc.name"),
        ),
        IP,
        args=(ROWS,),
        over="fds",
        limit=0,
    ),
    View(
        "ps",
        "state",
        "Processes",
        "The threads that are alive, as ps shows them.",
        (
            key("TID", "thread.tid", "count"),
            key("PID", "proc.pid", "count"),
            key("PPID", "proc.ppid", "count"),
            key("USER", "user.name"),
            key("VIRT", "proc.vmsize", "kib"),
            key("RES", "proc.vmrss", "kib"),
            key("FDS", "proc.fdopencount", "count"),
            key("FDLIMIT", "proc.fdlimit", "count"),
            key("CMD", "proc.cmdline"),
        ),
        args=(ROWS,),
        over="threads",
        limit=0,
    ),
    View(
        "lscontainers",
        "state",
        "Containers with running processes",
        "The containers that processes run in.",
        (
            count("Procs"),
            key("Type", "container.type", optional=True),
            key("Image", "container.image", optional=True),
            key("Name", "container.name", optional=True),
            key("ID", "container.id"),
        ),
        "container.id!=host",
        args=(ROWS,),
        order="Procs",
        over="processes",
        limit=0,
        needs="container",
    ),
)

USERS = (
    View(
        "spy_users",
        "list",
        "Commands that users launch and directories they visit",
        "Every command that is started below a shell, indented by how deep it lies, with the "
        "process that is the shell, the time and the user.",
        (
            key("Shell", "proc.loginshellid", "count"),
            key("Time", "evt.time.s"),
            key("User", "user.name"),
            key("Directory", "evt.arg.path"),
            key("Command", "proc.cmdline"),
            key("PID", "proc.pid", "count"),
            key("PPID", "proc.ppid", "count"),
        ),
        "evt.failed=false and proc.loginshellid exists and (evt.type in (execve, execveat) or "
        "(evt.type=chdir and proc.name endswith sh))",
        tree=("PID", "PPID"),
        limit=0,
    ),
    View(
        "list_login_shells",
        "table",
        "Shells in which users launched commands",
        "Each shell with the number of its commands. `proc.loginshellid=PID` as a filter of other "
        "views shows what one of them did.",
        (
            count("Commands"),
            key("User", "user.name", optional=True),
            key("Shell", "proc.loginshellid", "count"),
        ),
        "evt.type in (execve, execveat) and evt.failed=false and proc.loginshellid exists",
        order="Commands",
        limit=0,
    ),
)

CONTAINER = (
    key("Container", "container.name", optional=True),
    key("Image", "container.image", optional=True),
    key("ID", "container.id"),
)

CONTAINERS = tuple(
    View(
        f"topcontainers_{name}",
        "table",
        f"Containers by {what}",
        f"{doc} Processes outside containers do not count.",
        (column, *CONTAINER),
        f"{condition} and container.id!=host",
        order=column.title,
        needs="container",
    )
    for name, what, doc, column, condition in (
        (
            "cpu",
            "the processor time they used",
            "Time between two scheduler switches of a processor counts for the container that ran.",
            Column("CPU%", "thread.exectime", "sum", "percent", required=True),
            "evt.type=switch",
        ),
        (
            "error",
            "the number of their failed calls",
            "System calls that returned an error.",
            ERRORS,
            "evt.failed=true",
        ),
        (
            "file",
            "the bytes they moved to and from files",
            "Bytes read from and written to files.",
            BYTES,
            f"{MOVED} and fd.type=file",
        ),
        (
            "net",
            "the bytes they moved over the network",
            "Bytes read from and written to IPv4 and IPv6 sockets.",
            BYTES,
            f"{MOVED} and {IP}",
        ),
    )
)

LOGS = (
    View(
        "spy_logs",
        "stream",
        "What is written to log files",
        "The data of every write to a file with .log or _log in its name, or below /var/log.",
        filter="evt.is_io_write=true and evt.rawres>0 and fd.type=file and (fd.name contains .log "
        "or fd.name contains _log or fd.name contains /var/log) and not (fd.name contains .gz or "
        "fd.name contains .tgz)",
        header="{proc.name} {fd.name}",
    ),
    View(
        "spy_syslog",
        "stream",
        "What is written to the system's log",
        "The data of every write to /dev/log; it begins with facility and severity as a number.",
        filter="evt.is_io_write=true and evt.rawres>0 and fd.name contains /dev/log",
        header="{evt.time} {proc.name}({proc.pid})",
    ),
)

GROUPS: dict[str, tuple[View, ...]] = {
    "Processes": PROCESSES,
    "Files": FILES,
    "Descriptors": DESCRIPTORS,
    "Network": NETWORK,
    "Logs": LOGS,
    "Calls": CALLS,
    "Events": EVENTS,
    "State": STATE,
    "Containers": CONTAINERS,
    "Users": USERS,
}
"""The views as lists show them."""

VIEWS: dict[str, View] = {view.name: view for group in GROUPS.values() for view in group}
"""Every view by name."""
