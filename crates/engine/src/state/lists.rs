//! Rows of the process, descriptor and user lists into the state.
//!
//! In: records of metadata blocks. Out: threads and descriptors as they were when the capture
//! began. Next: the first event.
//! Source: scap format specification 4.2 and 4.3; event semantics, "Fds from the fd list".

use std::net::IpAddr;

use rustc_hash::FxHashSet;

use super::fds::{Fd, FdKind, Role, Tuple, L4};
use super::text::{Text, TextList};
use super::threads::Thread;
use super::State;

/// What the lists left to be done when all of them are read.
#[derive(Debug, Default)]
pub(super) struct Listed {
    threads: Vec<i64>,
    sockets: Vec<(i64, i64)>,
    server_ports: FxHashSet<(L4, u16)>,
}

impl State {
    /// The shared copy of a text.
    pub fn text(&mut self, bytes: &[u8]) -> Text {
        self.interner.text(bytes)
    }

    /// The shared list of the NUL-terminated strings in `bytes`.
    pub fn texts(&mut self, bytes: &[u8]) -> TextList {
        self.interner.list(bytes)
    }

    /// Adds a row of a process list; a thread seen twice takes the later row.
    ///
    /// `thread` is [`Thread::new`] with the fields that the row has. The parent is looked up
    /// when all lists are read, so rows may come in any order.
    pub fn add_thread_from_list(&mut self, mut thread: Thread) {
        if thread.cwd.last().is_some_and(|b| *b != b'/') {
            thread.cwd = self.interner.text(&[&thread.cwd, &b"/"[..]].concat());
        }
        self.cgroups.recognise(&mut thread, &mut self.containers);
        self.listed.threads.push(thread.tid);
        self.threads.insert_unlinked(thread);
    }

    /// Adds a row of the descriptor list of `tid`; rows of unknown threads are ignored.
    ///
    /// `fd` has what the row says: kind, transport, both ends (a server socket's address is the
    /// destination), kernel addresses, name, flags, device, inode. Names of IP sockets and
    /// roles are found here.
    pub fn add_fd_from_list(&mut self, tid: i64, num: i64, mut fd: Fd) {
        if self.threads.get(tid).is_none() {
            return;
        }
        unmap(&mut fd);
        match fd.kind {
            FdKind::Ipv4Serv | FdKind::Ipv6Serv => {
                fd.role = Role::Server;
                if let Some(tuple) = fd.tuple {
                    self.listed.server_ports.insert((fd.l4, tuple.dport));
                }
            }
            FdKind::Ipv4Sock | FdKind::Ipv6Sock => {
                fd.connected = fd.l4 == L4::Tcp;
                self.listed.sockets.push((tid, num));
            }
            FdKind::Unix if fd.name.as_ref().is_some_and(|n| !n.is_empty()) => {
                fd.role = Role::Server;
            }
            _ => {}
        }
        fd.name_ends();
        if let Some(thread) = self.threads.get_mut(tid) {
            thread.fds.insert(num, fd);
        }
    }

    /// Finishes what needs all lists: parents, and which end of a connection is the server.
    pub(super) fn settle_lists(&mut self) {
        let listed = std::mem::take(&mut self.listed);
        for tid in listed.threads {
            self.threads.link(tid);
        }
        for (tid, num) in listed.sockets {
            let fds = self.threads.get_mut(tid).map(|t| &mut t.fds);
            if let Some(fd) = fds.and_then(|fds| fds.get_mut(num)) {
                give_role(fd, &listed.server_ports);
            }
        }
    }

    /// Whether list rows came since the last event.
    pub(super) fn has_listed(&self) -> bool {
        !self.listed.threads.is_empty() || !self.listed.sockets.is_empty()
    }
}

/// A connection from a port that some process listens on was accepted by it.
fn give_role(fd: &mut Fd, server_ports: &FxHashSet<(L4, u16)>) {
    let Some(tuple) = fd.tuple else { return };
    // DIFFERENCE(libs 0.25-dev): IPv6 descriptors of the list get a role as well, and a server
    // port of one transport says nothing of the other.
    if server_ports.contains(&(fd.l4, tuple.sport)) {
        fd.tuple = Some(tuple.swapped());
        fd.role = Role::Server;
    } else {
        fd.role = Role::Client;
    }
    fd.name_ends();
}

/// An IPv6 socket whose ends are both mapped IPv4 addresses, or both unset, is an IPv4 socket.
fn unmap(fd: &mut Fd) {
    if fd.kind != FdKind::Ipv6Sock {
        return;
    }
    if let Some(tuple) = fd.tuple.and_then(|t| Tuple::unmapped(&t)) {
        fd.kind = FdKind::Ipv4Sock;
        fd.tuple = Some(tuple);
    }
}

impl Tuple {
    /// The same connection seen from the other end.
    pub fn swapped(self) -> Self {
        Tuple { src: self.dst, dst: self.src, sport: self.dport, dport: self.sport }
    }

    /// The IPv4 form, when both addresses are mapped IPv4 addresses or unset.
    pub(super) fn unmapped(&self) -> Option<Self> {
        Some(Tuple { src: unmapped(self.src)?, dst: unmapped(self.dst)?, ..*self })
    }
}

fn unmapped(addr: IpAddr) -> Option<IpAddr> {
    match addr {
        IpAddr::V6(v6) if v6.is_unspecified() => Some(IpAddr::V4([0; 4].into())),
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map(IpAddr::V4),
        IpAddr::V4(_) => None,
    }
}
