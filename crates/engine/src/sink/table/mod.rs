//! Events grouped by the values of fields: the counts, sums and times behind every view.
//!
//! In: chosen events (or records made of them), and the plan's keys and values. Out: rows as
//! JSON, on request. Next: Python shows them.
//!
//! The number of keys is bounded. When it is reached, the smaller half goes into one nameless
//! rest whose keys are counted, so that totals stay right; groups along an axis (of time) become
//! wider instead.

pub mod acc;
pub mod key;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use serde::Deserialize;
use serde_json::{json, Value as Json};

use self::acc::{Acc, Agg};
use self::key::{Bucket, Part};
use super::{check_fields, Sink};
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::extract::Extractors;
use crate::filter::{Program, ProgramRow};
use crate::source::Block;
use crate::value::Value;

/// Greatest number of keys a plan may ask for.
const MAX_KEYS: u32 = 1 << 20;

/// A table as the plan declares it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableRow {
    /// What events are grouped by; none for one row of everything.
    pub keys: Vec<KeyRow>,
    /// What is kept of each group.
    pub values: Vec<ValueRow>,
    /// Greatest number of groups kept, 2 or more.
    pub max_keys: u32,
    /// How many rows are given out; the others are summed up as the rest. None for all.
    pub limit: Option<u32>,
    /// Position of the value that rows are ordered by, greatest first, and that decides which
    /// groups go when there are too many. None: ordered by key.
    pub order: Option<u16>,
}

/// One value of the key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRow {
    /// Position of the field.
    pub field: usize,
    /// Groups of values instead of values.
    pub bucket: Option<Bucket>,
    /// Events to which the field does not apply are grouped too; else they are left out.
    pub optional: bool,
}

/// One value of a row.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueRow {
    /// How the values become one.
    pub agg: Agg,
    /// Positions of the fields: several for `distinct`, none for a plain `count`.
    pub fields: Vec<usize>,
    /// Of these events only.
    #[serde(rename = "where")]
    pub condition: Option<ProgramRow>,
    /// For `quantiles`: each from 0 to 1.
    pub quantiles: Vec<f64>,
    /// Events without this value, or with 0 or less of it, make no row.
    pub required: bool,
}

/// Where field values come from.
#[derive(Clone, Copy)]
pub enum Input<'c, 'a> {
    /// An event.
    Event(&'c Ctx<'a>, &'c Extractors),
    /// A record that a sink has made of events: fields are positions in it.
    Record(&'c [Option<Value<'a>>]),
}

impl<'a> Input<'_, 'a> {
    /// The value of field `i`.
    pub fn get(&self, i: usize) -> Option<Value<'a>> {
        match self {
            Input::Event(ctx, fields) => fields.extract(i, ctx),
            Input::Record(values) => values.get(i).cloned().flatten(),
        }
    }

    fn holds(&self, program: &Program) -> bool {
        match self {
            Input::Event(ctx, fields) => program.matches(ctx, fields),
            Input::Record(_) => false,
        }
    }
}

struct ValueDef {
    agg: Agg,
    fields: Vec<usize>,
    condition: Option<Program>,
    quantiles: Vec<f64>,
    required: bool,
}

impl ValueDef {
    fn new(row: &ValueRow, fields: &Extractors) -> Result<Self> {
        Ok(ValueDef {
            agg: row.agg,
            fields: row.fields.clone(),
            condition: row.condition.as_ref().map(|p| Program::new(p, fields)).transpose()?,
            quantiles: row.quantiles.clone(),
            required: row.required,
        })
    }
}

/// Groups with their values.
pub struct Table {
    keys: Vec<KeyRow>,
    values: Vec<ValueDef>,
    max_keys: usize,
    limit: usize,
    order: Option<usize>,
    groups: HashMap<Box<[u8]>, Vec<Acc>>,
    rest: Vec<Acc>,
    evicted: u64,
    events: u64,
    without_key: u64,
    /// How many events had each value.
    seen: Vec<u64>,
    /// First and last position of each key in buckets of equal width.
    extent: Vec<Option<(u64, u64)>>,
    scratch: Vec<u8>,
    hasher: RandomState,
}

impl Table {
    /// Checks the plan's row, whose fields are positions among `known` ones.
    ///
    /// # Errors
    /// [`Error::Plan`] for a bound, bucket or position that cannot be.
    pub fn new(row: &TableRow, fields: &Extractors, known: usize) -> Result<Self> {
        check(row)?;
        check_fields(row.keys.iter().map(|k| &k.field), known)?;
        check_fields(row.values.iter().flat_map(|v| &v.fields), known)?;
        let values: Vec<ValueDef> =
            row.values.iter().map(|v| ValueDef::new(v, fields)).collect::<Result<_>>()?;
        Ok(Table {
            extent: vec![None; row.keys.len()],
            keys: row.keys.clone(),
            max_keys: row.max_keys as usize,
            limit: row.limit.map_or(usize::MAX, |n| n as usize),
            order: row.order.map(usize::from),
            groups: HashMap::new(),
            rest: empty(&values),
            evicted: 0,
            events: 0,
            without_key: 0,
            seen: vec![0; values.len()],
            values,
            scratch: Vec::new(),
            hasher: RandomState::new(),
        })
    }

    /// Puts an event or record into its group.
    pub fn take(&mut self, input: Input<'_, '_>) {
        self.events += 1;
        if self.lacks_required(input) {
            return;
        }
        let mut key = std::mem::take(&mut self.scratch);
        if self.encode_key(input, &mut key) {
            if !self.groups.contains_key(key.as_slice()) {
                self.admit(input, &mut key);
            }
            self.update(&key, input);
        } else {
            self.without_key += 1;
        }
        self.scratch = key;
    }

    fn lacks_required(&mut self, input: Input<'_, '_>) -> bool {
        for (def, seen) in self.values.iter().zip(&mut self.seen).filter(|(v, _)| v.required) {
            let value = def.fields.first().and_then(|f| input.get(*f));
            let Some(number) = value.as_ref().and_then(key::number) else { return true };
            if number <= 0 {
                *seen += 1;
                return true;
            }
        }
        false
    }

    /// Writes the key of an event to `out`; false when a field that is needed does not apply.
    fn encode_key(&mut self, input: Input<'_, '_>, out: &mut Vec<u8>) -> bool {
        out.clear();
        for at in 0..self.keys.len() {
            let Some(row) = self.keys.get(at) else { return false };
            match (input.get(row.field), row.bucket) {
                (Some(value), None) => key::encode(out, &value),
                (Some(value), Some(bucket)) => {
                    let Some(n) = key::number(&value) else { return false };
                    let position = self.position(at, bucket, u64::try_from(n).unwrap_or(0));
                    key::encode_bucket(out, position);
                }
                (None, _) if row.optional => key::encode_absent(out),
                (None, _) => return false,
            }
        }
        true
    }

    /// The group of `n` along key `at`; makes the groups wider when they would become too many.
    fn position(&mut self, at: usize, bucket: Bucket, n: u64) -> u64 {
        let (width, span) = match bucket {
            Bucket::Log2(steps) => return key::log2_position(n, steps),
            Bucket::Width { width, span } => (width, span),
        };
        let position = n / width;
        let (first, last) = self
            .extent
            .get(at)
            .copied()
            .flatten()
            .map_or((position, position), |(a, b)| (a.min(position), b.max(position)));
        if last - first >= span {
            self.widen();
            if let Some(Some(bucket)) = self.keys.get(at).map(|k| k.bucket) {
                return self.position(at, bucket, n);
            }
        }
        if let Some(extent) = self.extent.get_mut(at) {
            *extent = Some((first, last));
        }
        position
    }

    /// Makes the axis, if there is one, coarser, and joins the groups that fall together.
    fn widen(&mut self) {
        let mut factors = vec![1; self.keys.len()];
        for ((row, factor), extent) in self.keys.iter_mut().zip(&mut factors).zip(&mut self.extent)
        {
            if let Some(Bucket::Width { width, .. }) = &mut row.bucket {
                *factor = key::coarser(*width);
                *width = width.saturating_mul(*factor);
                *extent = extent.map(|(first, last)| (first / *factor, last / *factor));
            }
        }
        if factors.iter().all(|factor| *factor == 1) {
            return;
        }
        let mut old: Vec<_> = std::mem::take(&mut self.groups).into_iter().collect();
        // The earlier ones first, so that "last" stays the last.
        old.sort_by(|a, b| compare_keys(&a.0, &b.0));
        for (key, accs) in old {
            let key = shrunk(&key, &factors);
            match self.groups.get_mut(key.as_slice()) {
                Some(group) => merge(group, &accs),
                None => drop(self.groups.insert(key.into(), accs)),
            }
        }
    }

    /// Makes a group for `key`, which is written anew when the groups became wider.
    fn admit(&mut self, input: Input<'_, '_>, key: &mut Vec<u8>) {
        if self.groups.len() >= self.max_keys {
            self.widen();
            if self.groups.len() >= self.max_keys {
                self.evict();
            }
            self.encode_key(input, key);
        }
        self.groups.entry(key.as_slice().into()).or_insert_with(|| empty(&self.values));
    }

    /// Sends the smaller half of the groups into the rest.
    fn evict(&mut self) {
        let ranked = self.ranked();
        let gone: Vec<Box<[u8]>> =
            ranked.iter().skip(ranked.len() / 2).map(|(k, _)| (*k).into()).collect();
        for key in gone {
            if let Some(accs) = self.groups.remove(&key) {
                merge(&mut self.rest, &accs);
                self.evicted += 1;
            }
        }
    }

    fn update(&mut self, key: &[u8], input: Input<'_, '_>) {
        let Some(group) = self.groups.get_mut(key) else { return };
        for ((def, acc), seen) in self.values.iter().zip(group).zip(&mut self.seen) {
            if def.condition.as_ref().is_some_and(|p| !input.holds(p)) {
                continue;
            }
            if fold(def, acc, input, &self.hasher) {
                *seen += 1;
            }
        }
    }

    /// Groups in the order of display.
    fn ranked(&self) -> Vec<(&[u8], &Vec<Acc>)> {
        let mut rows: Vec<(&[u8], &Vec<Acc>)> =
            self.groups.iter().map(|(k, v)| (&**k, v)).collect();
        match self.order {
            Some(at) => rows.sort_by(|(ka, a), (kb, b)| {
                let order = |accs: &[Acc]| accs.get(at).map_or(i128::MIN, Acc::order);
                order(b).cmp(&order(a)).then_with(|| compare_keys(ka, kb))
            }),
            None => rows.sort_by(|a, b| compare_keys(a.0, b.0)),
        }
        rows
    }

    /// Rows and counts, as an object:
    /// `rows` (keys, then values, in an array each), `rest` (`keys` and `values`), `events`,
    /// `without_key`, `evicted` (keys), `seen` (events that had each value), `widths` (of each
    /// key's groups, null for none).
    pub fn result(&mut self, reset: bool) -> Json {
        let ranked = self.ranked();
        let shown = ranked.len().min(self.limit);
        let rows: Vec<Json> = ranked
            .iter()
            .take(shown)
            .map(|(k, accs)| key::decode(k).iter().map(Part::json).chain(self.show(accs)).collect())
            .collect();
        let mut rest = self.rest.clone();
        ranked.iter().skip(shown).for_each(|(_, accs)| merge(&mut rest, accs));
        let result = json!({
            "rows": rows,
            "rest": {
                "keys": self.evicted + (ranked.len() - shown) as u64,
                "values": self.show(&rest).collect::<Vec<_>>(),
            },
            "events": self.events,
            "without_key": self.without_key,
            "evicted": self.evicted,
            "seen": self.seen,
            "widths": self.keys.iter().map(width).collect::<Vec<_>>(),
        });
        if reset {
            self.reset();
        }
        result
    }

    fn show<'s>(&'s self, accs: &'s [Acc]) -> impl Iterator<Item = Json> + 's {
        self.values.iter().zip(accs).map(|(def, acc)| acc.json(&def.quantiles))
    }

    fn reset(&mut self) {
        self.groups.clear();
        self.rest = empty(&self.values);
        (self.evicted, self.events, self.without_key) = (0, 0, 0);
        self.seen.fill(0);
        self.extent.fill(None);
    }
}

fn check(row: &TableRow) -> Result<()> {
    let bad = |what: &str| Err(Error::Plan(format!("table: {what}")));
    if !(2..=MAX_KEYS).contains(&row.max_keys) {
        return bad("max_keys out of range");
    }
    if row.order.is_some_and(|at| usize::from(at) >= row.values.len()) {
        return bad("order is no value's position");
    }
    for key in &row.keys {
        match key.bucket {
            Some(Bucket::Width { width: 0, .. } | Bucket::Width { span: 0, .. }) => {
                return bad("a group is empty");
            }
            Some(Bucket::Log2(steps)) if !(1..=256).contains(&steps) => {
                return bad("steps out of range");
            }
            _ => {}
        }
    }
    let is_axis = |k: &&KeyRow| matches!(k.bucket, Some(Bucket::Width { .. }));
    if row.keys.iter().filter(is_axis).count() > 1 {
        return bad("more than one axis");
    }
    for value in &row.values {
        let needed = usize::from(value.agg != Agg::Count || value.required);
        if value.fields.len() < needed || (value.agg != Agg::Distinct && value.fields.len() > 1) {
            return bad("wrong number of fields for a value");
        }
    }
    Ok(())
}

fn empty(values: &[ValueDef]) -> Vec<Acc> {
    values.iter().map(|v| Acc::new(v.agg)).collect()
}

fn merge(into: &mut [Acc], from: &[Acc]) {
    for (a, b) in into.iter_mut().zip(from) {
        a.merge(b);
    }
}

/// Puts the value of an event where it belongs; false when the event has none.
fn fold(def: &ValueDef, acc: &mut Acc, input: Input<'_, '_>, hasher: &RandomState) -> bool {
    if def.agg == Agg::Distinct {
        let mut all = Vec::new();
        for field in &def.fields {
            let Some(value) = input.get(*field) else { return false };
            key::encode(&mut all, &value);
        }
        acc.see(hasher.hash_one(&all));
        return true;
    }
    let Some(field) = def.fields.first() else {
        acc.count();
        return true;
    };
    let Some(value) = input.get(*field) else { return false };
    acc.add(&value);
    true
}

fn compare_keys(a: &[u8], b: &[u8]) -> std::cmp::Ordering {
    let (a, b) = (key::decode(a), key::decode(b));
    a.iter()
        .zip(&b)
        .map(|(x, y)| x.compare(y))
        .find(|o| o.is_ne())
        .unwrap_or_else(|| a.len().cmp(&b.len()))
}

/// The key after the widths of its buckets have grown by `factors`.
fn shrunk(key: &[u8], factors: &[u64]) -> Vec<u8> {
    let mut out = Vec::with_capacity(key.len());
    for (part, factor) in key::decode(key).iter().zip(factors) {
        match part {
            Part::Uint(n) if *factor > 1 => key::encode_bucket(&mut out, n / factor),
            other => key::encode_part(&mut out, other),
        }
    }
    out
}

fn width(row: &KeyRow) -> Json {
    match row.bucket {
        Some(Bucket::Width { width, .. }) => width.into(),
        _ => Json::Null,
    }
}

/// A table of events.
pub struct TableSink(Table);

impl TableSink {
    /// A sink for the plan's row.
    ///
    /// # Errors
    /// [`Error::Plan`], see [`Table::new`].
    pub fn new(row: &TableRow, fields: &Extractors) -> Result<Self> {
        Table::new(row, fields, fields.len()).map(TableSink)
    }
}

impl Sink for TableSink {
    fn metadata(&mut self, _block: &Block<'_>) -> Result<()> {
        Ok(())
    }

    fn event(&mut self, ctx: &Ctx<'_>, _block: &Block<'_>, fields: &Extractors) -> Result<bool> {
        self.0.take(Input::Event(ctx, fields));
        Ok(true)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    fn result(&mut self, reset: bool) -> Option<Json> {
        Some(self.0.result(reset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::Extractors;
    use crate::plan::TableRows;
    use crate::tables::Tables;

    const KEY: &str = r#"{"field":0,"bucket":null,"optional":false}"#;

    fn table(keys: &str, values: &str, max_keys: u32, more: &str) -> Table {
        let text =
            format!(r#"{{"keys":[{keys}],"values":[{values}],"max_keys":{max_keys},{more}}}"#);
        let row: TableRow = serde_json::from_str(&text).unwrap();
        Table::new(&row, &no_fields(), 2).unwrap()
    }

    fn no_fields() -> Extractors {
        let rows: TableRows = serde_json::from_str(
            r#"{"events":[],"variants":{},"conversions":[],"symbols":{},"ppm_sc":[],
                "natives":{},"fd_types":[]}"#,
        )
        .unwrap();
        Extractors::new(&[], &Tables::new(&rows).unwrap()).unwrap()
    }

    fn value(agg: &str, field: usize, required: bool) -> String {
        format!(
            r#"{{"agg":"{agg}","fields":[{field}],"where":null,"quantiles":[],"required":{required}}}"#
        )
    }

    fn feed(table: &mut Table, rows: &[(&'static str, i64)]) {
        for (name, n) in rows {
            let record = [Some(Value::text(name.as_bytes())), Some(Value::Int(*n))];
            table.take(Input::Record(&record));
        }
    }

    #[test]
    fn rows_come_greatest_first_and_the_rest_is_summed_up() {
        let mut t = table(KEY, &value("sum", 1, false), 10, r#""limit":2,"order":0"#);
        feed(&mut t, &[("a", 1), ("b", 5), ("c", 3), ("a", 1), ("d", 1)]);
        let got = t.result(true);
        assert_eq!(got["rows"], json!([["b", 5], ["c", 3]]));
        assert_eq!(got["rest"], json!({"keys": 2, "values": [3]}));
        assert_eq!(got["events"], 5);
        assert_eq!(t.result(false)["rows"], json!([]));
    }

    #[test]
    fn totals_stay_right_when_there_are_too_many_keys() {
        let mut t = table(KEY, &value("sum", 1, false), 8, r#""limit":null,"order":0"#);
        let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m"];
        for (n, name) in names.iter().enumerate() {
            feed(&mut t, &[(name, n as i64 + 1)]);
        }
        let got = t.result(false);
        let rows = got["rows"].as_array().unwrap();
        assert!(rows.len() <= 8);
        let sum: i64 = rows.iter().map(|r| r[1].as_i64().unwrap()).sum();
        assert_eq!(sum + got["rest"]["values"][0].as_i64().unwrap(), (1..=13).sum::<i64>());
        assert_eq!(rows[0], json!(["m", 13]));
        assert_eq!(got["evicted"].as_u64().unwrap() as usize + rows.len(), 13);
    }

    #[test]
    fn what_has_no_key_or_no_required_value_makes_no_row() {
        let mut t = table(KEY, &value("sum", 1, true), 8, r#""limit":null,"order":null"#);
        feed(&mut t, &[("a", 0), ("b", -4), ("c", 2)]);
        t.take(Input::Record(&[None, Some(Value::Int(7))]));
        t.take(Input::Record(&[Some(Value::text(b"d")), None]));
        let got = t.result(false);
        assert_eq!(got["rows"], json!([["c", 2]]));
        assert_eq!((got["without_key"].as_u64(), got["seen"].clone()), (Some(1), json!([3])));
    }

    #[test]
    fn an_axis_grows_wider_instead_of_longer() {
        let axis = r#"{"field":1,"bucket":{"width":{"width":10,"span":4}},"optional":false}"#;
        let mut t = table(axis, &value("count", 1, false), 100, r#""limit":null,"order":null"#);
        feed(&mut t, &[("a", 1000), ("a", 1009), ("a", 1039)]);
        assert_eq!(t.result(false)["rows"], json!([[100, 2], [103, 1]]));
        feed(&mut t, &[("a", 1040), ("a", 1159)]);
        let got = t.result(false);
        assert_eq!(got["widths"], json!([100]));
        assert_eq!(got["rows"], json!([[10, 4], [11, 1]]));
        assert_eq!(got["events"], 5);
    }

    #[test]
    fn a_plan_that_cannot_be_is_refused() {
        for (key, values, rest) in [
            (r#"{"field":0,"bucket":{"width":{"width":0,"span":4}},"optional":false}"#, "", ""),
            (r#"{"field":0,"bucket":{"log2":0},"optional":false}"#, "", ""),
            ("", r#"{"agg":"sum","fields":[],"where":null,"quantiles":[],"required":false}"#, ""),
            ("", "", r#","order":0"#),
        ] {
            let text = format!(r#"{{"keys":[{key}],"values":[{values}],"max_keys":4{rest}}}"#);
            let row: TableRow = serde_json::from_str(&text).unwrap();
            assert!(matches!(Table::new(&row, &no_fields(), 2), Err(Error::Plan(_))), "{text}");
        }
    }
}
