//! The functions of the filter language.
//!
//! In: arguments. Out: a [`Value`], or none where the function has no answer. Next:
//! [`super::expr`].

use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::Engine;

use crate::render::num;
use crate::value::Value;

use super::row::Function;

/// A function with the number of its arguments.
#[derive(Debug)]
pub struct Call {
    function: Function,
    /// Number of arguments.
    pub args: usize,
    option: Option<Box<[u8]>>,
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes that base64 stands for; padding is optional.
pub fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}

impl Call {
    /// None when the function does not take so many arguments, or no option.
    pub fn new(function: Function, args: usize, option: Option<Box<[u8]>>) -> Option<Self> {
        let fits = match function {
            Function::Concat => args >= 2,
            Function::Join | Function::Getopt => args == 2,
            _ => args == 1,
        };
        let fits = fits && (option.is_none() || function == Function::Getopt);
        fits.then_some(Call { function, args, option })
    }

    /// The result; none for arguments of the wrong type and where there is no answer.
    pub fn run<'a>(&self, args: Vec<Value<'a>>) -> Option<Value<'a>> {
        if self.function == Function::Concat {
            return concat(&args);
        }
        let mut args = args.into_iter();
        let (first, second) = (args.next()?, args.next());
        match self.function {
            Function::ToLower => mapped(&first, u8::to_ascii_lowercase),
            Function::ToUpper => mapped(&first, u8::to_ascii_uppercase),
            Function::B64 => decoded(&first),
            Function::Basename => basename(first),
            Function::Len => len(&first),
            Function::Join => join(&first, &second?),
            Function::Getopt => getopt(&first, &second?, self.option.as_deref()),
            Function::Concat => None,
        }
    }
}

/// The bytes of a text or byte buffer.
pub fn bytes<'v>(value: &'v Value<'_>) -> Option<&'v [u8]> {
    match value {
        Value::Text(bytes) | Value::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

fn mapped<'a>(value: &Value<'_>, map: fn(&u8) -> u8) -> Option<Value<'a>> {
    Some(Value::owned(bytes(value)?.iter().map(map).collect()))
}

fn decoded<'a>(value: &Value<'_>) -> Option<Value<'a>> {
    let decoded = decode_base64(bytes(value)?)?;
    Some(match value {
        Value::Bytes(_) => Value::Bytes(decoded.into()),
        _ => Value::owned(decoded),
    })
}

fn basename(value: Value<'_>) -> Option<Value<'_>> {
    let text = bytes(&value)?;
    let Some(slash) = memchr::memrchr(b'/', text) else { return Some(value) };
    Some(Value::owned(text.get(slash + 1..)?.to_vec()))
}

fn len<'a>(value: &Value<'_>) -> Option<Value<'a>> {
    let count = match value {
        Value::List(items) => items.len(),
        other => bytes(other)?.len(),
    };
    u64::try_from(count).ok().map(Value::Uint)
}

fn concat<'a>(args: &[Value<'_>]) -> Option<Value<'a>> {
    let mut out = Vec::new();
    for arg in args {
        append(arg, &mut out)?;
    }
    Some(Value::owned(out))
}

fn join<'a>(separator: &Value<'_>, list: &Value<'_>) -> Option<Value<'a>> {
    let (separator, Value::List(items)) = (bytes(separator)?, list) else { return None };
    let mut out = Vec::new();
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            out.extend_from_slice(separator);
        }
        append(item, &mut out)?;
    }
    Some(Value::owned(out))
}

/// Appends the text of a single value.
fn append(value: &Value<'_>, out: &mut Vec<u8>) -> Option<()> {
    use std::io::Write;
    match value {
        Value::Text(bytes) | Value::Bytes(bytes) => out.extend_from_slice(bytes),
        Value::Int(number) => num::dec(out, *number),
        Value::Uint(number) => {
            num::udec(out, *number);
        }
        Value::Bool(truth) => out.extend_from_slice(if *truth { b"true" } else { b"false" }),
        Value::Double(number) => write!(out, "{number:.1}").ok()?,
        Value::Ip(ip) => write!(out, "{ip}").ok()?,
        Value::List(_) | Value::Ends(_) => return None,
    }
    Some(())
}

/// The options among `list` that `spec` knows, in getopt(3) style, or the value of one.
fn getopt<'a>(list: &Value<'_>, spec: &Value<'_>, option: Option<&[u8]>) -> Option<Value<'a>> {
    let (Value::List(words), Some(spec)) = (list, bytes(spec)) else { return None };
    let words: Vec<&[u8]> = words.iter().filter_map(bytes).collect();
    let found = options(&words, spec);
    let Some(wanted) = option else {
        return Some(Value::List(found.into_iter().flat_map(Found::into_values).collect()));
    };
    let last = found.into_iter().rev().find(|found| [found.letter] == *wanted)?;
    Some(Value::owned(last.value.unwrap_or_default()))
}

/// An option that was found, with the value it takes.
struct Found {
    letter: u8,
    value: Option<Vec<u8>>,
}

impl Found {
    fn into_values<'a>(self) -> impl Iterator<Item = Value<'a>> {
        std::iter::once(Value::owned(vec![self.letter])).chain(self.value.map(Value::owned))
    }
}

/// Walks the words: `--` and the first word that is no option end it, `--long` is passed over,
/// clusters are taken apart, an unknown option is `?`.
///
/// Source: observed: libs 0.25-dev.
fn options(words: &[&[u8]], spec: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            b"--" => break,
            [b'-', b'-', ..] => {}
            [b'-', letters @ ..] if !letters.is_empty() => {
                cluster(letters, spec, &mut words, &mut found);
            }
            _ => break,
        }
    }
    found
}

/// The letters of one word; an option with a value takes the rest of the word, or the next word.
fn cluster<'w>(
    letters: &[u8],
    spec: &[u8],
    words: &mut impl Iterator<Item = &'w &'w [u8]>,
    found: &mut Vec<Found>,
) {
    for (position, letter) in letters.iter().enumerate() {
        let known = if *letter == b':' { None } else { memchr::memchr(*letter, spec) };
        let Some(known) = known else {
            found.push(Found { letter: b'?', value: None });
            continue;
        };
        if spec.get(known + 1) != Some(&b':') {
            found.push(Found { letter: *letter, value: None });
            continue;
        }
        let rest = letters.get(position + 1..).unwrap_or_default();
        let value = if rest.is_empty() { words.next().copied() } else { Some(rest) };
        found.push(Found { letter: *letter, value: Some(value.unwrap_or_default().to_vec()) });
        return;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &'static str) -> Value<'static> {
        Value::text(value.as_bytes())
    }

    fn run(function: Function, args: Vec<Value<'static>>) -> Option<Value<'static>> {
        Call::new(function, args.len(), None).unwrap().run(args)
    }

    fn option(words: &[&'static str], spec: &'static str, letter: &str) -> Option<Value<'static>> {
        let list = Value::List(words.iter().copied().map(text).collect());
        let index = Some(letter.as_bytes().into());
        Call::new(Function::Getopt, 2, index).unwrap().run(vec![list, text(spec)])
    }

    #[test]
    fn letters_change_case_in_ascii() {
        assert_eq!(run(Function::ToLower, vec![text("CURL\u{c9}")]), Some(text("curl\u{c9}")));
        assert_eq!(run(Function::ToUpper, vec![text("curl")]), Some(text("CURL")));
    }

    #[test]
    fn base64_may_lack_padding() {
        assert_eq!(run(Function::B64, vec![text("Y3VybA==")]), Some(text("curl")));
        assert_eq!(run(Function::B64, vec![text("Y3VybA")]), Some(text("curl")));
        assert_eq!(run(Function::B64, vec![text("!!")]), None);
    }

    #[test]
    fn a_basename_follows_the_last_slash() {
        assert_eq!(run(Function::Basename, vec![text("/a/b")]), Some(text("b")));
        assert_eq!(run(Function::Basename, vec![text("b")]), Some(text("b")));
        assert_eq!(run(Function::Basename, vec![text("/a/")]), Some(text("")));
    }

    #[test]
    fn lengths_are_of_bytes_and_items() {
        assert_eq!(run(Function::Len, vec![text("\u{e9}")]), Some(Value::Uint(2)));
        let list = Value::List(vec![text("a"), text("b")]);
        assert_eq!(run(Function::Len, vec![list]), Some(Value::Uint(2)));
        assert_eq!(run(Function::Len, vec![Value::Int(5)]), None);
    }

    #[test]
    fn join_writes_every_type() {
        let list = Value::List(vec![text("a"), Value::Int(-5), Value::Bool(true), Value::Uint(7)]);
        assert_eq!(run(Function::Join, vec![text(","), list]), Some(text("a,-5,true,7")));
        assert_eq!(run(Function::Join, vec![text(","), text("a")]), None);
    }

    #[test]
    fn getopt_takes_clusters_apart() {
        assert_eq!(option(&["-x", "-t", "v"], "xt:", "t"), Some(text("v")));
        assert_eq!(option(&["-xtv"], "xt:", "t"), Some(text("v")));
        assert_eq!(option(&["-t", "a", "-t", "b"], "t:", "t"), Some(text("b")));
        assert_eq!(option(&["-t"], "t:", "t"), Some(text("")));
        assert_eq!(option(&["a", "-x"], "x", "x"), None);
        assert_eq!(option(&["--", "-x"], "x", "x"), None);
        assert_eq!(option(&["--long", "-x"], "x", "x"), Some(text("")));
        assert_eq!(option(&["-q"], "x", "?"), Some(text("")));
    }

    #[test]
    fn arity_is_checked() {
        assert!(Call::new(Function::Concat, 1, None).is_none());
        assert!(Call::new(Function::Len, 2, None).is_none());
        assert!(Call::new(Function::Len, 1, Some(b"c"[..].into())).is_none());
    }
}
