//! Descriptors and their tables.
//!
//! In: rows from descriptor lists and from the verbs. Out: [`Fd`]. Next: `users`.

use std::net::IpAddr;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::text::Text;

/// Greatest number of descriptors kept of one process, unless the plan says otherwise.
pub const DEFAULT_MAX_FDS: usize = 65_536;

/// Descriptor types, in the format's numbering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum FdKind {
    #[default]
    Unknown = 0,
    File = 1,
    Directory = 2,
    Ipv4Sock = 3,
    Ipv6Sock = 4,
    Ipv4Serv = 5,
    Ipv6Serv = 6,
    Fifo = 7,
    Unix = 8,
    Event = 9,
    Unsupported = 10,
    Signalfd = 11,
    Eventpoll = 12,
    Inotify = 13,
    Timerfd = 14,
    Netlink = 15,
    FileV2 = 16,
    Bpf = 17,
    Userfaultfd = 18,
    IoUring = 19,
    Memfd = 20,
    Pidfd = 21,
}

impl FdKind {
    /// All kinds; the position is the format's number.
    pub const ALL: [FdKind; 22] = [
        FdKind::Unknown,
        FdKind::File,
        FdKind::Directory,
        FdKind::Ipv4Sock,
        FdKind::Ipv6Sock,
        FdKind::Ipv4Serv,
        FdKind::Ipv6Serv,
        FdKind::Fifo,
        FdKind::Unix,
        FdKind::Event,
        FdKind::Unsupported,
        FdKind::Signalfd,
        FdKind::Eventpoll,
        FdKind::Inotify,
        FdKind::Timerfd,
        FdKind::Netlink,
        FdKind::FileV2,
        FdKind::Bpf,
        FdKind::Userfaultfd,
        FdKind::IoUring,
        FdKind::Memfd,
        FdKind::Pidfd,
    ];

    /// Whether it is an IPv4 or IPv6 socket.
    pub fn is_ip(self) -> bool {
        matches!(self, FdKind::Ipv4Sock | FdKind::Ipv6Sock | FdKind::Ipv4Serv | FdKind::Ipv6Serv)
    }

    /// Whether it is a listening or bound IP socket.
    pub fn is_server(self) -> bool {
        matches!(self, FdKind::Ipv4Serv | FdKind::Ipv6Serv)
    }

    /// Whether it is a socket of any family.
    pub fn is_socket(self) -> bool {
        self.is_ip() || matches!(self, FdKind::Unix | FdKind::Netlink)
    }
}

/// Transport of an IP socket, in the format's numbering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
#[allow(missing_docs)]
pub enum L4 {
    #[default]
    Unknown = 0,
    Na = 1,
    Tcp = 2,
    Udp = 3,
    Icmp = 4,
    Raw = 5,
}

/// Which end of a connection the process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum Role {
    #[default]
    None,
    Client,
    Server,
}

/// Both ends of an IP socket; for a bound one `dst` holds the bound address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuple {
    /// Source: the client.
    pub src: IpAddr,
    /// Destination: the server.
    pub dst: IpAddr,
    /// Source port.
    pub sport: u16,
    /// Destination port.
    pub dport: u16,
}

/// One descriptor.
#[derive(Clone, Debug, Default)]
pub struct Fd {
    /// Type.
    pub kind: FdKind,
    /// Transport, of IP sockets.
    pub l4: L4,
    /// Role, of IP and unix sockets.
    pub role: Role,
    /// Ends, of IP sockets whose addresses are known.
    pub tuple: Option<Tuple>,
    /// Kernel addresses of both ends, of unix sockets.
    pub unix: Option<(u64, u64)>,
    /// Name as it is shown.
    pub name: Option<Text>,
    /// Path as it was given, when it was relative.
    pub raw_name: Option<Text>,
    /// Open flags in the format's numbering.
    pub open_flags: u32,
    /// Device of the file.
    pub dev: u32,
    /// Inode of the file.
    pub ino: u64,
    /// Mount id of the file.
    pub mount_id: u32,
    /// Data has passed, or the connection is made.
    pub connected: bool,
    /// Closed at exec.
    pub cloexec: bool,
    /// A connect on it is in progress.
    pub connecting: bool,
}

impl Fd {
    /// Sets the name of an IP socket to its ends, as they are shown.
    pub fn name_ends(&mut self) {
        let Some(tuple) = self.tuple else { return };
        if self.kind.is_ip() {
            let is_server = self.kind.is_server();
            self.name = Some(tuple.text(is_server, self.l4).into_bytes().into());
        }
    }
}

impl Tuple {
    /// `source:port->destination:port`, the destination alone for a bound socket; transports
    /// without ports show none.
    pub fn text(&self, is_bound: bool, l4: L4) -> String {
        if is_bound {
            return format!("{}:{}", self.dst, self.dport);
        }
        match l4 {
            L4::Icmp | L4::Raw => format!("{}->{}", self.src, self.dst),
            _ => format!("{}:{}->{}:{}", self.src, self.sport, self.dst, self.dport),
        }
    }
}

/// Descriptors of one process.
///
/// A copy, as at a fork, shares the entries until one side changes them.
#[derive(Clone, Debug, Default)]
pub struct FdTable {
    by_num: Arc<FxHashMap<i64, Fd>>,
}

impl FdTable {
    /// Descriptor `num`.
    pub fn get(&self, num: i64) -> Option<&Fd> {
        self.by_num.get(&num)
    }

    /// Descriptor `num`, to be changed.
    pub fn get_mut(&mut self, num: i64) -> Option<&mut Fd> {
        if !self.by_num.contains_key(&num) {
            return None;
        }
        Arc::make_mut(&mut self.by_num).get_mut(&num)
    }

    /// Adds or replaces a descriptor.
    pub fn insert(&mut self, num: i64, fd: Fd) {
        Arc::make_mut(&mut self.by_num).insert(num, fd);
    }

    /// Removes a descriptor.
    pub fn remove(&mut self, num: i64) -> Option<Fd> {
        if !self.by_num.contains_key(&num) {
            return None;
        }
        Arc::make_mut(&mut self.by_num).remove(&num)
    }

    /// Removes the descriptors that `gone` says.
    pub fn remove_where(&mut self, gone: impl Fn(i64, &Fd) -> bool) {
        if self.by_num.iter().any(|(n, f)| gone(*n, f)) {
            Arc::make_mut(&mut self.by_num).retain(|n, f| !gone(*n, f));
        }
    }

    /// Changes the descriptors that `which` says.
    pub fn change_where(&mut self, which: impl Fn(i64, &Fd) -> bool, change: impl Fn(&mut Fd)) {
        if self.by_num.iter().any(|(n, f)| which(*n, f)) {
            let all = Arc::make_mut(&mut self.by_num).iter_mut();
            all.filter(|(n, f)| which(**n, f)).for_each(|(_, f)| change(f));
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_num.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_num.is_empty()
    }

    /// All descriptors, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (i64, &Fd)> {
        self.by_num.iter().map(|(n, f)| (*n, f))
    }
}
