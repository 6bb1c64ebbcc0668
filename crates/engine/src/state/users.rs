//! Users and groups, of the host and of containers.
//!
//! In: rows from user lists and user events. Out: [`User`], [`Group`]. Next: `extract`.

use rustc_hash::FxHashMap;

use super::Text;

/// One user.
#[derive(Clone, Debug)]
pub struct User {
    /// Number.
    pub uid: u32,
    /// Main group.
    pub gid: u32,
    /// Name.
    pub name: Text,
    /// Home directory.
    pub homedir: Text,
    /// Login shell.
    pub shell: Text,
}

/// One group.
#[derive(Clone, Debug)]
pub struct Group {
    /// Number.
    pub gid: u32,
    /// Name.
    pub name: Text,
}

/// Users and groups by container id; the host's is empty.
#[derive(Clone, Debug, Default)]
pub struct UserTable {
    users: FxHashMap<(Text, u32), User>,
    groups: FxHashMap<(Text, u32), Group>,
}

impl UserTable {
    /// User `uid` of `container`.
    pub fn user(&self, container: &[u8], uid: u32) -> Option<&User> {
        self.users.get(&(container.into(), uid))
    }

    /// Group `gid` of `container`.
    pub fn group(&self, container: &[u8], gid: u32) -> Option<&Group> {
        self.groups.get(&(container.into(), gid))
    }

    /// Adds or replaces a user.
    pub fn insert_user(&mut self, container: &[u8], user: User) {
        self.users.insert((container.into(), user.uid), user);
    }

    /// Adds or replaces a group.
    pub fn insert_group(&mut self, container: &[u8], group: Group) {
        self.groups.insert((container.into(), group.gid), group);
    }

    /// Removes a user.
    pub fn remove_user(&mut self, container: &[u8], uid: u32) {
        self.users.remove(&(container.into(), uid));
    }

    /// Removes a group.
    pub fn remove_group(&mut self, container: &[u8], gid: u32) {
        self.groups.remove(&(container.into(), gid));
    }
}
