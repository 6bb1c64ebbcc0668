//! The paths of `pmatch` as a tree of their components.
//!
//! In: paths of the filter. Out: whether a value is one of them or below one. Next:
//! [`super::compare`].
//!
//! Slashes at the ends and repeated ones count for nothing; a component with `?`, `*` or `[` is a
//! shell pattern; a path without components has everything below it.
//! Source: observed: sysdig 0.41.4.

use rustc_hash::FxHashMap;

use super::glob;

#[derive(Debug, Default)]
struct Node {
    plain: FxHashMap<Box<[u8]>, usize>,
    patterns: Vec<(Box<[u8]>, usize)>,
    is_end: bool,
}

/// Paths, ready to be looked up.
#[derive(Debug)]
pub struct PathTree {
    nodes: Vec<Node>,
}

fn components(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|b| *b == b'/').filter(|part| !part.is_empty())
}

impl PathTree {
    /// Makes a tree of paths.
    pub fn new<'a>(paths: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut tree = PathTree { nodes: vec![Node::default()] };
        for path in paths {
            tree.add(path);
        }
        tree
    }

    fn add(&mut self, path: &[u8]) {
        let mut at = 0;
        for part in components(path) {
            let new = self.nodes.len();
            let Some(node) = self.nodes.get_mut(at) else { return };
            at = if glob::is_pattern(part) {
                match node.patterns.iter().find(|(pattern, _)| **pattern == *part) {
                    Some((_, next)) => *next,
                    None => {
                        node.patterns.push((part.into(), new));
                        new
                    }
                }
            } else {
                *node.plain.entry(part.into()).or_insert(new)
            };
            if at == new {
                self.nodes.push(Node::default());
            }
        }
        if let Some(node) = self.nodes.get_mut(at) {
            node.is_end = true;
        }
    }

    /// Whether `value` is one of the paths or below one.
    pub fn covers(&self, value: &[u8]) -> bool {
        let mut active: Vec<&Node> = self.nodes.first().into_iter().collect();
        let mut parts = components(value);
        while !active.is_empty() {
            if active.iter().any(|node| node.is_end) {
                return true;
            }
            let Some(part) = parts.next() else { return false };
            active = active.iter().flat_map(|node| self.children(node, part)).collect();
        }
        false
    }

    fn children<'a>(&'a self, node: &'a Node, part: &'a [u8]) -> impl Iterator<Item = &'a Node> {
        let plain = node.plain.get(part).copied();
        let patterns = node.patterns.iter().filter(move |(p, _)| glob::matches(p, part, false));
        plain.into_iter().chain(patterns.map(|(_, next)| *next)).filter_map(|i| self.nodes.get(i))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(paths: &[&str]) -> PathTree {
        PathTree::new(paths.iter().map(|p| p.as_bytes()))
    }

    #[test]
    fn prefixes_are_whole_components() {
        let paths = tree(&["/usr/lib", "etc"]);
        assert!(paths.covers(b"/usr/lib"));
        assert!(paths.covers(b"/usr//lib/x.so"));
        assert!(paths.covers(b"/etc/passwd"));
        assert!(!paths.covers(b"/usr/libexec"));
        assert!(!paths.covers(b"/usr"));
    }

    #[test]
    fn the_root_covers_everything() {
        assert!(tree(&["/"]).covers(b"x"));
        assert!(tree(&[""]).covers(b""));
        assert!(!tree(&[]).covers(b"/x"));
    }

    #[test]
    fn patterns_match_one_component() {
        let paths = tree(&["/usr/*/x86*", "/us?/lib"]);
        assert!(paths.covers(b"/usr/lib/x86_64/libc.so"));
        assert!(paths.covers(b"/usr/lib"));
        assert!(!paths.covers(b"/usr/share/a"));
    }

    #[test]
    fn many_patterns_do_not_multiply() {
        let one = "/*a*".repeat(20);
        let two = "/a*".repeat(20);
        let value = format!("{}/b", "/aaaa".repeat(19));
        assert!(!tree(&[&one, &two]).covers(value.as_bytes()));
    }
}
