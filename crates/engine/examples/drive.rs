//! Runs a plan over a capture with no Python around it: what profilers and instruction counts look at.
//!
//! In: `drive PLAN.json CAPTURE`; `pyscap --dump-plan …` writes the plan. Out: the number of
//! events and of chosen ones.

// An example prints its result, and has nobody to hand an error to.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::fs::File;
use std::process::ExitCode;
use std::time::Duration;

use pyscap_engine::error::{Error, Result};
use pyscap_engine::plan::Plan;
use pyscap_engine::session::{Progress, Session};
use pyscap_engine::source::savefile::Savefile;

/// Output goes nowhere, so that only the engine is measured.
fn discard(_fd: i32) -> std::io::Result<File> {
    File::options().write(true).open("/dev/null")
}

fn drive(plan: &str, capture: &str) -> Result<(u64, u64)> {
    let text = std::fs::read_to_string(plan).map_err(|e| Error::io("reading the plan", e))?;
    let mut session = Session::new(&Plan::from_json(&text)?, discard)?;
    let file = File::open(capture).map_err(|e| Error::io("opening the capture", e))?;
    session.add_source(Box::new(Savefile::new(Box::new(file))?))?;
    while session.run(Duration::from_secs(60))? != Progress::Done {}
    let stats = session.stats();
    Ok((stats.events, stats.chosen))
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let [_, plan, capture] = args.as_slice() else {
        eprintln!("use: drive PLAN.json CAPTURE");
        return ExitCode::from(2);
    };
    match drive(plan, capture) {
        Ok((events, chosen)) => {
            println!("{events} events, {chosen} chosen");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
