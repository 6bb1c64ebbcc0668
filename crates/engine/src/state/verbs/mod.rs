//! The closed set of verbs: what an event can do to the state.
//!
//! In: an event and the rule of its code. Out: changes of [`State`] and of [`Applied`].
//! Next: [`crate::ctx`] looks at what is left.

mod anon;
mod file;
mod ids;
mod lists;
mod process;
mod socket;
mod thread;

pub(super) use file::AT_FDCWD;

use super::enter::Enter;
use super::rules::{Attach, InputKind, Inputs, Row};
use super::{Applied, Fd, FdTable, State, Text, Thread};
use crate::error::{Error, Result};
use crate::event::Event;

/// One event at work on the state.
pub(crate) struct Step<'a, 'e> {
    pub state: &'a mut State,
    pub ev: &'a Event<'e>,
    pub applied: &'a mut Applied,
    /// What the thread's previous event said, when it was an enter event worth keeping.
    pub enter: Option<Box<Enter>>,
}

impl Step<'_, '_> {
    /// The event's thread.
    pub fn thread(&mut self) -> Option<&mut Thread> {
        self.state.threads.get_mut(self.ev.tid)
    }

    /// The main thread of the event's thread.
    pub fn main_thread(&mut self) -> Option<&mut Thread> {
        self.state.main_mut(self.ev.tid)
    }

    /// The descriptors of the event's thread.
    pub fn fds(&mut self) -> Option<&mut FdTable> {
        self.state.fds_mut(self.ev.tid)
    }

    /// Descriptor `num` of the event's thread.
    pub fn fd(&self, num: i64) -> Option<&Fd> {
        self.state.fd(self.state.thread(self.ev.tid)?, num)
    }

    /// Gives the event's thread a descriptor and makes it the event's own.
    pub fn add_fd(&mut self, num: i64, fd: Fd) {
        self.applied.fd_num = Some(num);
        self.applied.fd_name_changed = fd.name.as_ref().is_some_and(|name| !name.is_empty());
        self.put_fd(num, fd);
    }

    /// Gives the event's thread a descriptor.
    pub fn put_fd(&mut self, num: i64, fd: Fd) {
        let max = self.state.max_fds;
        let Some(fds) = self.fds() else { return };
        if fds.len() < max || fds.get(num).is_some() {
            fds.insert(num, fd);
        } else {
            self.state.refused_fds += 1;
        }
    }

    /// The shared copy of a text.
    pub fn text(&mut self, bytes: &[u8]) -> Text {
        self.state.interner.text(bytes)
    }

    /// What the enter event said, when it is the one with code `code`.
    pub fn enter_of(&self, code: u16) -> Option<&Enter> {
        self.enter.as_deref().filter(|e| e.code == code)
    }
}

/// One verb as others may ask for it.
#[derive(Clone, Copy, Debug)]
pub struct VerbInfo {
    /// Name.
    pub name: &'static str,
    /// Inputs and what kind of parameter each wants.
    pub inputs: &'static [(&'static str, InputKind)],
    /// Constants.
    pub consts: &'static [&'static str],
}

impl std::fmt::Display for VerbInfo {
    /// `name(input: kind, …; constant, …)`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let inputs: Vec<String> =
            self.inputs.iter().map(|(name, kind)| format!("{name}: {}", kind.name())).collect();
        write!(f, "{}({}; {})", self.name, inputs.join(", "), self.consts.join(", "))
    }
}

macro_rules! verbs {
    ($($name:literal => $variant:ident($module:ident::$inputs:ident) $attach:ident $run:ident;)*) => {
        /// A verb with its inputs.
        #[derive(Clone, Copy, Debug)]
        pub(crate) enum Verb {
            $($variant($module::$inputs),)*
        }

        /// Every verb there is.
        pub const VERBS: &[VerbInfo] = &[$(VerbInfo {
            name: $name,
            inputs: <$module::$inputs as Inputs>::INPUTS,
            consts: <$module::$inputs as Inputs>::CONSTS,
        },)*];

        impl Verb {
            /// The verb called `name` with the inputs of `row`, and whose events it takes.
            pub fn compile(name: &str, row: &Row<'_>) -> Result<(Verb, Attach)> {
                match name {
                    $($name => {
                        row.check_names::<$module::$inputs>()?;
                        Ok((Verb::$variant(Inputs::load(row)?), Attach::$attach))
                    })*
                    _ => Err(Error::Plan(format!("unknown verb {name:?}"))),
                }
            }

            /// Does it.
            pub fn run(&self, step: &mut Step<'_, '_>) {
                match self {
                    $(Verb::$variant(inputs) => $module::$run(step, inputs),)*
                }
            }
        }
    };
}

verbs! {
    "clone" => Clone(process::CloneInputs) Known clone;
    "exec" => Exec(process::ExecInputs) Create exec;
    "exit" => Exit(process::ExitInputs) Known exit;
    "control_process" => Control(process::ControlInputs) Create control;
    "remember_enter" => RememberEnter(thread::EnterInputs) Create remember_enter;
    "set_session" => SetSession(thread::SessionInputs) Create set_session;
    "set_ids" => SetIds(ids::IdInputs) Create set_ids;
    "set_capabilities" => SetCaps(ids::CapInputs) Create set_caps;
    "enter_namespaces" => EnterNamespaces(ids::NamespaceInputs) Create enter_namespaces;
    "limit_descriptors" => LimitFds(thread::LimitInputs) Create limit_fds;
    "change_directory" => ChangeDirectory(thread::DirectoryInputs) Create change_directory;
    "change_root" => ChangeRoot(thread::RootInputs) Create change_root;
    "count_memory" => CountMemory(thread::MemoryInputs) Create count_memory;
    "switch_out" => SwitchOut(thread::SwitchInputs) Known switch_out;
    "open_file" => OpenFile(file::OpenInputs) Create open_file;
    "close" => Close(file::CloseInputs) Create close;
    "close_range" => CloseRange(file::CloseRangeInputs) Create close_range;
    "duplicate" => Duplicate(file::DuplicateInputs) Create duplicate;
    "control_descriptor" => ControlFd(file::ControlInputs) Create control;
    "make_descriptor" => MakeFd(anon::MakeInputs) Create make;
    "make_pipe" => MakePipe(anon::PipeInputs) Create make_pipe;
    "make_pidfd" => MakePidfd(anon::PidfdInputs) Create make_pidfd;
    "take_descriptor" => TakeFd(anon::TakeInputs) Create take;
    "make_socket" => MakeSocket(socket::SocketInputs) Create make_socket;
    "make_socket_pair" => MakeSocketPair(socket::PairInputs) Create make_pair;
    "bind" => Bind(socket::BindInputs) Create bind;
    "connect" => Connect(socket::ConnectInputs) Create connect;
    "accept" => Accept(socket::AcceptInputs) Create accept;
    "transfer" => Transfer(socket::TransferInputs) Create transfer;
    "add_user" => AddUser(lists::UserInputs) Nobody add_user;
    "remove_user" => RemoveUser(lists::UserInputs) Nobody remove_user;
    "add_group" => AddGroup(lists::GroupInputs) Nobody add_group;
    "remove_group" => RemoveGroup(lists::GroupInputs) Nobody remove_group;
    "describe_container" => DescribeContainer(lists::ContainerInputs) Nobody describe_container;
}
