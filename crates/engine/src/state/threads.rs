//! The thread table.
//!
//! In: rows from process lists and from the verbs. Out: [`Thread`], [`ThreadGroup`]. Next: `fds`.
//! Source: scap format specification, event semantics 1 and 2.

use std::sync::{Arc, LazyLock};

use rustc_hash::{FxHashMap, FxHashSet};

use super::enter::Enter;
use super::fds::FdTable;
use super::text::{Text, TextList};

/// Greatest number of threads kept, unless the plan says otherwise.
pub const DEFAULT_MAX_THREADS: usize = 262_144;

/// The number that stands for "no user" and "no group".
pub const NO_ID: u32 = u32::MAX;

/// What a thread known by its number alone is called.
pub const UNKNOWN_NAME: &[u8] = b"<NA>";

/// The empty text, the unknown name and the empty list, shared by all new threads.
static BLANKS: LazyLock<(Text, Text, TextList)> =
    LazyLock::new(|| (Text::from([]), UNKNOWN_NAME.into(), TextList::from([])));

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
    /// Time from the change to the start of the process that executed it last, this one or the one
    /// it was copied from; 0 when that was not seen or came before the change.
    pub ctime_to_clone_ns: u64,
    /// Time from the start of the pid namespace to the change, told at the exec; 0 likewise.
    pub pidns_to_ctime_ns: u64,
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
    pub args: TextList,
    /// Environment; of main threads only.
    pub env: TextList,
    /// `subsystem=path` entries.
    pub cgroups: TextList,
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
    /// Complete id of the container that the control groups name; empty on the host.
    pub container_id: Text,
    /// Descriptors.
    pub fds: FdTable,
    /// Processes above this one when its parent ended, the nearest first: they made it, whoever
    /// is its parent since.
    pub(super) forebears: Option<Arc<[i64]>>,
    /// Threads whose `ptid` is this thread.
    pub(crate) children: FxHashSet<i64>,
    /// What the enter event before this event said.
    pub(crate) enter: Option<Box<Enter>>,
}

impl Thread {
    /// A thread of which nothing but its number is known.
    pub fn new(tid: i64) -> Self {
        let (none, unknown, empty) = BLANKS.clone();
        Thread {
            tid,
            pid: -1,
            ptid: -1,
            sid: -1,
            vtid: -1,
            vpid: -1,
            pgid: -1,
            vpgid: -1,
            reaper_tid: -1,
            comm: unknown.clone(),
            exe: unknown,
            exepath: none.clone(),
            args: empty.clone(),
            env: empty.clone(),
            cgroups: empty,
            cwd: none.clone(),
            root: none.clone(),
            fdlimit: 0,
            uid: NO_ID,
            gid: NO_ID,
            loginuid: NO_ID,
            tty: 0,
            caps: Caps::default(),
            exe_file: ExeFile::default(),
            memory: Memory::default(),
            flags: 0,
            clone_ts_ns: 0,
            lastexec_ts_ns: 0,
            pidns_start_ns: 0,
            container_id: none,
            fds: FdTable::default(),
            forebears: None,
            children: FxHashSet::default(),
            enter: None,
        }
    }

    /// Whether more than its number is known.
    pub fn is_known(&self) -> bool {
        self.pid >= 0
    }

    /// Whether it is the main thread of its process.
    pub fn is_main(&self) -> bool {
        self.tid == self.pid
    }

    /// Whether it has exited.
    pub fn is_dead(&self) -> bool {
        self.has(flag::CLOSED)
    }

    /// Whether flag `bit` is set.
    pub fn has(&self, bit: u32) -> bool {
        self.flags & bit != 0
    }

    /// Whether it lives in a pid namespace of its own.
    pub fn in_pid_namespace(&self) -> bool {
        self.has(flag::CHILD_IN_PIDNS) || self.tid != self.vtid
    }
}

/// The threads of one process.
#[derive(Clone, Debug, Default)]
pub struct ThreadGroup {
    /// Thread ids, the leader first when it is known.
    pub tids: Vec<i64>,
    /// How many of them have not exited.
    pub alive: usize,
    /// Whether orphans below it become its children.
    pub is_reaper: bool,
}

/// Threads by id, with their groups and families.
#[derive(Clone, Debug)]
pub struct ThreadTable {
    by_tid: FxHashMap<i64, u32>,
    slots: Vec<Option<Box<Thread>>>,
    free: Vec<u32>,
    groups: FxHashMap<i64, ThreadGroup>,
    /// The thread asked for last: most events come in runs of one thread.
    last: (i64, u32),
    max: usize,
    clock_hand: u32,
    evicted: u64,
}

impl Default for ThreadTable {
    fn default() -> Self {
        ThreadTable::new(DEFAULT_MAX_THREADS)
    }
}

impl ThreadTable {
    /// An empty table for at most `max` threads.
    pub fn new(max: usize) -> Self {
        ThreadTable {
            by_tid: FxHashMap::default(),
            slots: Vec::new(),
            free: Vec::new(),
            groups: FxHashMap::default(),
            last: (i64::MIN, 0),
            max: max.max(1),
            clock_hand: 0,
            evicted: 0,
        }
    }

    /// The thread `tid`.
    pub fn get(&self, tid: i64) -> Option<&Thread> {
        let slot = if tid == self.last.0 { self.last.1 } else { *self.by_tid.get(&tid)? };
        self.slots.get(slot as usize)?.as_deref()
    }

    /// The thread `tid`, to be changed; it is remembered as the one asked for last.
    pub fn get_mut(&mut self, tid: i64) -> Option<&mut Thread> {
        if tid != self.last.0 {
            self.last = (tid, *self.by_tid.get(&tid)?);
        }
        self.slots.get_mut(self.last.1 as usize)?.as_deref_mut()
    }

    /// The group of process `pid`.
    pub fn group(&self, pid: i64) -> Option<&ThreadGroup> {
        self.groups.get(&pid)
    }

    /// The group of process `pid`, to be changed.
    pub(super) fn group_mut(&mut self, pid: i64) -> Option<&mut ThreadGroup> {
        self.groups.get_mut(&pid)
    }

    /// Adds or replaces a thread: it joins the group of its process and its parent's children.
    ///
    /// A parent that is not known leaves the thread without one (0).
    pub fn insert(&mut self, thread: Thread) {
        let tid = thread.tid;
        self.insert_unlinked(thread);
        self.link(tid);
    }

    /// Adds or replaces a thread that does not belong to its parent's children yet.
    pub(super) fn insert_unlinked(&mut self, mut thread: Thread) {
        self.remove(thread.tid);
        if self.by_tid.len() >= self.max {
            self.evict();
        }
        thread.children.clear();
        let tid = thread.tid;
        self.store(thread);
        self.join_group(tid);
    }

    /// Makes a thread the child of the parent it names.
    pub(super) fn link(&mut self, tid: i64) {
        let Some(thread) = self.get(tid).filter(|t| t.is_known()) else { return };
        let ptid = self.adopt(tid, thread.ptid);
        if let Some(thread) = self.get_mut(tid) {
            thread.ptid = ptid;
        }
    }

    /// Makes `tid` a child of `ptid`; returns the parent it then has, 0 when there is none.
    pub(super) fn adopt(&mut self, tid: i64, ptid: i64) -> i64 {
        // The first process has no parent.
        if tid == 1 || tid == ptid {
            return 0;
        }
        match self.get_mut(ptid) {
            Some(parent) if parent.is_known() => {
                parent.children.insert(tid);
                ptid
            }
            _ => 0,
        }
    }

    fn store(&mut self, thread: Thread) {
        let tid = thread.tid;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(place) = self.slots.get_mut(slot as usize) {
            *place = Some(Box::new(thread));
            self.by_tid.insert(tid, slot);
            self.last = (tid, slot);
        }
    }

    /// Puts a thread whose `pid` is known into the group of its process.
    pub(super) fn join_group(&mut self, tid: i64) {
        let Some(thread) = self.get(tid).filter(|t| t.is_known()) else { return };
        let (pid, vpid, is_dead) = (thread.pid, thread.vpid, thread.is_dead());
        let group = self.groups.entry(pid).or_default();
        if tid == pid {
            group.tids.insert(0, tid);
        } else {
            group.tids.push(tid);
        }
        group.alive += usize::from(!is_dead);
        group.is_reaper |= pid == 1 || vpid == 1;
    }

    fn leave_group(&mut self, thread: &Thread) {
        let Some(group) = self.groups.get_mut(&thread.pid) else { return };
        if let Some(at) = group.tids.iter().position(|t| *t == thread.tid) {
            group.tids.remove(at);
            group.alive = group.alive.saturating_sub(usize::from(!thread.is_dead()));
        }
        if group.tids.is_empty() {
            self.groups.remove(&thread.pid);
        }
    }

    /// Removes a thread; its children are left without a parent.
    pub fn remove(&mut self, tid: i64) -> Option<Thread> {
        let slot = self.by_tid.remove(&tid)?;
        if self.last.0 == tid {
            self.last = (i64::MIN, 0);
        }
        let thread = *self.slots.get_mut(slot as usize)?.take()?;
        self.free.push(slot);
        self.leave_group(&thread);
        if let Some(parent) = self.get_mut(thread.ptid) {
            parent.children.remove(&tid);
        }
        for child in &thread.children {
            if let Some(child) = self.get_mut(*child) {
                child.ptid = 0;
            }
        }
        Some(thread)
    }

    /// Makes room: the next thread in the order of the slots goes, the one in use stays.
    fn evict(&mut self) {
        for _ in 0..self.slots.len() {
            self.clock_hand = (self.clock_hand + 1) % u32::try_from(self.slots.len()).unwrap_or(1);
            let at = self.slots.get(self.clock_hand as usize);
            let Some(tid) = at.and_then(|slot| slot.as_ref()).map(|t| t.tid) else { continue };
            if tid != self.last.0 {
                self.remove(tid);
                self.evicted += 1;
                return;
            }
        }
    }

    /// How many threads had to go because the table was full.
    pub fn evicted(&self) -> u64 {
        self.evicted
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
        self.slots.iter().filter_map(|slot| slot.as_deref())
    }
}
