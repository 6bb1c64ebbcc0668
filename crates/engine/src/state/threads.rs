//! The thread table.
//!
//! In: rows from process lists and from the verbs. Out: [`Thread`]. Next: `fds`.

use rustc_hash::FxHashMap;

use super::fds::FdTable;
use super::Text;

/// Thread flag bits, in the format's numbering.
pub mod flag {
    #![allow(missing_docs)]
    pub const CLONE_FILES: u32 = 1;
    pub const CLONE_NEWPID: u32 = 1 << 6;
    pub const CLONE_PARENT: u32 = 1 << 8;
    pub const CLONE_THREAD: u32 = 1 << 13;
    pub const INVERTED: u32 = 1 << 16;
    pub const NAME_CHANGED: u32 = 1 << 17;
    pub const CLOSED: u32 = 1 << 18;
    pub const ACTIVE: u32 = 1 << 19;
    pub const CLONE_NEWUSER: u32 = 1 << 20;
    pub const PIPE_SRC: u32 = 1 << 21;
    pub const PIPE_DST: u32 = 1 << 22;
    pub const CLONE_VFORK: u32 = 1 << 27;
    pub const CHILD_IN_PIDNS: u32 = 1 << 29;
    pub const IS_MAIN_THREAD: u32 = 1 << 30;
}

/// The three capability sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    /// Inheritable.
    pub inheritable: u64,
    /// Permitted.
    pub permitted: u64,
    /// Effective.
    pub effective: u64,
}

/// What is known of the executable file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExeFile {
    /// The caller may write it.
    pub writable: bool,
    /// It lies in the upper layer of an overlay.
    pub upper_layer: bool,
    /// It lies in the lower layer of an overlay.
    pub lower_layer: bool,
    /// It is a memfd.
    pub from_memfd: bool,
    /// Inode number.
    pub ino: u64,
    /// Change time of the inode, ns since the epoch.
    pub ctime_ns: u64,
    /// Modification time, ns since the epoch.
    pub mtime_ns: u64,
}

/// Memory and page fault counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Virtual size in kB.
    pub vmsize_kb: u32,
    /// Resident size in kB.
    pub vmrss_kb: u32,
    /// Swapped in kB.
    pub vmswap_kb: u32,
    /// Major page faults.
    pub pfmajor: u64,
    /// Minor page faults.
    pub pfminor: u64,
}

/// One thread.
#[derive(Clone, Debug)]
pub struct Thread {
    /// Thread id in the host's namespace.
    pub tid: i64,
    /// Process id: tid of the main thread; -1 for a thread known by its number alone.
    pub pid: i64,
    /// Thread id of the parent; 0 or -1 when unknown.
    pub ptid: i64,
    /// Session.
    pub sid: i64,
    /// Thread id in its own pid namespace.
    pub vtid: i64,
    /// Process id in its own pid namespace.
    pub vpid: i64,
    /// Process group.
    pub pgid: i64,
    /// Process group in its own pid namespace.
    pub vpgid: i64,
    /// Thread that adopts the children of this one, when it was told; else -1.
    pub reaper_tid: i64,
    /// Command name.
    pub comm: Text,
    /// First argument.
    pub exe: Text,
    /// Path of the executable.
    pub exepath: Text,
    /// Arguments after the first.
    pub args: Vec<Text>,
    /// Environment; of main threads only.
    pub env: Vec<Text>,
    /// `subsystem=path` entries.
    pub cgroups: Vec<Text>,
    /// Working directory, ends with a slash; of main threads only.
    pub cwd: Text,
    /// Root directory.
    pub root: Text,
    /// Limit of open descriptors.
    pub fdlimit: i64,
    /// Effective user.
    pub uid: u32,
    /// Effective group.
    pub gid: u32,
    /// Login user; all ones for none.
    pub loginuid: u32,
    /// Controlling terminal.
    pub tty: u32,
    /// Capabilities.
    pub caps: Caps,
    /// Executable file.
    pub exe_file: ExeFile,
    /// Counters.
    pub memory: Memory,
    /// Bits of [`flag`].
    pub flags: u32,
    /// Time of creation, ns since the epoch; 0 when it was there before the capture.
    pub clone_ts_ns: u64,
    /// Time of the last exec, ns since the epoch; 0 when it was before the capture.
    pub lastexec_ts_ns: u64,
    /// Start of the pid namespace, ns since the epoch.
    pub pidns_start_ns: u64,
    /// Time of the thread's previous event.
    pub prev_event_ts_ns: u64,
    /// Descriptors.
    pub fds: FdTable,
}

/// Threads by id.
#[derive(Clone, Debug, Default)]
pub struct ThreadTable {
    by_tid: FxHashMap<i64, Thread>,
}

impl ThreadTable {
    /// The thread `tid`.
    pub fn get(&self, tid: i64) -> Option<&Thread> {
        self.by_tid.get(&tid)
    }

    /// The thread `tid`, to be changed.
    pub fn get_mut(&mut self, tid: i64) -> Option<&mut Thread> {
        self.by_tid.get_mut(&tid)
    }

    /// Adds or replaces a thread.
    pub fn insert(&mut self, thread: Thread) {
        self.by_tid.insert(thread.tid, thread);
    }

    /// Removes a thread.
    pub fn remove(&mut self, tid: i64) -> Option<Thread> {
        self.by_tid.remove(&tid)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_tid.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_tid.is_empty()
    }

    /// All threads, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Thread> {
        self.by_tid.values()
    }
}
