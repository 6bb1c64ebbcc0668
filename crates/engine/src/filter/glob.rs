//! Shell patterns over a whole value.
//!
//! In: pattern and value as bytes. Out: whether they match. Next: [`super::compare`].
//!
//! `*` matches anything, slashes and leading dots too; `?` one character (a byte that is not part
//! of UTF-8 counts as one); `[abc]`, `[a-z]` and `[!abc]` one byte; a backslash takes the next
//! byte as it is. An unclosed bracket stands for itself.
//! Source: fnmatch(3) without flags, as sysdig 0.41.4 calls it.

/// Whether `value` matches `pattern`; with `fold`, ASCII case aside.
///
/// The time is at most the product of both lengths: only the last `*` is ever tried again.
pub fn matches(pattern: &[u8], value: &[u8], fold: bool) -> bool {
    let (mut p, mut v) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        if pattern.get(p) == Some(&b'*') {
            p += 1;
            retry = Some((p, v));
            continue;
        }
        if v == value.len() && p == pattern.len() {
            return true;
        }
        if let Some((next_p, next_v)) = step(pattern, p, value, v, fold) {
            (p, v) = (next_p, next_v);
            continue;
        }
        let Some((after_star, from)) = retry.filter(|(_, from)| *from < value.len()) else {
            return false;
        };
        retry = Some((after_star, from + 1));
        (p, v) = (after_star, from + 1);
    }
}

/// Whether `pattern` is more than plain text.
pub fn is_pattern(pattern: &[u8]) -> bool {
    pattern.iter().any(|b| matches!(b, b'*' | b'?' | b'['))
}

/// Matches one item of the pattern; the positions after it.
fn step(pattern: &[u8], p: usize, value: &[u8], v: usize, fold: bool) -> Option<(usize, usize)> {
    let (item, have) = (*pattern.get(p)?, *value.get(v)?);
    match item {
        b'?' => Some((p + 1, v + char_len(value.get(v..)?))),
        b'[' => match bracket(pattern, p + 1, have, fold) {
            Some((end, true)) => Some((end, v + 1)),
            Some((_, false)) => None,
            None => same(item, have, fold).then_some((p + 1, v + 1)),
        },
        b'\\' if p + 1 < pattern.len() => {
            same(*pattern.get(p + 1)?, have, fold).then_some((p + 2, v + 1))
        }
        _ => same(item, have, fold).then_some((p + 1, v + 1)),
    }
}

fn same(a: u8, b: u8, fold: bool) -> bool {
    a == b || (fold && a.eq_ignore_ascii_case(&b))
}

/// Length of the character that `bytes` begins with.
fn char_len(bytes: &[u8]) -> usize {
    let head = bytes.get(..4).unwrap_or(bytes);
    match std::str::from_utf8(head) {
        Ok(text) => text.chars().next().map_or(1, char::len_utf8),
        Err(error) => {
            let valid = head.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(valid).ok().and_then(|t| t.chars().next()).map_or(1, char::len_utf8)
        }
    }
}

/// Whether the bracket whose inside begins at `p` has `byte`, and where the pattern goes on; none
/// when it is not closed.
fn bracket(pattern: &[u8], mut p: usize, byte: u8, fold: bool) -> Option<(usize, bool)> {
    let negated = matches!(pattern.get(p), Some(b'!' | b'^'));
    p += usize::from(negated);
    let first = p;
    let mut found = false;
    loop {
        let (low, after) = match *pattern.get(p)? {
            b']' if p > first => return Some((p + 1, found != negated)),
            b'\\' => (*pattern.get(p + 1)?, p + 2),
            other => (other, p + 1),
        };
        p = after;
        let mut high = low;
        if pattern.get(p) == Some(&b'-') && pattern.get(p + 1).is_some_and(|b| *b != b']') {
            let quoted = usize::from(pattern.get(p + 1) == Some(&b'\\'));
            high = *pattern.get(p + 1 + quoted)?;
            p += 2 + quoted;
        }
        let has = |b: u8| (low..=high).contains(&b);
        found |= has(byte)
            || (fold && (has(byte.to_ascii_lowercase()) || has(byte.to_ascii_uppercase())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(pattern: &str, value: &str) -> bool {
        matches(pattern.as_bytes(), value.as_bytes(), false)
    }

    #[test]
    fn a_star_matches_slashes_and_dots() {
        assert!(glob("/usr/*", "/usr/lib/.x/libc.so"));
        assert!(glob("*/.*", "/home/.profile"));
        assert!(glob("*", ""));
        assert!(!glob("", "a"));
        assert!(glob("", ""));
    }

    #[test]
    fn stars_back_up() {
        assert!(glob("*a*b", "xaxbxab"));
        assert!(!glob("*a*b", "xaxbxa"));
        assert!(glob("c*l", "curl"));
    }

    #[test]
    fn a_question_mark_is_one_character() {
        assert!(glob("c?rl", "curl"));
        assert!(glob("caf?", "caf\u{e9}"));
        assert!(matches(b"a?b", b"a\xffb", false));
        assert!(!glob("?", ""));
    }

    #[test]
    fn brackets_have_ranges_and_negation() {
        assert!(glob("[a-c]url", "curl"));
        assert!(!glob("[!a-c]*", "curl"));
        assert!(glob("[]x]", "]"));
        assert!(glob("[a", "[a"));
        assert!(glob("[\\]]", "]"));
    }

    #[test]
    fn a_backslash_quotes() {
        assert!(glob("\\*", "*"));
        assert!(!glob("\\*", "a"));
        assert!(glob("a\\", "a\\"));
    }

    #[test]
    fn folding_is_for_ascii() {
        assert!(matches(b"C[U]*", b"curl", true));
        assert!(!matches(b"C*", b"curl", false));
    }

    #[test]
    fn many_stars_stay_cheap() {
        let pattern = "a*".repeat(500);
        let value = "a".repeat(20_000);
        assert!(!glob(&format!("{pattern}b"), &value));
    }
}
