//! Times as text, in the zone that was in force on the event's day.
//!
//! In: ns since the epoch and the plan's [`Zone`]. Out: bytes appended to a line. Next: `extract`.

use super::num::{digits, padded};

const NS: u64 = 1_000_000_000;
const DAY: i64 = 86_400;

/// Offsets from UTC and when each began.
#[derive(Clone, Debug, Default)]
pub struct Zone {
    spans: Vec<(i64, i32)>,
}

impl Zone {
    /// A zone from `(start, offset)` rows in seconds, in any order; none is UTC.
    pub fn new(rows: &[(i64, i32)]) -> Self {
        let mut spans = rows.to_vec();
        spans.sort_unstable();
        Zone { spans }
    }

    /// Seconds east of UTC at `epoch_s`; before the first row, the first row's.
    pub fn offset(&self, epoch_s: i64) -> i64 {
        let at = self.spans.partition_point(|(start, _)| *start <= epoch_s);
        self.spans.get(at.saturating_sub(1)).map_or(0, |(_, offset)| i64::from(*offset))
    }
}

/// Local seconds since the epoch and the fraction.
fn local(ns: u64, zone: &Zone) -> (i64, u64) {
    let seconds = i64::try_from(ns / NS).unwrap_or(i64::MAX - DAY);
    (seconds.saturating_add(zone.offset(seconds)), ns % NS)
}

/// `HH:MM:SS`
const CLOCK: usize = 8;

/// `HH:MM:SS.nnnnnnnnn`
const CLOCK_NS: usize = 18;

/// Fills `text` with `HH:MM:SS`, and with as many digits of the fraction as it has room for.
fn fill_clock(text: &mut [u8], local_s: i64, ns: u64) {
    let second = local_s.rem_euclid(DAY).unsigned_abs();
    let parts = [(0, second / 3600), (3, second / 60 % 60), (6, second % 60)];
    for (at, part) in parts {
        digits(&mut text[at..at + 2], part);
    }
    (text[2], text[5]) = (b':', b':');
    if let Some((point, fraction)) = text[CLOCK..].split_first_mut() {
        *point = b'.';
        digits(fraction, ns);
    }
}

/// `HH:MM:SS`
fn clock(out: &mut Vec<u8>, local_s: i64) {
    let mut text = [0; CLOCK];
    fill_clock(&mut text, local_s, 0);
    out.extend_from_slice(&text);
}

/// `YYYY-MM-DD`, proleptic Gregorian.
fn date(out: &mut Vec<u8>, local_s: i64) {
    let (year, month, day) = civil(local_s.div_euclid(DAY));
    padded(out, year.unsigned_abs(), 4);
    out.push(b'-');
    padded(out, month, 2);
    out.push(b'-');
    padded(out, day, 2);
}

/// Year, month and day of a day number counted from 1970-01-01.
///
/// The year is taken to begin in March, so that the leap day is its last.
fn civil(day_number: i64) -> (i64, u64, u64) {
    const ERA: i64 = 146_097;
    let shifted = day_number + 719_468;
    let era = shifted.div_euclid(ERA);
    let of_era = shifted.rem_euclid(ERA);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    (year, month.unsigned_abs(), day.unsigned_abs())
}

fn fraction(out: &mut Vec<u8>, ns: u64) {
    out.push(b'.');
    padded(out, ns, 9);
}

/// `HH:MM:SS.nnnnnnnnn`
pub fn time_of_day(out: &mut Vec<u8>, ns: u64, zone: &Zone) {
    let (seconds, rest) = local(ns, zone);
    let mut text = [0; CLOCK_NS];
    fill_clock(&mut text, seconds, rest);
    out.extend_from_slice(&text);
}

/// `HH:MM:SS`
pub fn time_of_day_s(out: &mut Vec<u8>, ns: u64, zone: &Zone) {
    clock(out, local(ns, zone).0);
}

/// `YYYY-MM-DD HH:MM:SS`
pub fn date_time_s(out: &mut Vec<u8>, ns: u64, zone: &Zone) {
    let (seconds, _) = local(ns, zone);
    date(out, seconds);
    out.push(b' ');
    clock(out, seconds);
}

/// `YYYY-MM-DD HH:MM:SS.nnnnnnnnn`
pub fn date_time(out: &mut Vec<u8>, ns: u64, zone: &Zone) {
    date_time_s(out, ns, zone);
    fraction(out, ns % NS);
}

/// `YYYY-MM-DDTHH:MM:SS.nnnnnnnnn+hhmm`
pub fn iso8601(out: &mut Vec<u8>, ns: u64, zone: &Zone) {
    let (seconds, rest) = local(ns, zone);
    date(out, seconds);
    out.push(b'T');
    clock(out, seconds);
    fraction(out, rest);
    let offset = zone.offset(seconds_of(ns));
    out.push(if offset < 0 { b'-' } else { b'+' });
    padded(out, offset.unsigned_abs() / 3600, 2);
    padded(out, offset.unsigned_abs() / 60 % 60, 2);
}

fn seconds_of(ns: u64) -> i64 {
    i64::try_from(ns / NS).unwrap_or(i64::MAX)
}

/// `S.nnnnnnnnn`
pub fn seconds(out: &mut Vec<u8>, ns: u64) {
    super::num::udec(out, ns / NS);
    fraction(out, ns % NS);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    const AUGUST: u64 = 1_534_527_348_514_682_170;

    #[test]
    fn utc_is_the_zone_without_rows() {
        let utc = Zone::default();
        assert_eq!(text(|o| time_of_day(o, AUGUST, &utc)), "17:35:48.514682170");
        assert_eq!(text(|o| date_time(o, AUGUST, &utc)), "2018-08-17 17:35:48.514682170");
        assert_eq!(text(|o| iso8601(o, AUGUST, &utc)), "2018-08-17T17:35:48.514682170+0000");
        assert_eq!(text(|o| seconds(o, AUGUST)), "1534527348.514682170");
    }

    #[test]
    fn the_offset_is_that_of_the_event_day() {
        // Central Europe: summer time began 2018-03-25 01:00 UTC, winter time 2018-10-28.
        let zone = Zone::new(&[(1_540_688_400, 3600), (1_521_939_600, 7200), (0, 3600)]);
        assert_eq!(text(|o| time_of_day_s(o, AUGUST, &zone)), "19:35:48");
        assert_eq!(text(|o| time_of_day_s(o, 1_546_300_800 * NS, &zone)), "01:00:00");
        assert_eq!(text(|o| iso8601(o, AUGUST, &zone)), "2018-08-17T19:35:48.514682170+0200");
    }

    #[test]
    fn west_of_utc_goes_back_over_midnight() {
        let zone = Zone::new(&[(0, -12_600)]);
        assert_eq!(text(|o| iso8601(o, 0, &zone)), "1969-12-31T20:30:00.000000000-0330");
    }

    #[test]
    fn leap_days_exist_where_they_should() {
        let at = |s| text(|o| date_time_s(o, s * NS, &Zone::default()));
        assert_eq!(at(951_782_400), "2000-02-29 00:00:00");
        assert_eq!(at(4_107_542_400), "2100-03-01 00:00:00");
        assert_eq!(at(1_709_164_800), "2024-02-29 00:00:00");
    }

    #[test]
    fn the_largest_time_is_printed_and_does_not_panic() {
        let zone = Zone::new(&[(0, 50_400)]);
        assert!(text(|o| iso8601(o, u64::MAX, &zone)).starts_with("2554-07-2"));
    }
}
