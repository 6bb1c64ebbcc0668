//! One look at `/proc` for a thread that no event told of.
//!
//! In: the number of a thread of this machine, now. Out: [`Seen`]. Next: `State::attach`.
//! Only live captures look: in a file the number belongs to another time. A thread is looked for
//! once, and only so often in a second, so that a flood of unknown threads costs little.
//! Source: proc(5).

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::fds::{Fd, FdKind};
use super::text::Interner;
use super::threads::{flag, Memory, Thread};

/// Most looks in one [`PERIOD`]; a look takes about a tenth of a millisecond.
const MAX_LOOKS: u32 = 200;
const PERIOD: Duration = Duration::from_secs(1);

/// Most bytes read of one file: the format's bound for arguments and environments.
const MAX_BYTES: u64 = 4096;

/// Most descriptors taken of one process.
const MAX_FDS: usize = 1024;

/// What a look found.
pub(super) struct Seen {
    /// The thread.
    pub thread: Thread,
    /// Its control groups, in the form of the process list.
    pub cgroups: Vec<u8>,
}

/// A mount of procfs.
#[derive(Debug)]
pub(super) struct Procfs {
    root: PathBuf,
    period_began: Instant,
    looks: u32,
}

impl Procfs {
    /// Looks below `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Procfs { root: root.into(), period_began: Instant::now(), looks: 0 }
    }

    /// What is known of `tid` now; nothing when it is gone, or when there were too many looks.
    pub fn look(&mut self, tid: i64, texts: &mut Interner) -> Option<Seen> {
        let dir = self.dir(tid)?;
        let mut thread = numbers(&dir, texts)?;
        names(&dir, &mut thread, texts);
        if thread.is_main() {
            descriptors(&dir, &mut thread, texts);
        } else {
            thread.flags = flag::CLONE_THREAD | flag::CLONE_FILES;
        }
        Some(Seen { thread, cgroups: cgroups(&read(&dir, "cgroup")) })
    }

    /// What descriptor `num` of `pid` is now, as for one that came through a socket.
    pub fn look_at_fd(&mut self, pid: i64, num: i64, texts: &mut Interner) -> Option<Fd> {
        let fds = self.dir(pid)?.join("fd");
        let fd = descriptor(&fds, OsStr::new(&num.to_string()), texts)?;
        (fd.kind != FdKind::Unsupported).then_some(fd)
    }

    /// The directory of a thread, unless there were too many looks.
    fn dir(&mut self, tid: i64) -> Option<PathBuf> {
        if self.period_began.elapsed() >= PERIOD {
            (self.period_began, self.looks) = (Instant::now(), 0);
        }
        self.looks += 1;
        (self.looks <= MAX_LOOKS).then(|| self.root.join(tid.to_string()))
    }
}

fn read(dir: &Path, name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Ok(file) = File::open(dir.join(name)) {
        // What a vanishing thread leaves unread is missing, as if it had never been there.
        let _ = file.take(MAX_BYTES).read_to_end(&mut bytes);
    }
    bytes
}

fn link(dir: &Path, name: impl AsRef<Path>) -> Vec<u8> {
    fs::read_link(dir.join(name)).map(|p| p.into_os_string().into_vec()).unwrap_or_default()
}

/// The value of a line `key:\tvalue`.
fn value<'a>(status: &'a [u8], key: &str) -> Option<&'a str> {
    let line = status
        .split(|b| *b == b'\n')
        .find_map(|line| line.strip_prefix(key.as_bytes())?.strip_prefix(b":"))?;
    std::str::from_utf8(line).ok().map(str::trim)
}

/// A number of such a line: word `at`, the last one for `None`.
fn number<T: std::str::FromStr>(status: &[u8], key: &str, at: Option<usize>) -> Option<T> {
    let mut words = value(status, key)?.split_whitespace();
    let word = match at {
        Some(at) => words.nth(at),
        None => words.last(),
    };
    word?.parse().ok()
}

fn hex(status: &[u8], key: &str) -> u64 {
    value(status, key).and_then(|word| u64::from_str_radix(word, 16).ok()).unwrap_or(0)
}

/// What `status` and `stat` say.
fn numbers(dir: &Path, texts: &mut Interner) -> Option<Thread> {
    let (status, stat) = (read(dir, "status"), read(dir, "stat"));
    let tid = number(&status, "Pid", Some(0))?;
    let mut thread = Thread::new(tid);
    thread.pid = number(&status, "Tgid", Some(0))?;
    thread.ptid = number(&status, "PPid", Some(0))?;
    thread.vtid = number(&status, "NSpid", None).unwrap_or(tid);
    thread.vpid = number(&status, "NStgid", None).unwrap_or(thread.pid);
    thread.vpgid = number(&status, "NSpgid", None).unwrap_or(-1);
    thread.uid = number(&status, "Uid", Some(1))?;
    thread.gid = number(&status, "Gid", Some(1))?;
    thread.caps.inheritable = hex(&status, "CapInh");
    thread.caps.permitted = hex(&status, "CapPrm");
    thread.caps.effective = hex(&status, "CapEff");
    // The name stands in brackets and may hold anything, brackets too.
    let close = stat.iter().rposition(|b| *b == b')')?;
    let open = stat.iter().position(|b| *b == b'(')?;
    thread.comm = texts.text(stat.get(open + 1..close)?);
    let rest = std::str::from_utf8(stat.get(close + 2..)?).ok()?;
    let fields: Vec<i64> = rest.split_whitespace().map(|w| w.parse().unwrap_or(-1)).collect();
    let field = |at: usize| fields.get(at).copied().unwrap_or(-1);
    (thread.pgid, thread.sid) = (field(2), field(3));
    thread.tty = u32::try_from(field(4)).unwrap_or(0);
    thread.memory = Memory {
        vmsize_kb: number(&status, "VmSize", Some(0)).unwrap_or(0),
        vmrss_kb: number(&status, "VmRSS", Some(0)).unwrap_or(0),
        vmswap_kb: number(&status, "VmSwap", Some(0)).unwrap_or(0),
        pfminor: u64::try_from(field(7)).unwrap_or(0),
        pfmajor: u64::try_from(field(9)).unwrap_or(0),
    };
    Some(thread)
}

/// What the other files of the thread say.
fn names(dir: &Path, thread: &mut Thread, texts: &mut Interner) {
    let mut cmdline = read(dir, "cmdline");
    while cmdline.last() == Some(&0) {
        cmdline.pop();
    }
    let mut parts = cmdline.splitn(2, |b| *b == 0);
    let exe = parts.next().filter(|exe| !exe.is_empty());
    thread.exe = exe.map_or_else(|| thread.comm.clone(), |exe| texts.text(exe));
    thread.args = texts.list(parts.next().unwrap_or(&[]));
    thread.env = texts.list(&read(dir, "environ"));
    let path = link(dir, "exe");
    thread.exe_file.from_memfd = path.starts_with(b"/memfd:");
    thread.exepath = texts.text(path.strip_suffix(b" (deleted)").unwrap_or(&path));
    let mut cwd = link(dir, "cwd");
    if cwd.last().is_some_and(|b| *b != b'/') {
        cwd.push(b'/');
    }
    thread.cwd = texts.text(&cwd);
    thread.root = texts.text(&link(dir, "root"));
    let text = |name| String::from_utf8(read(dir, name)).unwrap_or_default();
    thread.loginuid = text("loginuid").trim().parse().unwrap_or(thread.loginuid);
    let limits = text("limits");
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = files.and_then(|line| line.split_whitespace().next());
    thread.fdlimit = soft.and_then(|word| word.parse().ok()).unwrap_or(0);
}

/// `subsystem=path` entries; the unified hierarchy has no subsystem name.
fn cgroups(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in text.split(|b| *b == b'\n') {
        let mut parts = line.splitn(3, |b| *b == b':');
        let (Some(_), Some(names), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        for name in names.split(|b| *b == b',') {
            out.extend([name, b"=", path, b"\0"].concat());
        }
    }
    out
}

fn descriptors(dir: &Path, thread: &mut Thread, texts: &mut Interner) {
    let fds = dir.join("fd");
    let Ok(entries) = fs::read_dir(&fds) else { return };
    for entry in entries.flatten().take(MAX_FDS) {
        let name = entry.file_name();
        let Some(num) = name.to_str().and_then(|n| n.parse().ok()) else { continue };
        if let Some(fd) = descriptor(&fds, &name, texts) {
            thread.fds.insert(num, fd);
        }
    }
}

fn descriptor(fds: &Path, name: &OsStr, texts: &mut Interner) -> Option<Fd> {
    let target = link(fds, name);
    let meta = fs::metadata(fds.join(name)).ok()?;
    let kind = match &*target {
        [] => return None,
        b"anon_inode:[eventpoll]" => FdKind::Eventpoll,
        b"anon_inode:[eventfd]" => FdKind::Event,
        b"anon_inode:[timerfd]" => FdKind::Timerfd,
        b"anon_inode:[signalfd]" => FdKind::Signalfd,
        b"anon_inode:inotify" => FdKind::Inotify,
        _ if meta.is_dir() => FdKind::Directory,
        _ if meta.file_type().is_fifo() => FdKind::Fifo,
        // Sockets stay without ends: reading the tables of all sockets would take too long here.
        [b'/', ..] => FdKind::FileV2,
        _ => FdKind::Unsupported,
    };
    let is_anonymous = target.starts_with(b"anon_inode:") && kind != FdKind::Unsupported;
    let name = (!is_anonymous).then(|| texts.text(&target));
    Some(Fd { kind, name, ino: meta.ino(), ..Fd::default() })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;
    use std::os::unix::ffi::OsStrExt;

    fn look(tid: i64) -> Option<Seen> {
        Procfs::new("/proc").look(tid, &mut Interner::default())
    }

    #[test]
    fn this_process_is_found_as_it_is() {
        let me = i64::from(std::process::id());
        let file = File::open("/proc/self/status").unwrap();
        let seen = look(me).unwrap();
        let thread = seen.thread;
        assert_eq!((thread.tid, thread.pid), (me, me));
        assert_eq!(&*thread.exepath, std::env::current_exe().unwrap().as_os_str().as_bytes());
        let cwd = std::env::current_dir().unwrap();
        assert_eq!(&*thread.cwd, [cwd.as_os_str().as_bytes(), b"/"].concat());
        assert_eq!(thread.args.len() + 1, std::env::args().count());
        assert!(thread.fds.iter().any(|(_, fd)| fd.kind == FdKind::FileV2));
        assert!(seen.cgroups.ends_with(b"\0"));
        drop(file);
    }

    #[test]
    fn another_thread_shares_what_its_process_has() {
        let me = i64::from(std::process::id());
        let tasks = fs::read_dir("/proc/self/task").unwrap();
        let tids = tasks.flatten().filter_map(|t| t.file_name().to_str()?.parse::<i64>().ok());
        // Tests run on threads of their own.
        let other = tids.filter(|t| *t != me).find_map(look).unwrap().thread;
        assert_eq!(other.pid, me);
        assert!(other.has(flag::CLONE_THREAD | flag::CLONE_FILES) && other.fds.is_empty());
    }

    #[test]
    fn a_thread_that_is_not_there_is_not_found() {
        assert!(look(i64::from(i32::MAX)).is_none());
    }

    #[test]
    fn one_descriptor_is_found_and_sockets_are_not() {
        let me = i64::from(std::process::id());
        let (mut procfs, mut texts) = (Procfs::new("/proc"), Interner::default());
        let file = File::open("/proc/version").unwrap();
        let fd = procfs.look_at_fd(me, file.as_raw_fd().into(), &mut texts).unwrap();
        assert_eq!((fd.kind, fd.name.as_deref()), (FdKind::FileV2, Some(&b"/proc/version"[..])));
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        assert!(procfs.look_at_fd(me, socket.as_raw_fd().into(), &mut texts).is_none());
        assert!(procfs.look_at_fd(me, i64::from(i32::MAX), &mut texts).is_none());
    }

    #[test]
    fn the_number_of_looks_in_a_second_is_bounded() {
        let (mut procfs, mut texts) = (Procfs::new("/proc"), Interner::default());
        let me = i64::from(std::process::id());
        procfs.looks = MAX_LOOKS;
        assert!(procfs.look(me, &mut texts).is_none());
        procfs.period_began -= PERIOD;
        assert!(procfs.look(me, &mut texts).is_some());
    }

    #[test]
    fn control_groups_of_both_versions_are_split() {
        let text = b"4:cpu,cpuacct:/a\n1:name=systemd:/b\n0::/c:d\n";
        assert_eq!(cgroups(text), b"cpu=/a\0cpuacct=/a\0name=systemd=/b\0=/c:d\0");
        assert!(cgroups(b"nonsense\n").is_empty());
    }
}
