//! Comparisons, prepared once.
//!
//! In: a comparison and its right side from the plan; a left [`Value`] for each event. Out:
//! whether it holds. Next: [`super::Program`].
//!
//! A field of several values (ancestors, both ends of a connection) satisfies a comparison when
//! one of them does; only for `!=` do both ends of a connection have to.

use std::cmp::Ordering;
use std::net::IpAddr;

use memchr::memmem;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use rustc_hash::FxHashSet;

use crate::error::Result;
use crate::value::Value;

use super::expr::{constant, refused, Expr};
use super::functions::bytes;
use super::glob;
use super::net::{Net, NetSet};
use super::path::PathTree;
use super::row::{Cmp, Quant, RhsRow, ValueRow};

/// Memory that a compiled regular expression may take.
///
/// The declared side bounds a pattern to 10 000 atoms; this is a second fence, for a plan that
/// was not made by it.
const MAX_REGEX_BYTES: usize = 64 << 20;

/// A comparison with its right side.
#[derive(Debug)]
pub enum Test {
    /// There is a value.
    Exists,
    /// With a constant.
    Single(Matcher),
    /// With some of the elements of a set.
    Quantified(Quant, Vec<Matcher>),
    /// A value is in a set; with true, every value.
    Member(Set, bool),
    /// Is one of the paths, or below one.
    Paths(PathTree),
    /// With a value of the same event.
    Dynamic(Cmp, Expr),
}

impl Test {
    /// Prepares a comparison.
    ///
    /// # Errors
    /// [`crate::error::Error::Plan`] for a right side that the comparison does not have.
    pub fn new(
        cmp: Cmp,
        rhs: Option<&RhsRow>,
        quant: Option<Quant>,
        fields: usize,
    ) -> Result<Self> {
        let set_cmp = matches!(cmp, Cmp::In | Cmp::Intersects | Cmp::Pmatch);
        Ok(match (rhs, quant) {
            (None, None) if cmp == Cmp::Exists => Test::Exists,
            (Some(RhsRow::Const(value)), None) if !set_cmp => {
                Test::Single(Matcher::new(cmp, value)?)
            }
            (Some(RhsRow::Set(values)), Some(quant)) if !set_cmp => {
                let matchers = values.iter().map(|value| Matcher::new(cmp, value));
                Test::Quantified(quant, matchers.collect::<Result<_>>()?)
            }
            (Some(RhsRow::Set(values)), None) if cmp == Cmp::Pmatch => Test::Paths(paths(values)?),
            (Some(RhsRow::Set(values)), None) if set_cmp => {
                Test::Member(Set::new(values)?, cmp == Cmp::In)
            }
            (Some(RhsRow::Expr(steps)), None)
                if !matches!(cmp, Cmp::Regex | Cmp::Pmatch | Cmp::Exists) =>
            {
                Test::Dynamic(cmp, Expr::new(steps, fields)?)
            }
            _ => return Err(refused(format!("{cmp:?} does not have this right side"))),
        })
    }

    /// Whether the comparison holds for `left`.
    pub fn holds<'a>(
        &'a self,
        left: &Value<'a>,
        get: &impl Fn(usize) -> Option<Value<'a>>,
    ) -> bool {
        match self {
            Test::Exists => exists(left),
            Test::Single(matcher) => matcher.holds(left),
            Test::Quantified(quant, matchers) => quantified(*quant, matchers, left),
            Test::Member(set, every) => member(set, *every, left),
            Test::Paths(paths) => any_of(left, |v| bytes(v).is_some_and(|text| paths.covers(text))),
            Test::Dynamic(cmp, right) => {
                right.eval(get).is_some_and(|right| dynamic(*cmp, left, &right))
            }
        }
    }
}

/// Both ends of a socket that is not connected are zeros to compare with, but no value.
///
/// DIFFERENCE(sysdig 0.41.4): there, `fd.ip exists` holds for every descriptor, files too.
fn exists(left: &Value<'_>) -> bool {
    let is_zero = |value: &Value<'_>| match value {
        Value::Ip(ip) => ip.is_unspecified(),
        other => integer(other) == Some(0),
    };
    !matches!(left, Value::Ends(ends) if ends.iter().all(is_zero))
}

fn paths(values: &[ValueRow]) -> Result<PathTree> {
    let values = values.iter().map(constant).collect::<Result<Vec<_>>>()?;
    Ok(PathTree::new(values.iter().filter_map(bytes)))
}

/// Whether `test` holds for a value, or for one of several.
fn any_of<'a>(value: &Value<'a>, test: impl Fn(&Value<'a>) -> bool) -> bool {
    match value {
        Value::List(values) | Value::Ends(values) => values.iter().any(test),
        single => test(single),
    }
}

fn quantified(quant: Quant, matchers: &[Matcher], left: &Value<'_>) -> bool {
    let mut holding = matchers.iter().map(|matcher| matcher.holds(left));
    match quant {
        Quant::Any => holding.any(|holds| holds),
        Quant::All => !matchers.is_empty() && holding.all(|holds| holds),
        Quant::One => holding.filter(|holds| *holds).take(2).count() == 1,
    }
}

fn member(set: &Set, every: bool, left: &Value<'_>) -> bool {
    match left {
        Value::List(values) if every => values.iter().all(|value| set.has(value)),
        other => any_of(other, |value| set.has(value)),
    }
}

fn dynamic(cmp: Cmp, left: &Value<'_>, right: &Value<'_>) -> bool {
    let Value::List(allowed) = right else {
        return any_of(left, |value| related(cmp, value, right));
    };
    let is_allowed = |value: &Value<'_>| allowed.iter().any(|other| equal(value, other));
    match left {
        Value::List(values) if cmp == Cmp::In => values.iter().all(is_allowed),
        Value::List(values) => values.iter().any(is_allowed),
        _ => false,
    }
}

fn related(cmp: Cmp, left: &Value<'_>, right: &Value<'_>) -> bool {
    match cmp {
        Cmp::Eq | Cmp::In | Cmp::Intersects => equal(left, right),
        Cmp::Ne => !equal(left, right),
        Cmp::Lt | Cmp::Le | Cmp::Gt | Cmp::Ge => {
            ordering(left, right).is_some_and(|found| is_ordered(cmp, found))
        }
        _ => bytes(left).zip(bytes(right)).is_some_and(|(l, r)| text_related(cmp, l, r)),
    }
}

fn text_related(cmp: Cmp, left: &[u8], right: &[u8]) -> bool {
    match cmp {
        Cmp::Contains => memmem::find(left, right).is_some(),
        Cmp::Icontains => contains_folded(left, right),
        Cmp::StartsWith => left.starts_with(right),
        Cmp::EndsWith => left.ends_with(right),
        Cmp::Glob => glob::matches(right, left, false),
        Cmp::Iglob => glob::matches(right, left, true),
        _ => false,
    }
}

fn is_ordered(cmp: Cmp, found: Ordering) -> bool {
    match cmp {
        Cmp::Lt => found.is_lt(),
        Cmp::Le => found.is_le(),
        Cmp::Gt => found.is_gt(),
        _ => found.is_ge(),
    }
}

/// Whether two values are the same; numbers are compared as numbers, whatever their sign.
fn equal(left: &Value<'_>, right: &Value<'_>) -> bool {
    match (left, right) {
        (Value::Bool(l), Value::Bool(r)) => l == r,
        (Value::Ip(l), Value::Ip(r)) => l == r,
        _ => ordering(left, right).is_some_and(Ordering::is_eq),
    }
}

fn ordering(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    if let (Some(l), Some(r)) = (integer(left), integer(right)) {
        return Some(l.cmp(&r));
    }
    if let (Some(l), Some(r)) = (bytes(left), bytes(right)) {
        return Some(l.cmp(r));
    }
    match (left, right) {
        (Value::Double(l), Value::Double(r)) => l.partial_cmp(r),
        _ => None,
    }
}

fn integer(value: &Value<'_>) -> Option<i128> {
    match value {
        Value::Int(number) => Some((*number).into()),
        Value::Uint(number) => Some((*number).into()),
        _ => None,
    }
}

/// `needle` is in `text`, ASCII case aside.
fn contains_folded(text: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else { return true };
    let (small, capital) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    memchr::memchr2_iter(small, capital, text).any(|at| {
        text.get(at..at + needle.len()).is_some_and(|part| part.eq_ignore_ascii_case(needle))
    })
}

/// A comparison with one constant.
#[derive(Debug)]
pub struct Matcher {
    kind: Kind,
    /// The constant must not match.
    negated: bool,
}

#[derive(Debug)]
enum Kind {
    Equal(Value<'static>),
    Order(Cmp, Value<'static>),
    Net(Net),
    Contains(Box<memmem::Finder<'static>>),
    Text(Cmp, Box<[u8]>),
    Regex(Box<Regex>),
}

impl Matcher {
    fn new(cmp: Cmp, row: &ValueRow) -> Result<Self> {
        let negated = cmp == Cmp::Ne;
        let kind = match (cmp, row) {
            (Cmp::Eq | Cmp::Ne, ValueRow::Net(text)) => Kind::Net(network(text)?),
            (Cmp::Eq | Cmp::Ne, value) => Kind::Equal(constant(value)?),
            (Cmp::Lt | Cmp::Le | Cmp::Gt | Cmp::Ge, value) => Kind::Order(cmp, constant(value)?),
            (Cmp::Regex, ValueRow::Text(pattern)) => Kind::Regex(Box::new(regex(pattern)?)),
            (Cmp::Regex | Cmp::Exists, _) => return Err(refused(format!("{cmp:?}"))),
            (_, value) => text_kind(cmp, &constant(value)?)?,
        };
        Ok(Matcher { kind, negated })
    }

    fn holds(&self, left: &Value<'_>) -> bool {
        match left {
            Value::Ends(ends) if self.negated => {
                !ends.is_empty() && ends.iter().all(|end| self.holds_single(end))
            }
            other => any_of(other, |value| self.holds_single(value)),
        }
    }

    fn holds_single(&self, value: &Value<'_>) -> bool {
        self.kind.matches(value) != self.negated
    }
}

fn text_kind(cmp: Cmp, value: &Value<'_>) -> Result<Kind> {
    let text = bytes(value).ok_or_else(|| refused(format!("{cmp:?} wants a text")))?;
    Ok(match cmp {
        Cmp::Contains => Kind::Contains(Box::new(memmem::Finder::new(text).into_owned())),
        _ => Kind::Text(cmp, text.into()),
    })
}

fn network(text: &str) -> Result<Net> {
    Net::parse(text).ok_or_else(|| refused(format!("{text:?} is no network")))
}

/// The pattern must match the whole value.
fn regex(pattern: &str) -> Result<Regex> {
    let config = Regex::config().utf8_empty(false).nfa_size_limit(Some(MAX_REGEX_BYTES));
    Regex::builder()
        .configure(config)
        .syntax(syntax::Config::new().utf8(false))
        .build(&format!(r"\A(?:{pattern})\z"))
        .map_err(|error| refused(format!("pattern {pattern:?}: {error}")))
}

impl Kind {
    fn matches(&self, value: &Value<'_>) -> bool {
        match self {
            Kind::Equal(constant) => equal(value, constant),
            Kind::Order(cmp, constant) => {
                ordering(value, constant).is_some_and(|found| is_ordered(*cmp, found))
            }
            Kind::Net(net) => matches!(value, Value::Ip(ip) if net.has(*ip)),
            Kind::Contains(finder) => bytes(value).is_some_and(|text| finder.find(text).is_some()),
            Kind::Text(cmp, part) => {
                bytes(value).is_some_and(|text| text_related(*cmp, text, part))
            }
            Kind::Regex(regex) => bytes(value).is_some_and(|text| regex.is_match(text)),
        }
    }
}

/// Constants, ready to be looked up by one hash.
#[derive(Debug, Default)]
pub struct Set {
    texts: FxHashSet<Box<[u8]>>,
    numbers: FxHashSet<i128>,
    doubles: Vec<f64>,
    truths: Vec<bool>,
    addresses: FxHashSet<IpAddr>,
    nets: NetSet,
}

impl Set {
    fn new(rows: &[ValueRow]) -> Result<Self> {
        let mut set = Set::default();
        for row in rows {
            if let ValueRow::Net(text) = row {
                set.nets.insert(network(text)?);
            } else {
                set.insert(constant(row)?);
            }
        }
        Ok(set)
    }

    fn insert(&mut self, value: Value<'static>) {
        match value {
            Value::Text(text) | Value::Bytes(text) => {
                self.texts.insert(text.into_owned().into_boxed_slice());
            }
            Value::Double(number) => self.doubles.push(number),
            Value::Bool(truth) => self.truths.push(truth),
            Value::Ip(ip) => {
                self.addresses.insert(ip);
            }
            Value::Int(_) | Value::Uint(_) | Value::List(_) | Value::Ends(_) => {
                self.numbers.extend(integer(&value));
            }
        }
    }

    fn has(&self, value: &Value<'_>) -> bool {
        match value {
            Value::Text(text) | Value::Bytes(text) => self.texts.contains(text.as_ref()),
            Value::Double(number) => self.doubles.contains(number),
            Value::Bool(truth) => self.truths.contains(truth),
            Value::Ip(ip) => self.addresses.contains(ip) || self.nets.has(*ip),
            other => integer(other).is_some_and(|number| self.numbers.contains(&number)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(cmp: &str, rhs: &str, quant: &str) -> Test {
        let rhs: Option<RhsRow> = serde_json::from_str(rhs).unwrap();
        let cmp = serde_json::from_str(&format!("{cmp:?}")).unwrap();
        Test::new(cmp, rhs.as_ref(), serde_json::from_str(quant).unwrap(), 1).unwrap()
    }

    fn holds(cmp: &str, rhs: &str, left: Value<'static>) -> bool {
        test(cmp, rhs, "null").holds(&left, &|_| Some(Value::text(b"curl")))
    }

    fn text(value: &'static str) -> Value<'static> {
        Value::text(value.as_bytes())
    }

    fn texts(values: &[&'static str]) -> Value<'static> {
        Value::List(values.iter().copied().map(text).collect())
    }

    fn ends(first: &str, second: &str) -> Value<'static> {
        Value::Ends(vec![Value::Ip(first.parse().unwrap()), Value::Ip(second.parse().unwrap())])
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        assert!(holds("eq", r#"{"const":{"i64":5}}"#, Value::Uint(5)));
        assert!(holds("lt", r#"{"const":{"i64":-1}}"#, Value::Int(-2)));
        assert!(!holds("lt", r#"{"const":{"u64":18446744073709551615}}"#, Value::Uint(u64::MAX)));
        assert!(holds("ge", r#"{"const":{"f64":5.5}}"#, Value::Double(5.5)));
    }

    #[test]
    fn texts_are_ordered_by_bytes() {
        assert!(holds("gt", r#"{"const":{"text":"5"}}"#, text("curl")));
        assert!(!holds("gt", r#"{"const":{"text":"curl"}}"#, text("CURL")));
    }

    #[test]
    fn searches_look_for_parts() {
        let url = r#"{"const":{"text":"URL"}}"#;
        assert!(!holds("contains", url, text("curl")));
        assert!(holds("icontains", url, text("curly")));
        assert!(!holds("icontains", url, text("cur")));
        assert!(holds("icontains", r#"{"const":{"text":""}}"#, text("")));
        assert!(holds("contains", r#"{"const":{"raw":"/w=="}}"#, Value::text(b"a\xff")));
        assert!(holds("startswith", r#"{"const":{"bytes":"f0VM"}}"#, Value::text(b"\x7fELF")));
    }

    #[test]
    fn a_regex_matches_the_whole_value() {
        assert!(!holds("regex", r#"{"const":{"text":"cur"}}"#, text("curl")));
        assert!(holds("regex", r#"{"const":{"text":"c(?:u|v)rl|x"}}"#, text("curl")));
        assert!(holds("regex", r#"{"const":{"text":"[^a]+"}}"#, text("\u{e9}")));
    }

    #[test]
    fn both_ends_have_to_differ_and_one_has_to_equal() {
        let rhs = r#"{"const":{"ip":"10.0.0.1"}}"#;
        assert!(holds("eq", rhs, ends("10.0.0.1", "8.8.8.8")));
        assert!(!holds("ne", rhs, ends("10.0.0.1", "8.8.8.8")));
        assert!(holds("ne", rhs, ends("10.0.0.2", "8.8.8.8")));
        let net = r#"{"set":[{"net":"10.0.0.0/8"},{"net":"fe80::/10"}]}"#;
        assert!(holds("intersects", net, ends("::1", "fe80::1")));
        assert!(!holds("intersects", net, ends("::1", "8.8.8.8")));
        let net = r#"{"const":{"net":"10.0.0.0/8"}}"#;
        assert!(holds("ne", net, ends("::1", "8.8.8.8")));
        assert!(!holds("ne", net, ends("10.9.9.9", "8.8.8.8")));
    }

    #[test]
    fn a_socket_that_is_not_connected_has_no_address_but_differs_from_all() {
        let exists = test("exists", "null", "null");
        assert!(exists.holds(&ends("10.0.0.1", "::"), &|_| None));
        assert!(!exists.holds(&ends("::", "::"), &|_| None));
        assert!(holds("ne", r#"{"const":{"ip":"10.0.0.1"}}"#, ends("::", "::")));
    }

    #[test]
    fn one_ancestor_is_enough_to_differ() {
        assert!(holds("ne", r#"{"const":{"text":"bash"}}"#, texts(&["bash", "sshd"])));
        assert!(!holds("ne", r#"{"const":{"text":"bash"}}"#, texts(&["bash"])));
    }

    #[test]
    fn every_item_of_a_list_is_in_or_one_is() {
        let set = r#"{"set":[{"text":"file"}]}"#;
        assert!(!holds("in", set, texts(&["file", "ipv4"])));
        assert!(holds("intersects", set, texts(&["file", "ipv4"])));
        assert!(holds("in", r#"{"set":[]}"#, texts(&[])));
        assert!(!holds("intersects", r#"{"set":[]}"#, texts(&[])));
    }

    fn quantified(cmp: &str, rhs: &str, quant: &str) -> bool {
        test(cmp, rhs, quant).holds(&text("curl"), &|_| None)
    }

    #[test]
    fn quantifiers_count_elements() {
        let rhs = r#"{"set":[{"text":"cu"},{"text":"rl"},{"text":"cu"}]}"#;
        assert!(quantified("contains", rhs, "\"allof\""));
        assert!(!quantified("contains", rhs, "\"oneof\""));
        assert!(quantified("startswith", rhs, "\"anyof\""));
        assert!(!quantified("eq", r#"{"set":[]}"#, "\"allof\""));
    }

    #[test]
    fn the_right_side_can_be_computed() {
        let rhs = r#"{"expr":[{"field":0}]}"#;
        assert!(holds("eq", rhs, text("curl")));
        assert!(holds("startswith", rhs, text("curly")));
        assert!(!holds("ne", rhs, text("curl")));
        assert!(!test("eq", rhs, "null").holds(&text("curl"), &|_| None));
    }

    #[test]
    fn right_sides_that_do_not_fit_are_refused() {
        for (cmp, rhs, quant) in [
            ("exists", r#"{"const":{"text":""}}"#, None),
            ("eq", "null", None),
            ("in", r#"{"const":{"text":""}}"#, None),
            ("in", r#"{"set":[]}"#, Some(Quant::Any)),
            ("regex", r#"{"const":{"text":"("}}"#, None),
            ("regex", r#"{"expr":[{"field":0}]}"#, None),
            ("contains", r#"{"const":{"u64":1}}"#, None),
            ("eq", r#"{"const":{"net":"10.0.0.0"}}"#, None),
            ("eq", r#"{"expr":[{"field":1}]}"#, None),
        ] {
            let row: Option<RhsRow> = serde_json::from_str(rhs).unwrap();
            let cmp = serde_json::from_str(&format!("{cmp:?}")).unwrap();
            assert!(Test::new(cmp, row.as_ref(), quant, 1).is_err(), "{cmp:?} {rhs}");
        }
    }
}
