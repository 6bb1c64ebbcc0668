//! Paths: relative ones joined with their directory, dots and double slashes removed.
//!
//! In: bytes of path parameters. Out: absolute paths. Next: names of descriptors and directories in
//! [`crate::state`], and of parameters in [`crate::render`].
//! Source: scap format specification, event semantics 3.

/// Longest path the format stores.
const MAX_PATH_BYTES: usize = 1023;

/// Stands for a path that is too long to be stored.
const TOO_LONG: &[u8] = b"/DIR_TOO_LONG/FILENAME_TOO_LONG";

/// Appends `path`, which is relative to the directory `base` unless it is absolute; normalised.
/// Nothing comes of an empty path.
pub(crate) fn join(base: &[u8], path: &[u8], out: &mut Vec<u8>) {
    match path.first() {
        None => {}
        Some(first) if *first == b'/' || base.is_empty() => normalise(&[path], out),
        Some(_) => normalise(&[base, b"/", path], out),
    }
}

/// The path as the format stores it, in place of what `out` held; `base` is put before a relative
/// one as it is, since a directory is stored with its final slash.
pub(crate) fn join_stored(base: &[u8], path: &[u8], out: &mut Vec<u8>) {
    out.clear();
    match path.first() {
        _ if base.len() + path.len() > MAX_PATH_BYTES => out.extend_from_slice(TOO_LONG),
        None => {}
        Some(b'/') => normalise(&[path], out),
        Some(_) => normalise(&[base, path], out),
    }
}

/// Appends the parts, read as one path, without "//", "." and "..".
fn normalise(parts: &[&[u8]], out: &mut Vec<u8>) {
    let is_absolute = parts.iter().find_map(|p| p.first()) == Some(&b'/');
    if is_absolute {
        out.push(b'/');
    }
    let floor = out.len();
    let mut component_at = out.len();
    for byte in parts.iter().flat_map(|p| p.iter().copied()) {
        if byte == b'/' {
            end_component(out, &mut component_at, floor);
        } else {
            if out.len() == component_at && out.len() > floor && out.last() != Some(&b'/') {
                out.push(b'/');
                component_at = out.len();
            }
            out.push(byte);
        }
    }
    end_component(out, &mut component_at, floor);
}

/// Takes back the last component when it is "." or "..", the latter with the one before.
fn end_component(out: &mut Vec<u8>, component_at: &mut usize, floor: usize) {
    let component = out.get(*component_at..).unwrap_or(&[]);
    let levels = match component {
        b"." => 1,
        b".." => 2,
        _ => 0,
    };
    for _ in 0..levels {
        drop_component(out, floor);
    }
    *component_at = out.len();
}

fn drop_component(out: &mut Vec<u8>, floor: usize) {
    let end = out.iter().rposition(|b| *b == b'/').unwrap_or(0).max(floor);
    out.truncate(end);
}

/// Appends `path` with runs of slashes made one.
pub(crate) fn collapse_slashes(path: &[u8], out: &mut Vec<u8>) {
    out.clear();
    for byte in path {
        if *byte != b'/' || out.last() != Some(&b'/') {
            out.push(*byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(base: &str, path: &str) -> String {
        let mut out = Vec::new();
        join_stored(base.as_bytes(), path.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_path_is_appended_to_what_is_there() {
        let mut out = b"path=".to_vec();
        join(b"/srv", b"../../etc//x/./y", &mut out);
        assert_eq!(out, b"path=/etc/x/y");
        out.truncate(5);
        join(b"/srv/www", b"a", &mut out);
        assert_eq!(out, b"path=/srv/www/a");
        out.truncate(5);
        join(b"", b"a/..", &mut out);
        assert_eq!(out, b"path=");
    }

    #[test]
    fn relative_paths_are_joined_and_normalised() {
        assert_eq!(joined("/home/u/", "x"), "/home/u/x");
        assert_eq!(joined("/home/u/", "../v/./w//x/"), "/home/v/w/x");
        assert_eq!(joined("/home/u/", "."), "/home/u");
        assert_eq!(joined("/home/u/", ""), "");
        assert_eq!(joined("/", "a"), "/a");
        assert_eq!(joined("", "a/b"), "a/b");
        assert_eq!(joined("/a", "../../../b"), "/b");
    }

    #[test]
    fn absolute_paths_ignore_the_base() {
        assert_eq!(joined("/home/u/", "//etc/../etc/passwd"), "/etc/passwd");
        assert_eq!(joined("/home/u/", "/"), "/");
        assert_eq!(joined("/home/u/", "/../.."), "/");
    }

    #[test]
    fn a_base_that_is_unknown_stays_in_front() {
        assert_eq!(joined("<UNKNOWN>", "etc/passwd"), "<UNKNOWN>etc/passwd");
        assert_eq!(joined("", "etc/passwd"), "etc/passwd");
        assert_eq!(joined("/home/u/", "<NA>"), "/home/u/<NA>");
    }

    #[test]
    fn a_path_too_long_for_the_format_is_replaced() {
        assert_eq!(joined(&"/a".repeat(600), "x"), "/DIR_TOO_LONG/FILENAME_TOO_LONG");
    }

    #[test]
    fn slashes_collapse_without_other_changes() {
        let mut out = Vec::new();
        collapse_slashes(b"//a///b/../c/", &mut out);
        assert_eq!(out, b"/a/b/../c/");
    }
}
