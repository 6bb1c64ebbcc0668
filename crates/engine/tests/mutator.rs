//! Damaged captures by the thousand: no panic, no endless work, no memory without bounds.
//!
//! In: real captures, damaged by a seeded generator. Out: nothing, or the seed that failed.
//! `PYSCAP_FUZZ_ROUNDS` says how many inputs are tried and `PYSCAP_FUZZ_SEED` where to begin, so
//! that `make fuzz` can try many, and a failure can be tried again.

#![allow(missing_docs, clippy::unwrap_used)]

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pyscap_engine::plan::Plan;
use pyscap_engine::session::{Progress, Session};
use pyscap_engine::source::savefile::Savefile;

const DEFAULT_ROUNDS: u64 = 3000;
const MAX_SEED_BYTES: usize = 48 << 10;
const MAX_INPUT_TIME: Duration = Duration::from_secs(5);
const MAX_MEMORY_KB: u64 = 1 << 20;

static PANICS: AtomicUsize = AtomicUsize::new(0);

/// A plan that prints every event, keeps what an export needs, copies to a file, and records.
const PLAN_PROGRAM: &str = "
from pyscap.output.lines import output_row
from pyscap.plan import FieldList, Options, Plan
from pyscap.request import Request
fields = FieldList()
lines = output_row(Request(read=('-',)), fields)
copy = {'kind': 'savefile', 'fd': 1, 'compression': 'none', 'others': 'state',
        'carry_state': True, 'hold_last': True, 'section_options': [[1, 'x']]}
kept = {key: value for key, value in copy.items() if key != 'kind'}
past = {'kind': 'recorder', 'max_bytes': 1 << 17, 'max_ns': 10**6, 'quiet_ns': 10**8, 'limit': None,
        'filter': {'ops': [], 'event_codes': list(range(0, 400, 3))},
        'trigger': {'ops': [], 'event_codes': list(range(0, 400, 7))}, 'file': kept}
sinks = [lines, copy, past, {'kind': 'survey'}, {'kind': 'inspect'}]
print(Plan(fields, output={'kind': 'tee', 'sinks': sinks}, options=Options(internal=True)).to_json())
";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn plan() -> Plan {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    let out = Command::new(python)
        .args(["-c", PLAN_PROGRAM])
        .env("PYTHONPATH", root().join("src"))
        .output()
        .expect("python3 makes the plan");
    let text = String::from_utf8(out.stdout).expect("a plan is text");
    Plan::from_json(&text)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&out.stderr)))
}

fn seeds() -> Vec<Vec<u8>> {
    let names = ["curl_google.scap", "single_ipv6_conn.scap", "mix.scap.gz", "shell.scap.gz"];
    names
        .iter()
        .map(|name| {
            let path = root().join("tests/differential/captures").join(name);
            let mut bytes = Vec::new();
            flate2::read::MultiGzDecoder::new(File::open(path).unwrap())
                .take(MAX_SEED_BYTES as u64)
                .read_to_end(&mut bytes)
                .unwrap();
            bytes
        })
        .collect()
}

/// SplitMix64: small, seeded, the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n.max(1) as u64).unwrap()
    }
}

/// Numbers at which lengths and counts go wrong.
const NUMBERS: [u32; 14] =
    [0, 1, 2, 3, 4, 7, 11, 12, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF];

/// Block types, so that one kind of block is read as another.
const KINDS: [u32; 12] =
    [0x0A0D_0D0A, 0x201, 0x202, 0x203, 0x204, 0x205, 0x215, 0x216, 0x217, 0x218, 0x220, 0x222];

fn damage(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(6) {
        damage_once(&mut bytes, seeds, random);
    }
    if random.below(8) == 0 {
        let level = flate2::Compression::fast();
        let mut packed = Vec::new();
        flate2::read::GzEncoder::new(&bytes[..], level).read_to_end(&mut packed).unwrap();
        let at = random.below(packed.len());
        packed[at] ^= 1 << random.below(8);
        return packed;
    }
    bytes
}

fn damage_once(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    if bytes.is_empty() {
        return;
    }
    let at = random.below(bytes.len());
    let aligned = at & !3;
    let number = NUMBERS[random.below(NUMBERS.len())].wrapping_add(random.below(3) as u32);
    match random.below(9) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = random.next() as u8,
        2 => overwrite(bytes, aligned, &number.to_le_bytes()),
        3 => overwrite(bytes, at, &(number as u16).to_le_bytes()),
        4 => overwrite(bytes, aligned, &KINDS[random.below(KINDS.len())].to_le_bytes()),
        5 => bytes.truncate(at),
        6 => drop(bytes.drain(at..(at + random.below(200)).min(bytes.len()))),
        7 => {
            let piece = bytes[at..(at + random.below(2000)).min(bytes.len())].to_vec();
            bytes.splice(aligned..aligned, piece);
        }
        _ => {
            let other = &seeds[random.below(seeds.len())];
            let from = random.below(other.len()) & !3;
            let to = (from + random.below(2000)).min(other.len());
            bytes.splice(aligned..aligned, other[from..to].iter().copied());
        }
    }
}

fn overwrite(bytes: &mut [u8], at: usize, with: &[u8]) {
    for (to, from) in bytes.iter_mut().skip(at).zip(with) {
        *to = *from;
    }
}

fn run(session: &mut Session, input: Vec<u8>) {
    let Ok(source) = Savefile::new(Box::new(Cursor::new(input))) else { return };
    session.add_source(Box::new(source)).unwrap();
    while let Ok(Progress::More) = session.run(Duration::from_millis(100)) {
        if session.is_full() {
            session.next_file(1, Some("{}")).unwrap();
        }
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// Most memory the process ever had, where the system tells.
fn peak_memory_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn fuzz_damaged_captures() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        hook(info);
    }));
    let (plan, seeds) = (plan(), seeds());
    let first = number("PYSCAP_FUZZ_SEED", 1);
    let mut session = Session::new(&plan, |_| File::create("/dev/null")).unwrap();
    for seed in first..first + number("PYSCAP_FUZZ_ROUNDS", DEFAULT_ROUNDS) {
        let input = damage(&seeds, &mut Random(seed));
        let began = Instant::now();
        run(&mut session, input);
        assert_eq!(PANICS.load(Ordering::Relaxed), 0, "PYSCAP_FUZZ_SEED={seed}");
        assert!(began.elapsed() < MAX_INPUT_TIME, "slow: PYSCAP_FUZZ_SEED={seed}");
        if seed % 1000 == 0 {
            let peak = peak_memory_kb().unwrap_or(0);
            assert!(peak < MAX_MEMORY_KB, "{peak} kB by PYSCAP_FUZZ_SEED={seed}");
        }
    }
    assert!(session.stats().events > 0 && session.stats().damaged > 0);
}
