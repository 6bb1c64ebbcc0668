//! The mirror of the system: threads, descriptors, users, machine.
//!
//! In: metadata records and events, with the declared transitions. Out: [`State`], read through
//! [`crate::ctx::Ctx`]. Next: [`crate::filter`].
//! Source: scap format specification, event semantics.

mod addr;
pub mod containers;
mod enter;
mod exits;
mod family;
pub mod fds;
mod lists;
#[cfg(unix)]
mod procfs;
mod rules;
pub mod text;
pub mod threads;
pub mod users;
mod verbs;

pub use containers::{Container, ContainerTable};
pub use fds::{Fd, FdKind, FdTable, Role, Tuple, L4};
pub use text::{Text, TextList};
pub use threads::{Thread, ThreadGroup, ThreadTable};
pub use users::{Group, User, UserTable};
pub use verbs::{VerbInfo, VERBS};

use std::net::IpAddr;

use crate::error::Result;
use crate::event::Event;
use crate::path;
use crate::plan::{Options, TransitionRow};
use crate::tables::Tables;
use rules::Attach;
use verbs::{Step, AT_FDCWD};

/// How many unknown threads above an unknown thread are looked for.
#[cfg(unix)]
const MAX_UNKNOWN_PARENTS: u32 = 8;
#[cfg(not(unix))]
const MAX_UNKNOWN_PARENTS: u32 = 0;

/// Base of relative paths when the working directory is not known.
const UNKNOWN_DIRECTORY: &[u8] = b"./";

/// The captured machine.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// Processors.
    pub num_cpus: u32,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Largest process id; 0 in current files.
    pub max_pid: u64,
    /// Host name.
    pub hostname: Vec<u8>,
    /// Time of boot, ns since the epoch; 0 when unknown.
    pub boot_ts_ns: u64,
}

/// A network interface.
#[derive(Clone, Debug)]
pub struct Interface {
    /// Address.
    pub addr: IpAddr,
    /// Mask; the unspecified address when the format does not say.
    pub netmask: IpAddr,
    /// Broadcast address.
    pub broadcast: IpAddr,
    /// Bits per second, 0 when unknown.
    pub linkspeed: u64,
    /// Name.
    pub name: Text,
}

/// What applying an event left behind for the fields of that event.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// Whether the event belongs to the thread of its header, known or not.
    pub attached: bool,
    /// The descriptor the event works on or made.
    pub fd_num: Option<i64>,
    /// Whether the event gave its descriptor another name.
    pub fd_name_changed: bool,
    /// The event changed nothing that may be shown: an enter event that only protects the
    /// values of its exit, or one consumed to build the initial state.
    pub hidden: bool,
}

impl Applied {
    /// What an enter event leaves behind that is shown as it was written.
    pub fn of_enter(ev: &Event<'_>) -> Self {
        let fd_num = ev.info.fd_param.and_then(|i| ev.params.int(usize::from(i)));
        Applied { attached: true, fd_num, ..Applied::default() }
    }
}

/// The state of one section of a capture.
#[derive(Debug, Default)]
pub struct State {
    /// Threads.
    pub threads: ThreadTable,
    /// Users and groups.
    pub users: UserTable,
    /// Interfaces.
    pub interfaces: Vec<Interface>,
    /// Machine.
    pub machine: Machine,
    /// Containers.
    pub containers: ContainerTable,
    interner: text::Interner,
    cgroups: containers::Cgroups,
    listed: lists::Listed,
    exits: exits::Exits,
    rules: rules::Rules,
    max_threads: usize,
    max_fds: usize,
    /// Descriptors that had no room.
    refused_fds: u64,
    /// The thread that the previous event ended.
    pending_exit: Option<i64>,
    /// The thread and descriptor that the previous event closed.
    pending_close: Option<(i64, i64)>,
    /// Whether an event that is not consumed at the start has come.
    saw_visible: bool,
    /// For paths under construction.
    scratch: Vec<u8>,
    /// Where live captures look for threads that no event told of.
    #[cfg(unix)]
    procfs: Option<procfs::Procfs>,
}

impl State {
    /// An empty state that follows `transitions`.
    ///
    /// # Errors
    /// [`crate::error::Error::Plan`] for a verb, input or event that does not exist.
    pub fn new(transitions: &[TransitionRow], tables: &Tables, options: &Options) -> Result<Self> {
        let cap = |n: Option<u32>, default| n.map_or(default, |n| n as usize);
        let max_threads = cap(options.max_threads, threads::DEFAULT_MAX_THREADS);
        Ok(State {
            threads: ThreadTable::new(max_threads),
            rules: rules::Rules::new(transitions, tables)?,
            containers: ContainerTable::new(&tables.containers),
            cgroups: containers::Cgroups::new(&tables.containers)?,
            max_threads,
            max_fds: cap(options.max_fds, fds::DEFAULT_MAX_FDS),
            #[cfg(unix)]
            procfs: options.live.then(|| procfs::Procfs::new("/proc")),
            ..State::default()
        })
    }

    /// Applies one event; `applied` receives what its fields need.
    pub fn apply(&mut self, ev: &Event<'_>, _tables: &Tables, applied: &mut Applied) {
        self.finish_previous();
        let rule = self.rules.get(ev.code);
        *applied =
            Applied { attached: self.attach_event(ev.tid, rule.attach), ..Applied::default() };
        applied.hidden = self.is_leading(ev.code);
        applied.fd_num = ev.info.fd_param.and_then(|i| ev.params.int(usize::from(i)));
        #[cfg(unix)]
        self.repair_fd(ev, applied);
        let enter = self.take_enter(ev.tid, applied.attached);
        if let Some(verb) = rule.verb {
            verb.run(&mut Step { state: self, ev, applied, enter });
        }
    }

    /// Leaves out what the events with these codes do to their threads.
    pub fn ignore(&mut self, codes: &[u16]) {
        self.rules.ignore(codes);
    }

    /// Whether events of `code` do nothing but come from a thread: true when the thread is made
    /// if it is not known; `None` when they do more.
    pub fn only_creates(&self, code: u16) -> Option<bool> {
        let rule = self.rules.get(code);
        let only_comes = rule.verb.is_none() && !leads(code) && rule.attach != Attach::Nobody;
        only_comes.then_some(rule.attach == Attach::Create)
    }

    /// Applies events of one thread that do nothing but come from it.
    pub fn pass(&mut self, tid: i64, creates: bool) {
        self.finish_previous();
        if creates {
            self.attach(tid);
        }
        self.saw_visible = true;
        self.take_enter(tid, true);
    }

    /// Does what waited for the next event, so that the last one still saw what it ended.
    fn finish_previous(&mut self) {
        if let Some((tid, num)) = self.pending_close.take() {
            if let Some(fds) = self.fds_mut(tid) {
                fds.remove(num);
            }
        }
        if let Some(tid) = self.pending_exit.take() {
            self.threads.bury(tid);
        }
        if self.has_listed() {
            self.settle_lists();
        }
    }

    /// Finds or makes the event's thread; returns whether the event belongs to a thread at all.
    fn attach_event(&mut self, tid: i64, attach: Attach) -> bool {
        if attach == Attach::Create {
            self.attach(tid);
        }
        attach != Attach::Nobody
    }

    /// Makes sure that `tid` is in the table; returns whether more than its number is known.
    fn attach(&mut self, tid: i64) -> bool {
        if let Some(thread) = self.threads.get_mut(tid) {
            return thread.is_known();
        }
        if tid < 0 {
            return false;
        }
        let found = self.look_up(tid, MAX_UNKNOWN_PARENTS);
        if !found {
            self.threads.insert(Thread::new(tid));
        }
        found
    }

    /// Takes a thread of this machine, and those above it that are not known either, from
    /// `/proc`; returns whether it was found. Files are of another time: nothing is looked up.
    #[cfg(unix)]
    fn look_up(&mut self, tid: i64, parents: u32) -> bool {
        let seen = self.procfs.as_mut().and_then(|procfs| procfs.look(tid, &mut self.interner));
        let Some(procfs::Seen { mut thread, cgroups }) = seen else { return false };
        self.cgroups.give(&mut thread, &cgroups, &mut self.containers);
        for above in [thread.pid, thread.ptid] {
            if parents > 0 && above > 0 && above != tid && self.threads.get(above).is_none() {
                self.look_up(above, parents - 1);
            }
        }
        self.threads.insert(thread);
        true
    }

    /// Looks once more, in a live capture, for a descriptor that works though no event made it:
    /// one that came through a socket, or whose event was lost.
    #[cfg(unix)]
    fn repair_fd(&mut self, ev: &Event<'_>, applied: &Applied) {
        let Some(num) = applied.fd_num.filter(|n| *n >= 0 && self.procfs.is_some()) else { return };
        let Some(thread) = self.threads.get(ev.tid).filter(|t| t.is_known()) else { return };
        let failed = ev.retval().is_some_and(|res| res < 0);
        if failed || !applied.attached || self.fd_table(thread).get(num).is_some() {
            return;
        }
        let pid = thread.pid;
        let look = |p: &mut procfs::Procfs| p.look_at_fd(pid, num, &mut self.interner);
        let found = self.procfs.as_mut().and_then(look);
        if let Some((fd, fds)) = found.zip(self.fds_mut(ev.tid)) {
            fds.insert(num, fd);
        }
    }

    /// Whether the state is that of this machine as it works.
    fn is_live(&self) -> bool {
        #[cfg(unix)]
        return self.procfs.is_some();
        #[cfg(not(unix))]
        return false;
    }

    #[cfg(not(unix))]
    fn look_up(&mut self, _tid: i64, _parents: u32) -> bool {
        false
    }

    /// What the thread's previous event said, when that was an enter event worth keeping.
    fn take_enter(&mut self, tid: i64, attached: bool) -> Option<Box<enter::Enter>> {
        if attached {
            self.threads.get_mut(tid)?.enter.take()
        } else {
            None
        }
    }

    /// Whether the event belongs to the run at the head of a section that tells the initial state.
    fn is_leading(&mut self, code: u16) -> bool {
        self.saw_visible |= !leads(code);
        !self.saw_visible
    }

    /// Forgets everything, as at the start of a section.
    pub fn reset(&mut self) {
        let old = std::mem::take(self);
        *self = State {
            threads: ThreadTable::new(old.max_threads),
            rules: old.rules,
            containers: old.containers.emptied(),
            cgroups: old.cgroups.emptied(),
            max_threads: old.max_threads,
            max_fds: old.max_fds,
            refused_fds: old.refused_fds,
            #[cfg(unix)]
            procfs: old.procfs,
            ..State::default()
        };
    }

    /// How many descriptors had no room.
    pub fn refused_fds(&self) -> u64 {
        self.refused_fds
    }

    /// The thread `tid`.
    pub fn thread(&self, tid: i64) -> Option<&Thread> {
        self.threads.get(tid)
    }

    /// The main thread of `thread`'s process; the thread itself when it is not known.
    pub fn main_thread<'a>(&'a self, thread: &'a Thread) -> &'a Thread {
        if thread.tid == thread.pid {
            return thread;
        }
        self.threads.get(thread.pid).unwrap_or(thread)
    }

    /// The parent thread.
    pub fn parent<'a>(&'a self, thread: &Thread) -> Option<&'a Thread> {
        self.threads.get(thread.ptid)
    }

    /// The descriptor table that `thread` uses.
    pub fn fd_table<'a>(&'a self, thread: &'a Thread) -> &'a FdTable {
        if thread.flags & threads::flag::CLONE_FILES != 0 {
            &self.main_thread(thread).fds
        } else {
            &thread.fds
        }
    }

    /// Descriptor `num` of `thread`.
    pub fn fd<'a>(&'a self, thread: &'a Thread, num: i64) -> Option<&'a Fd> {
        self.fd_table(thread).get(num)
    }

    /// The container that `thread` runs in; nothing on the host.
    pub fn container_of(&self, thread: &Thread) -> Option<&Container> {
        self.containers.get(&thread.container_id)
    }

    fn main_mut(&mut self, tid: i64) -> Option<&mut Thread> {
        let thread = self.threads.get(tid)?;
        let main = if self.threads.get(thread.pid).is_some() { thread.pid } else { tid };
        if main == tid {
            self.threads.get_mut(tid)
        } else {
            self.threads.get_mut(main)
        }
    }

    fn fds_mut(&mut self, tid: i64) -> Option<&mut FdTable> {
        let shares = self.threads.get(tid)?.has(threads::flag::CLONE_FILES);
        let owner = if shares { self.main_mut(tid) } else { self.threads.get_mut(tid) };
        owner.map(|t| &mut t.fds)
    }

    /// The working directory of `thread`'s process: empty when the process is known and its
    /// directory is not.
    pub fn cwd_of<'a>(&'a self, thread: &'a Thread) -> &'a [u8] {
        let main = self.main_thread(thread);
        if main.is_known() || !main.cwd.is_empty() {
            &main.cwd
        } else {
            UNKNOWN_DIRECTORY
        }
    }

    fn cwd(&self, tid: i64) -> &[u8] {
        self.thread(tid).map_or(UNKNOWN_DIRECTORY, |t| self.cwd_of(t))
    }

    /// The absolute form of a path that `tid` gave together with `dirfd`; without one nothing is
    /// known of where a relative path begins.
    fn resolve(&mut self, tid: i64, dirfd: Option<i64>, path: &[u8]) -> Text {
        let mut out = std::mem::take(&mut self.scratch);
        if path.first() == Some(&b'/') {
            path::join_stored(b"", path, &mut out);
        } else if dirfd == Some(AT_FDCWD) {
            path::join_stored(self.cwd(tid), path, &mut out);
        } else {
            let base = dirfd.map_or_else(Vec::new, |fd| self.directory(tid, fd));
            path::join_stored(&base, path, &mut out);
        }
        let text = self.interner.text(&out);
        self.scratch = out;
        text
    }

    /// The directory behind descriptor `fd` as a base of relative paths.
    fn directory(&self, tid: i64, fd: i64) -> Vec<u8> {
        let fd = self.thread(tid).and_then(|t| self.fd(t, fd));
        match fd.and_then(|fd| fd.name.as_deref()) {
            Some(name) => [name, b"/"].concat(),
            None => b"<UNKNOWN>".to_vec(),
        }
    }
}

/// Whether events of `code` at the head of a section tell the initial state.
fn leads(code: u16) -> bool {
    matches!(code, 324 | 354..=361 | 402)
}
