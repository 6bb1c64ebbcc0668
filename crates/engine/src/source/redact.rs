//! Secrets out of the blocks, before anything else sees them.
//!
//! In: the blocks of another source, and what the plan says of their texts. Out: the same blocks,
//! in which texts are masked or empty. Next: whatever comes after the source.
//!
//! What cannot be understood cannot be cleaned: events that do not decode keep their place as
//! damaged ones without content, and lists end where they contradict themselves.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use rustc_hash::FxHashMap;
use serde::Deserialize;

use super::{Block, Item, Source};
use crate::bytes::{read_uint, Cursor};
use crate::decode::{self, EventKind};
use crate::error::{Error, Result};
use crate::event::Span;
use crate::frame::{push_block, push_option, push_text};
use crate::plan::{LayoutRow, LayoutRows};
use crate::tables::Tables;

/// What stands for a secret.
const MASK: &[u8] = b"*****";

/// What becomes of a text.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// What the patterns match is masked.
    Mask,
    /// Nothing is left of it.
    Empty,
}

/// The plan's choice of what must not be seen.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedactRow {
    /// Expressions; where one has groups, only what they match is masked.
    pub patterns: Vec<String>,
    /// Event code, position of a parameter, what becomes of it.
    pub events: Vec<(u16, usize, Action)>,
    /// Metadata record, then field, then what becomes of it.
    pub records: BTreeMap<String, BTreeMap<String, Action>>,
}

/// A source whose blocks are cleaned.
pub struct Redacted {
    inner: Box<dyn Source>,
    redactor: Redactor,
}

impl Redacted {
    /// Cleans the blocks of `inner`.
    pub fn new(inner: Box<dyn Source>, redactor: Redactor) -> Self {
        Redacted { inner, redactor }
    }
}

impl Source for Redacted {
    fn next_block(&mut self) -> Result<Item<'_>> {
        let Redacted { inner, redactor } = self;
        match inner.next_block()? {
            Item::Block(block) => Ok(Item::Block(redactor.clean(block))),
            other => Ok(other),
        }
    }

    fn stop(&mut self) {
        self.inner.stop();
    }

    fn is_live(&self) -> bool {
        self.inner.is_live()
    }

    fn is_ready(&self) -> bool {
        self.inner.is_ready()
    }

    fn progress(&self) -> (u64, Option<u64>) {
        self.inner.progress()
    }
}

/// Cleans blocks, one at a time.
#[derive(Clone)]
pub struct Redactor {
    patterns: Vec<Regex>,
    events: FxHashMap<u16, Vec<(usize, Action)>>,
    lists: Arc<Lists>,
    tables: Arc<Tables>,
    spans: Vec<Span>,
    raw: Vec<u8>,
}

/// How the lists are made up, and what becomes of their texts.
struct Lists {
    blocks: FxHashMap<u32, (String, u32)>,
    records: BTreeMap<String, Vec<Field>>,
}

struct Field {
    wire: Wire,
    since: u32,
    tail: Option<usize>,
    is_type: bool,
    action: Option<Action>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wire {
    Fixed(usize),
    Text,
    /// The length of the entry, of which so many bytes are the length itself.
    EntryLen(usize),
    Unknown,
}

impl Redactor {
    /// A redactor as the plan says.
    ///
    /// # Errors
    /// [`Error::Plan`] for an expression that cannot be compiled.
    pub fn new(row: &RedactRow, layouts: &LayoutRows, tables: Arc<Tables>) -> Result<Self> {
        let mut events: FxHashMap<u16, Vec<(usize, Action)>> = FxHashMap::default();
        for (code, index, action) in &row.events {
            events.entry(*code).or_default().push((*index, *action));
        }
        Ok(Redactor {
            patterns: row.patterns.iter().map(|text| compile(text)).collect::<Result<_>>()?,
            events,
            lists: Arc::new(Lists::new(row, layouts)),
            tables,
            spans: Vec::new(),
            raw: Vec::new(),
        })
    }

    /// The block without its secrets.
    fn clean<'a>(&'a mut self, block: Block<'a>) -> Block<'a> {
        let body = match decode::event_kind(block.kind) {
            Some(kind) => self.event(kind, block.body),
            None => self.list(block.kind, block.body),
        };
        let Some(body) = body else { return block };
        self.raw.clear();
        push_block(&mut self.raw, block.kind, &body);
        let end = self.raw.len() - 4;
        let inner = self.raw.get(8..end).unwrap_or(&[]);
        Block { kind: block.kind, offset: block.offset, body: inner, raw: &self.raw }
    }

    /// The body of an event block, or none when it stays as it is.
    fn event(&mut self, kind: EventKind, body: &[u8]) -> Option<Vec<u8>> {
        self.spans.clear();
        let Ok(raw) = decode::decode(kind, body, &self.tables, &mut self.spans) else {
            return Some(vec![0; body.len()]);
        };
        let known = self.events.get(&raw.code).map_or(&[][..], Vec::as_slice);
        let is_unknown = usize::from(raw.code) >= self.tables.events.len();
        let carries = decode::options(raw.options).any(|option| is_carried(&option));
        if known.is_empty() && !is_unknown && !carries {
            return None;
        }
        let params: Vec<Cow<'_, [u8]>> = (0..self.spans.len())
            .map(|index| {
                let action = known.iter().find(|(i, _)| *i == index).map(|(_, action)| *action);
                let action = action.or(is_unknown.then_some(Action::Mask));
                self.text(action, self.spans.get(index).map_or(&[], |span| param(raw.bytes, *span)))
            })
            .collect();
        let head_len = if kind.flags { 6 } else { 2 };
        let width = self.tables.event(raw.code).len_width();
        let mut out = event_body(body, kind.v2, head_len, width, &params)?;
        for (code, value) in decode::options(raw.options).filter(|option| !is_carried(option)) {
            push_option(&mut out, code, value);
        }
        Some(out)
    }

    /// The body of a list, or none when there is nothing to clean in it.
    fn list(&self, kind: u32, body: &[u8]) -> Option<Vec<u8>> {
        let lists = &self.lists;
        let (record, version) = lists.blocks.get(&kind)?;
        let mut out = Vec::with_capacity(body.len());
        let mut c = Cursor::new(body);
        if record == "fd" {
            out.extend_from_slice(c.take(8)?);
        }
        while c.rest().len() >= 4 {
            let kept = out.len();
            if self.entry(record, *version, &mut c, &mut out).is_none() {
                out.truncate(kept);
                break;
            }
        }
        Some(out)
    }

    fn entry(
        &self,
        record: &str,
        version: u32,
        c: &mut Cursor<'_>,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let sized = self.lists.records.get(record)?.first().and_then(|field| match field.wire {
            Wire::EntryLen(own) if version >= field.since => Some(own),
            _ => None,
        });
        let Some(own) = sized else { return self.fields(record, version, c, out) };
        let len = (c.u32()? as usize).checked_sub(own)?;
        let mut inside = Cursor::new(c.take(len)?);
        let at = out.len();
        out.extend([0; 4]);
        self.fields(record, version, &mut inside, out)?;
        out.extend_from_slice(inside.rest());
        let len = u32::try_from(out.len() - at - 4 + own).ok()?;
        out.get_mut(at..at + 4)?.copy_from_slice(&len.to_le_bytes());
        Some(())
    }

    /// The fields of a record and of the payload that its type chooses.
    fn fields(
        &self,
        record: &str,
        version: u32,
        c: &mut Cursor<'_>,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let mut tail_len = None;
        let mut payload = None;
        for field in self.lists.records.get(record)? {
            if !field.is_there(version, c.rest().len(), &mut tail_len) {
                continue;
            }
            match field.wire {
                Wire::EntryLen(_) => {}
                Wire::Fixed(len) => {
                    let bytes = c.take(len)?;
                    out.extend_from_slice(bytes);
                    if field.is_type {
                        payload = read_uint(bytes);
                    }
                }
                Wire::Text => push_text(out, &self.text(field.action, c.str16()?), usize::MAX),
                Wire::Unknown => return None,
            }
        }
        match payload {
            Some(number) => self.fields(&format!("{record}_{number}"), version, c, out),
            None => Some(()),
        }
    }

    fn text<'a>(&self, action: Option<Action>, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        match action {
            None => Cow::Borrowed(bytes),
            Some(Action::Empty) => Cow::Borrowed(&[]),
            Some(Action::Mask) => self.mask(bytes),
        }
    }

    /// Each text of a list of texts is looked at alone, so that no match reaches over its end.
    fn mask<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let is_clean = |text: &[u8]| !self.patterns.iter().any(|regex| regex.is_match(text));
        if bytes.split(|b| *b == 0).all(is_clean) {
            return Cow::Borrowed(bytes);
        }
        let texts: Vec<Vec<u8>> = bytes
            .split(|b| *b == 0)
            .map(|text| self.patterns.iter().fold(text.to_vec(), |text, r| masked(r, &text)))
            .collect();
        Cow::Owned(texts.join(&0))
    }
}

/// `text` with what `regex` matches, or what its groups match, masked.
fn masked(regex: &Regex, text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut copied = 0;
    for found in regex.captures_iter(text) {
        let groups = found.group_len();
        let first = usize::from(groups > 1);
        for span in (first..groups).filter_map(|index| found.get_group(index)) {
            if span.start < copied || span.is_empty() {
                continue;
            }
            out.extend_from_slice(text.get(copied..span.start).unwrap_or(&[]));
            out.extend_from_slice(MASK);
            copied = span.end;
        }
    }
    out.extend_from_slice(text.get(copied..).unwrap_or(&[]));
    out
}

fn compile(pattern: &str) -> Result<Regex> {
    Regex::builder()
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .build(pattern)
        .map_err(|e| Error::Plan(format!("redaction {pattern:?}: {e}")))
}

impl Lists {
    fn new(row: &RedactRow, layouts: &LayoutRows) -> Self {
        let is_wanted = |name: &String| row.records.contains_key(head_of(name));
        let blocks = layouts.blocks.iter().filter(|(_, record, _)| is_wanted(record));
        let records = layouts.records.iter().filter(|(name, _)| is_wanted(name));
        Lists {
            blocks: blocks.map(|(number, r, v)| (*number, (r.clone(), *v))).collect(),
            records: records
                .map(|(name, rows)| {
                    let actions = row.records.get(head_of(name));
                    (name.clone(), rows.iter().map(|field| Field::new(field, actions)).collect())
                })
                .collect(),
        }
    }
}

/// The record that a payload such as `fd_3` belongs to.
fn head_of(name: &str) -> &str {
    name.split('_').next().unwrap_or(name)
}

impl Field {
    fn new(row: &LayoutRow, actions: Option<&BTreeMap<String, Action>>) -> Self {
        let wire = match row.wire.as_str() {
            "u8" => Wire::Fixed(1),
            "u16" => Wire::Fixed(2),
            "u32" => Wire::Fixed(4),
            "u64" | "i64" => Wire::Fixed(8),
            "str16" => Wire::Text,
            "len_self" => Wire::EntryLen(4),
            "len_rest" => Wire::EntryLen(0),
            other => other
                .strip_prefix("bytes:")
                .and_then(|n| n.parse().ok())
                .map_or(Wire::Unknown, Wire::Fixed),
        };
        Field {
            wire,
            since: row.since,
            tail: row.tail.map(|n| n as usize),
            is_type: row.name == "type",
            action: actions.and_then(|a| a.get(&row.name)).copied(),
        }
    }

    fn is_there(&self, version: u32, left: usize, tail_len: &mut Option<usize>) -> bool {
        let room = if let Wire::Fixed(len) = self.wire { len } else { 2 };
        let fits = |more_than| *tail_len.get_or_insert(left) > more_than && left >= room;
        version >= self.since && self.tail.map_or(true, fits)
    }
}

fn param(bytes: &[u8], span: Span) -> &[u8] {
    let start = span.start as usize;
    bytes.get(start..start + span.len as usize).unwrap_or(&[])
}

fn is_carried(option: &(u16, &[u8])) -> bool {
    decode::own_option(*option).is_some_and(|(kind, _)| kind == decode::option::STATE)
}

/// An event with other parameters: the head of `body`, then lengths, then `params`.
fn event_body(
    body: &[u8],
    is_v2: bool,
    head_len: usize,
    width: usize,
    params: &[Cow<'_, [u8]>],
) -> Option<Vec<u8>> {
    let header_len = if is_v2 { 26 } else { 22 };
    let mut out = body.get(..head_len + header_len)?.to_vec();
    for bytes in params {
        let len = u32::try_from(bytes.len()).ok()?.to_le_bytes();
        out.extend_from_slice(len.get(..width)?);
    }
    params.iter().for_each(|bytes| out.extend_from_slice(bytes));
    let len = u32::try_from(out.len() - head_len).ok()?;
    out.get_mut(head_len + 16..head_len + 20)?.copy_from_slice(&len.to_le_bytes());
    out.resize(out.len().next_multiple_of(4), 0);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(pattern: &str, text: &str) -> String {
        let regex = compile(pattern).unwrap();
        String::from_utf8(masked(&regex, text.as_bytes())).unwrap()
    }

    #[test]
    fn matches_are_masked_wherever_they_are() {
        assert_eq!(mask("a+", "xaaay a"), "x*****y *****");
        assert_eq!(mask("a+", "xyz"), "xyz");
        assert_eq!(mask("", "xyz"), "xyz");
    }

    #[test]
    fn only_groups_are_masked_where_there_are_some() {
        assert_eq!(mask("k=([^&]*)", "k=1&k=22"), "k=*****&k=*****");
        assert_eq!(mask("(a)(b)?", "a ab"), "***** **********");
        assert_eq!(mask("((a)b)", "ab"), "*****");
    }

    #[test]
    fn bytes_that_are_no_text_are_searched_too() {
        let regex = compile("k=(.)").unwrap();
        assert_eq!(masked(&regex, b"\xffk=\xfe\xff"), b"\xffk=*****\xff");
    }

    #[test]
    fn a_bad_expression_is_an_error() {
        assert!(matches!(compile("("), Err(Error::Plan(_))));
    }
}
