//! Users and groups, of the host and of containers.
//!
//! In: rows from user lists and user events. Out: [`User`], [`Group`]. Next: `extract`.

use rustc_hash::FxHashMap;

use super::text::Text;

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

/// Greatest number of containers whose users and groups are kept.
const MAX_CONTAINERS: usize = 4096;

/// Greatest number of users, and of groups, kept for one container.
const MAX_ENTRIES: usize = 65_536;

/// Users and groups of the host or of one container.
#[derive(Clone, Debug, Default)]
struct Names {
    users: FxHashMap<u32, User>,
    groups: FxHashMap<u32, Group>,
}

/// Users and groups by container id; the host's is empty.
#[derive(Clone, Debug, Default)]
pub struct UserTable {
    by_container: FxHashMap<Text, Names>,
    refused: u64,
}

impl UserTable {
    /// User `uid` of `container`.
    pub fn user(&self, container: &[u8], uid: u32) -> Option<&User> {
        self.by_container.get(container)?.users.get(&uid)
    }

    /// Group `gid` of `container`.
    pub fn group(&self, container: &[u8], gid: u32) -> Option<&Group> {
        self.by_container.get(container)?.groups.get(&gid)
    }

    /// Adds or replaces a user.
    pub fn insert_user(&mut self, container: &[u8], user: User) {
        match self.names_mut(container).filter(|n| n.users.len() < MAX_ENTRIES) {
            Some(names) => _ = names.users.insert(user.uid, user),
            None => self.refused += 1,
        }
    }

    /// Adds or replaces a group.
    pub fn insert_group(&mut self, container: &[u8], group: Group) {
        match self.names_mut(container).filter(|n| n.groups.len() < MAX_ENTRIES) {
            Some(names) => _ = names.groups.insert(group.gid, group),
            None => self.refused += 1,
        }
    }

    /// Removes a user.
    pub fn remove_user(&mut self, container: &[u8], uid: u32) {
        if let Some(names) = self.by_container.get_mut(container) {
            names.users.remove(&uid);
        }
    }

    /// Removes a group.
    pub fn remove_group(&mut self, container: &[u8], gid: u32) {
        if let Some(names) = self.by_container.get_mut(container) {
            names.groups.remove(&gid);
        }
    }

    /// How many entries had no room.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    fn names_mut(&mut self, container: &[u8]) -> Option<&mut Names> {
        if !self.by_container.contains_key(container) {
            if self.by_container.len() >= MAX_CONTAINERS {
                return None;
            }
            self.by_container.insert(container.into(), Names::default());
        }
        self.by_container.get_mut(container)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(gid: u32) -> Group {
        Group { gid, name: Text::from(*b"g") }
    }

    #[test]
    fn containers_have_users_of_their_own() {
        let mut table = UserTable::default();
        table.insert_group(b"", group(7));
        assert!(table.group(b"", 7).is_some());
        assert!(table.group(b"c0ffee", 7).is_none());
        table.remove_group(b"", 7);
        assert!(table.group(b"", 7).is_none());
    }

    #[test]
    fn the_number_of_entries_is_bounded_and_refusals_are_counted() {
        let mut table = UserTable::default();
        for gid in 0..=u32::try_from(MAX_ENTRIES).unwrap() {
            table.insert_group(b"", group(gid));
        }
        assert_eq!(table.refused(), 1);
    }
}
