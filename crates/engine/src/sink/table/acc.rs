//! What a table keeps of the values of one key.
//!
//! In: [`Value`]s, one event after the other. Out: a JSON value. Next: `super`.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;
use serde::Deserialize;
use serde_json::Value as Json;

use super::key;
use crate::value::Value;

/// How the values of one key become one.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Agg {
    /// Number of events for which the field applies; of all without a field.
    Count,
    /// Sum.
    Sum,
    /// Smallest.
    Min,
    /// Greatest.
    Max,
    /// Mean, rounded down.
    Avg,
    /// Value of the first event.
    First,
    /// Value of the last event.
    Last,
    /// Number of different values.
    Distinct,
    /// Values below which given parts of all lie.
    Quantiles,
}

/// Most different values counted exactly for one key; beyond it the number is a lower bound.
pub const MAX_DISTINCT: usize = 1 << 16;

/// Steps of each power of two of a [`Histogram`]: a quantile is at most 1/16 too small.
const STEPS: u32 = 16;

/// How many values lie where, each within 1/16.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    counts: BTreeMap<u64, u64>,
    total: u64,
    range: Option<(u64, u64)>,
}

impl Histogram {
    fn add(&mut self, n: i64) {
        let n = u64::try_from(n).unwrap_or(0);
        *self.counts.entry(key::log2_position(n, STEPS)).or_default() += 1;
        self.total += 1;
        self.widen((n, n));
    }

    fn widen(&mut self, (low, high): (u64, u64)) {
        let (first, last) = self.range.unwrap_or((low, high));
        self.range = Some((first.min(low), last.max(high)));
    }

    fn merge(&mut self, other: &Histogram) {
        for (at, n) in &other.counts {
            *self.counts.entry(*at).or_default() += n;
        }
        self.total += other.total;
        if let Some(range) = other.range {
            self.widen(range);
        }
    }

    /// The first number of the step in which the value of rank `q` lies, `q` from 0 to 1; no
    /// less than the smallest value.
    fn quantile(&self, q: f64) -> Option<u64> {
        let rank = (q.clamp(0.0, 1.0) * self.total as f64).ceil().max(1.0) as u64;
        let mut below = 0;
        for (at, n) in &self.counts {
            below += n;
            if below >= rank {
                let (low, high) = self.range?;
                return Some(key::log2_start(*at, STEPS).clamp(low, high));
            }
        }
        None
    }
}

/// The values of one key so far.
#[derive(Clone, Debug)]
pub enum Acc {
    /// Of [`Agg::Count`].
    Count(u64),
    /// Of [`Agg::Sum`] and [`Agg::Avg`]: sum, number, and whether the mean is wanted.
    Sum {
        /// Sum of the values.
        sum: i128,
        /// How many there were.
        n: u64,
        /// The mean is wanted.
        mean: bool,
    },
    /// Of [`Agg::Min`].
    Min(Option<i64>),
    /// Of [`Agg::Max`].
    Max(Option<i64>),
    /// Of [`Agg::First`] and [`Agg::Last`]: an encoded part, and whether the first one stays.
    Shown {
        /// Encoded as a key.
        part: Vec<u8>,
        /// The first one stays.
        first: bool,
    },
    /// Of [`Agg::Distinct`]: hashes.
    Distinct(FxHashSet<u64>),
    /// Of [`Agg::Quantiles`].
    Quantiles(Histogram),
}

impl Acc {
    /// Nothing yet.
    pub fn new(agg: Agg) -> Self {
        match agg {
            Agg::Count => Acc::Count(0),
            Agg::Sum => Acc::Sum { sum: 0, n: 0, mean: false },
            Agg::Avg => Acc::Sum { sum: 0, n: 0, mean: true },
            Agg::Min => Acc::Min(None),
            Agg::Max => Acc::Max(None),
            Agg::First => Acc::Shown { part: Vec::new(), first: true },
            Agg::Last => Acc::Shown { part: Vec::new(), first: false },
            Agg::Distinct => Acc::Distinct(FxHashSet::default()),
            Agg::Quantiles => Acc::Quantiles(Histogram::default()),
        }
    }

    /// Counts an event without looking at a value.
    pub fn count(&mut self) {
        if let Acc::Count(n) = self {
            *n += 1;
        }
    }

    /// Counts a value by its hash.
    pub fn see(&mut self, hash: u64) {
        if let Acc::Distinct(seen) = self {
            if seen.len() < MAX_DISTINCT {
                seen.insert(hash);
            }
        }
    }

    /// Takes a value in; one that is no number leaves sums as they are.
    pub fn add(&mut self, value: &Value<'_>) {
        match self {
            Acc::Count(n) => *n += 1,
            Acc::Shown { part, first } => {
                if part.is_empty() || !*first {
                    part.clear();
                    key::encode(part, value);
                }
            }
            Acc::Distinct(_) => {}
            _ => {
                if let Some(n) = key::number(value) {
                    self.add_number(n);
                }
            }
        }
    }

    fn add_number(&mut self, value: i64) {
        match self {
            Acc::Sum { sum, n, .. } => {
                *sum += i128::from(value);
                *n += 1;
            }
            Acc::Min(min) => *min = Some(min.map_or(value, |m| m.min(value))),
            Acc::Max(max) => *max = Some(max.map_or(value, |m| m.max(value))),
            Acc::Quantiles(histogram) => histogram.add(value),
            Acc::Count(_) | Acc::Shown { .. } | Acc::Distinct(_) => {}
        }
    }

    /// Takes in what another key has, as if its events had been this key's and came later.
    pub fn merge(&mut self, other: &Acc) {
        match (self, other) {
            (Acc::Count(a), Acc::Count(b)) => *a += b,
            (Acc::Sum { sum, n, .. }, Acc::Sum { sum: s, n: m, .. }) => {
                *sum += s;
                *n += m;
            }
            (Acc::Min(a), Acc::Min(Some(b))) => *a = Some(a.map_or(*b, |a| a.min(*b))),
            (Acc::Max(a), Acc::Max(Some(b))) => *a = Some(a.map_or(*b, |a| a.max(*b))),
            (Acc::Shown { part: a, first }, Acc::Shown { part: b, .. })
                if !b.is_empty() && (a.is_empty() || !*first) =>
            {
                a.clone_from(b);
            }
            (Acc::Distinct(a), Acc::Distinct(b)) => {
                let room = MAX_DISTINCT.saturating_sub(a.len());
                let new: Vec<u64> = b.difference(a).take(room).copied().collect();
                a.extend(new);
            }
            (Acc::Quantiles(a), Acc::Quantiles(b)) => a.merge(b),
            _ => {}
        }
    }

    /// The number that rows are ordered by; nothing sorts below everything.
    pub fn order(&self) -> i128 {
        match self {
            Acc::Count(n) => i128::from(*n),
            Acc::Sum { sum, n, mean: true } => sum.checked_div(i128::from(*n)).unwrap_or(i128::MIN),
            Acc::Sum { n: 0, .. } => i128::MIN,
            Acc::Sum { sum, .. } => *sum,
            Acc::Min(n) | Acc::Max(n) => n.map_or(i128::MIN, i128::from),
            Acc::Distinct(seen) => seen.len() as i128,
            Acc::Quantiles(histogram) => i128::from(histogram.total),
            Acc::Shown { part, .. } => match key::decode(part).first() {
                Some(key::Part::Int(n)) => i128::from(*n),
                Some(key::Part::Uint(n)) => i128::from(*n),
                _ => i128::MIN,
            },
        }
    }

    /// The value for display; null when no event had one.
    pub fn json(&self, quantiles: &[f64]) -> Json {
        match self {
            Acc::Count(n) => (*n).into(),
            Acc::Sum { n: 0, .. } => Json::Null,
            Acc::Sum { sum, n, mean } => clamp(if *mean { sum / i128::from(*n) } else { *sum }),
            Acc::Min(n) | Acc::Max(n) => (*n).into(),
            Acc::Distinct(seen) => seen.len().into(),
            Acc::Shown { part, .. } => {
                key::decode(part).first().map_or(Json::Null, key::Part::json)
            }
            Acc::Quantiles(h) => quantiles.iter().map(|q| Json::from(h.quantile(*q))).collect(),
        }
    }
}

fn clamp(n: i128) -> Json {
    i64::try_from(n).map_or_else(|_| u64::try_from(n).unwrap_or(u64::MAX).into(), Json::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(agg: Agg, values: &[Value<'_>]) -> Acc {
        let mut acc = Acc::new(agg);
        values.iter().for_each(|v| acc.add(v));
        acc
    }

    #[test]
    fn numbers_are_put_together_as_their_row_says() {
        let values = [Value::Int(-4), Value::Uint(10), Value::Bool(true), Value::text(b"no")];
        assert_eq!(of(Agg::Sum, &values).json(&[]), json!(7));
        assert_eq!(of(Agg::Avg, &values).json(&[]), json!(2));
        assert_eq!(of(Agg::Min, &values).json(&[]), json!(-4));
        assert_eq!(of(Agg::Max, &values).json(&[]), json!(10));
        assert_eq!(of(Agg::Count, &values).json(&[]), json!(4));
        assert_eq!(of(Agg::First, &values).json(&[]), json!(-4));
        assert_eq!(of(Agg::Last, &values).json(&[]), json!("no"));
    }

    #[test]
    fn without_values_there_is_no_number() {
        for agg in [Agg::Sum, Agg::Avg, Agg::Min, Agg::Max, Agg::Last] {
            assert_eq!(of(agg, &[]).json(&[]), Json::Null);
        }
        assert_eq!(of(Agg::Quantiles, &[]).json(&[0.5]), json!([null]));
    }

    #[test]
    fn a_sum_beyond_64_bits_stays_at_the_greatest_number() {
        let many = vec![Value::Int(i64::MAX); 3];
        assert_eq!(of(Agg::Sum, &many).json(&[]), json!(u64::MAX));
    }

    #[test]
    fn quantiles_are_within_a_sixteenth() {
        let values: Vec<Value<'_>> = (1..=1000).map(Value::Int).collect();
        let Json::Array(found) = of(Agg::Quantiles, &values).json(&[0.5, 0.99, 1.0]) else {
            unreachable!()
        };
        for (found, exact) in found.iter().zip([500.0, 990.0, 1000.0]) {
            let found = found.as_f64().unwrap();
            assert!(found <= exact && found > exact * 15.0 / 16.0 - 1.0, "{found} {exact}");
        }
    }

    #[test]
    fn a_quantile_of_one_value_is_that_value() {
        assert_eq!(of(Agg::Quantiles, &[Value::Int(9000)]).json(&[0.5, 0.99]), json!([9000, 9000]));
    }

    #[test]
    fn merging_is_adding_the_other_s_events() {
        let (a, b) = ([Value::Int(1), Value::Int(9)], [Value::Int(5)]);
        let both = [Value::Int(1), Value::Int(9), Value::Int(5)];
        for agg in [Agg::Sum, Agg::Avg, Agg::Min, Agg::Max, Agg::Count, Agg::First, Agg::Last] {
            let mut left = of(agg, &a);
            left.merge(&of(agg, &b));
            assert_eq!(left.json(&[]), of(agg, &both).json(&[]), "{agg:?}");
        }
    }

    #[test]
    fn different_values_are_counted_once_and_at_most_so_many() {
        let mut acc = Acc::new(Agg::Distinct);
        for hash in 0..(MAX_DISTINCT as u64 + 10) {
            acc.see(hash);
            acc.see(hash);
        }
        assert_eq!(acc.json(&[]), json!(MAX_DISTINCT));
    }
}
