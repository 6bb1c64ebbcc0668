//! Families and groups of threads: who adopts orphans, when a leader leaves.
//!
//! In: exits and late knowledge of a thread. Out: parents, children and groups that agree.
//! Source: scap format specification, event semantics 2.

use std::sync::Arc;

use super::threads::{flag, Thread, ThreadTable};

/// Most ancestors looked at: real chains are short, and a damaged one may be a loop.
const MAX_ANCESTORS: usize = 1024;

/// Most generations that are remembered of a process whose parent has ended.
const MAX_GENERATIONS: usize = 256;

impl ThreadTable {
    /// The ancestors of `thread`, its parent first; a loop ends after a bounded number.
    pub fn ancestors<'a>(&'a self, thread: &'a Thread) -> impl Iterator<Item = &'a Thread> {
        std::iter::successors(self.get(thread.ptid), |t| self.get(t.ptid)).take(MAX_ANCESTORS)
    }

    /// The process of `thread` and those it descends from, the nearest first, whether they still
    /// run or not; of more than [`MAX_GENERATIONS`] the nearest.
    pub fn lineage(&self, thread: &Thread) -> Vec<i64> {
        let (mut pids, mut next) = (Vec::new(), Some(thread));
        while let Some(thread) = next.filter(|t| t.is_known() && pids.len() < MAX_GENERATIONS) {
            if pids.last() != Some(&thread.pid) {
                pids.push(thread.pid);
            }
            let main = self.get(thread.pid).unwrap_or(thread);
            if let Some(above) = main.forebears.as_ref().or(thread.forebears.as_ref()) {
                pids.extend_from_slice(above);
                break;
            }
            next = self.get(thread.ptid);
        }
        pids.truncate(MAX_GENERATIONS);
        pids
    }

    /// Gives a thread that was known by its number alone its process and parent.
    pub(super) fn make_known(&mut self, tid: i64, pid: i64, ptid: i64) {
        let Some(thread) = self.get_mut(tid) else { return };
        (thread.pid, thread.ptid) = (pid, ptid);
        self.join_group(tid);
        self.link(tid);
    }

    /// Notes that a thread has exited; it stays in the table.
    pub(super) fn mark_dead(&mut self, tid: i64) {
        let Some(thread) = self.get_mut(tid).filter(|t| !t.is_dead()) else { return };
        thread.flags |= flag::CLOSED;
        let pid = thread.pid;
        if let Some(group) = self.group_mut(pid) {
            group.alive = group.alive.saturating_sub(1);
        }
    }

    /// Takes back that a thread has exited.
    pub(super) fn revive(&mut self, tid: i64) {
        let Some(thread) = self.get_mut(tid).filter(|t| t.is_dead()) else { return };
        thread.flags &= !flag::CLOSED;
        let pid = thread.pid;
        if let Some(group) = self.group_mut(pid) {
            group.alive += 1;
        }
    }

    /// Removes a thread: its children get another parent, a leader stays while its group lives,
    /// and the last thread takes a dead leader along.
    pub(super) fn bury(&mut self, tid: i64) {
        self.mark_dead(tid);
        let Some(thread) = self.get(tid) else { return };
        let (pid, is_main) = (thread.pid, thread.is_main());
        if !thread.children.is_empty() {
            self.hand_over_children(tid);
        }
        let alive = self.group(pid).map_or(0, |g| g.alive);
        if is_main && alive > 0 {
            return;
        }
        self.remove(tid);
        if !is_main && alive == 0 && self.get(pid).is_some_and(Thread::is_dead) {
            self.bury(pid);
        }
    }

    fn hand_over_children(&mut self, tid: i64) {
        let Some(thread) = self.get(tid) else { return };
        let told = self.get(thread.reaper_tid).filter(|r| r.is_known() && r.tid != tid);
        let reaper = told.or_else(|| self.find_reaper(thread)).map(|r| (r.tid, r.pid));
        let pid = thread.pid;
        let lineage: Arc<[i64]> = self.lineage(thread).into();
        let children = self.get_mut(tid).map(|t| std::mem::take(&mut t.children));
        if let Some((_, reaper_pid)) = reaper.filter(|(_, p)| *p != pid) {
            if let Some(group) = self.group_mut(reaper_pid) {
                group.is_reaper = true;
            }
        }
        for child in children.unwrap_or_default() {
            let ptid = reaper.map_or(0, |(reaper_tid, _)| self.adopt(child, reaper_tid));
            if let Some(child) = self.get_mut(child) {
                child.ptid = ptid;
                child.forebears.get_or_insert_with(|| lineage.clone());
            }
        }
    }

    /// Another live thread of the group, else a live thread of the nearest reaping ancestor that
    /// lives in the same kind of pid namespace.
    fn find_reaper(&self, thread: &Thread) -> Option<&Thread> {
        let in_namespace = thread.in_pid_namespace();
        self.live_member(thread.pid, thread.tid).or_else(|| {
            self.ancestors(thread)
                .take_while(|a| a.in_pid_namespace() == in_namespace)
                .filter(|a| self.group(a.pid).is_some_and(|g| g.is_reaper))
                .find_map(|a| self.live_member(a.pid, thread.tid))
        })
    }

    fn live_member(&self, pid: i64, except: i64) -> Option<&Thread> {
        let tids = &self.group(pid)?.tids;
        tids.iter().filter(|t| **t != except).filter_map(|t| self.get(*t)).find(|t| !t.is_dead())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread(tid: i64, pid: i64, ptid: i64) -> Thread {
        Thread { pid, ptid, vtid: tid, vpid: pid, ..Thread::new(tid) }
    }

    fn table(rows: &[(i64, i64, i64)]) -> ThreadTable {
        let mut table = ThreadTable::default();
        for (tid, pid, ptid) in rows {
            table.insert(thread(*tid, *pid, *ptid));
        }
        table
    }

    fn ptid(table: &ThreadTable, tid: i64) -> i64 {
        table.get(tid).unwrap().ptid
    }

    #[test]
    fn orphans_go_to_another_thread_of_the_group_first() {
        let mut t = table(&[(1, 1, 0), (10, 10, 1), (11, 10, 1), (20, 20, 11)]);
        t.bury(11);
        assert_eq!(ptid(&t, 20), 10);
    }

    #[test]
    fn orphans_of_the_last_thread_go_to_the_nearest_reaper() {
        let mut t = table(&[(1, 1, 0), (5, 5, 1), (10, 10, 5), (20, 20, 10)]);
        t.group_mut(5).unwrap().is_reaper = true;
        t.bury(10);
        assert_eq!(ptid(&t, 20), 5);
        t.bury(5);
        assert_eq!(ptid(&t, 20), 1);
    }

    #[test]
    fn the_reaper_that_the_exit_names_is_taken_and_becomes_one() {
        let mut t = table(&[(1, 1, 0), (5, 5, 1), (10, 10, 1), (20, 20, 10)]);
        t.get_mut(10).unwrap().reaper_tid = 5;
        t.bury(10);
        assert_eq!(ptid(&t, 20), 5);
        assert!(t.group(5).unwrap().is_reaper);
    }

    #[test]
    fn orphans_without_a_reaper_have_no_parent() {
        let mut t = table(&[(10, 10, 0), (20, 20, 10)]);
        t.bury(10);
        assert_eq!(ptid(&t, 20), 0);
    }

    #[test]
    fn a_leader_stays_until_its_last_thread_is_gone() {
        let mut t = table(&[(10, 10, 0), (11, 10, 0)]);
        t.bury(10);
        assert!(t.get(10).unwrap().is_dead());
        assert_eq!(t.group(10).unwrap().alive, 1);
        t.bury(11);
        assert!(t.is_empty());
        assert!(t.group(10).is_none());
    }

    #[test]
    fn an_orphan_keeps_its_lineage() {
        let mut t = table(&[(1, 1, 0), (5, 5, 1), (10, 10, 5), (11, 10, 5), (20, 20, 11)]);
        t.group_mut(5).unwrap().is_reaper = true;
        t.bury(11);
        assert_eq!(t.lineage(t.get(20).unwrap()), [20, 10, 5, 1]);
        t.bury(10);
        t.bury(5);
        assert_eq!(ptid(&t, 20), 1);
        t.insert(thread(21, 21, 20));
        t.insert(thread(22, 20, 1));
        assert_eq!(t.lineage(t.get(21).unwrap()), [21, 20, 10, 5, 1]);
        assert_eq!(t.lineage(t.get(22).unwrap()), [20, 10, 5, 1]);
    }

    #[test]
    fn a_long_lineage_is_cut() {
        let mut t = table(&[(1, 1, 0), (2, 2, 1)]);
        for pid in 3..2000 {
            t.insert(thread(pid, pid, pid - 1));
            t.bury(pid - 1);
        }
        let lineage = t.lineage(t.get(1999).unwrap());
        assert_eq!((lineage.len(), lineage[1]), (MAX_GENERATIONS, 1998));
    }

    #[test]
    fn a_loop_of_parents_ends() {
        let mut t = table(&[(10, 10, 0), (20, 20, 10)]);
        t.get_mut(10).unwrap().ptid = 20;
        assert_eq!(t.ancestors(t.get(10).unwrap()).count(), MAX_ANCESTORS);
        t.bury(10);
        assert_eq!(t.len(), 1);
    }
}
