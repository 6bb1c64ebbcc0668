//! Relative paths made absolute.
//!
//! In: a directory and a path. Out: the normalised path, appended to a line. Next: `param`.

/// Appends `path` joined to `base`; without `//`, `.`, `..` and a final slash.
pub fn join(out: &mut Vec<u8>, base: &[u8], path: &[u8]) {
    let start = out.len();
    let base = if path.first() == Some(&b'/') { &[] } else { base };
    let rooted = base.first().or(path.first()) == Some(&b'/');
    add_parts(out, start, base, rooted);
    add_parts(out, start, path, rooted);
    if rooted && out.len() == start {
        out.push(b'/');
    }
}

fn add_parts(out: &mut Vec<u8>, start: usize, path: &[u8], rooted: bool) {
    for part in path.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                let keep = out[start..].iter().rposition(|b| *b == b'/').unwrap_or(0);
                out.truncate(start + keep);
            }
            _ => {
                if rooted || out.len() > start {
                    out.push(b'/');
                }
                out.extend_from_slice(part);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(base: &str, path: &str) -> String {
        let mut out = b"path=".to_vec();
        join(&mut out, base.as_bytes(), path.as_bytes());
        String::from_utf8_lossy(&out).replacen("path=", "", 1)
    }

    #[test]
    fn paths_are_normalised() {
        assert_eq!(joined("/srv/", "."), "/srv");
        assert_eq!(joined("/srv/", "../etc//x/./y"), "/etc/x/y");
        assert_eq!(joined("/", ".."), "/");
        assert_eq!(joined("/a/", "/b/../c"), "/c");
        assert_eq!(joined("/", "a"), "/a");
        assert_eq!(joined("", "a/b"), "a/b");
        assert_eq!(joined("/a", "../../../b"), "/b");
    }
}
