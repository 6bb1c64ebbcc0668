//! `pyscap._engine`: the only door between Python and the engine.
//!
//! In: a plan as JSON text, descriptors, bytes. Out: counts, and [`EngineError`]s with a kind, a
//! text and an offset. The interpreter lock is let go for each slice of work.

// PyO3's own macros expand to code that these lints were not written for.
#![allow(missing_docs)]

use std::collections::HashMap;
use std::fs::File;
use std::io::{Cursor, Read};
#[cfg(target_os = "linux")]
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::Duration;

use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use pyscap_engine::error::Error;
use pyscap_engine::extract;
use pyscap_engine::filter::row::{Cmp, Function, Quant};
use pyscap_engine::plan::Plan;
use pyscap_engine::session::{Progress, Session, Stats};
#[cfg(target_os = "linux")]
use pyscap_engine::source::ring::Rings;
use pyscap_engine::source::savefile::Savefile;
use pyscap_engine::state::VERBS;

create_exception!(_engine, EngineError, PyException, "kind, text, offset or errno or None");

/// An engine error as the exception that Python turns into a sentence.
fn raise(error: Error) -> PyErr {
    let text = error.to_string();
    let (kind, number) = match error {
        Error::Plan(_) => ("plan", None),
        Error::NotACapture(_) => ("not_a_capture", None),
        Error::Truncated { offset, .. } => ("truncated", i64::try_from(offset).ok()),
        Error::Internal(_) => ("internal", None),
        Error::Damaged { offset, .. } => ("damaged", i64::try_from(offset).ok()),
        Error::Io { ref source, .. } => ("io", source.raw_os_error().map(i64::from)),
    };
    EngineError::new_err((kind, text, number))
}

/// Runs `work` without the interpreter lock; a panic becomes an error of kind `internal`.
fn unlocked<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, Error> + Send,
) -> PyResult<T> {
    py.detach(|| catch_unwind(AssertUnwindSafe(work)))
        .map_err(|_| EngineError::new_err(("internal", "the engine panicked", None::<i64>)))?
        .map_err(raise)
}

/// A plan at work.
#[pyclass(name = "Session", unsendable)]
struct PySession {
    inner: Session,
}

#[pymethods]
impl PySession {
    #[new]
    fn new(plan: &str) -> PyResult<Self> {
        let inner =
            Plan::from_json(plan).and_then(|p| Session::new(&p, open_output)).map_err(raise)?;
        Ok(PySession { inner })
    }

    /// Reads a capture from a descriptor, which stays open and the caller's.
    fn add_fd(&mut self, py: Python<'_>, fd: i32) -> PyResult<()> {
        let owned = duplicate(fd).map_err(|e| raise(Error::io("opening the capture", e)))?;
        self.add_reader(py, Box::new(File::from(owned)))
    }

    /// Reads captures from descriptors, merged by time; they stay the caller's.
    fn add_merged(&mut self, fds: Vec<i32>) -> PyResult<()> {
        let open = |fd| {
            let owned = duplicate(fd).map_err(|e| Error::io("opening the capture", e))?;
            Savefile::new(Box::new(File::from(owned)))
        };
        let sources: Result<Vec<_>, Error> = fds.into_iter().map(open).collect();
        sources.and_then(|s| self.inner.add_merged(s)).map_err(raise)
    }

    /// Reads a capture from bytes.
    fn add_bytes(&mut self, py: Python<'_>, data: Vec<u8>) -> PyResult<()> {
        self.add_reader(py, Box::new(Cursor::new(data)))
    }

    /// Reads the kernel's ring buffers behind `fds`, merged by time; they stay the caller's.
    #[cfg(target_os = "linux")]
    fn add_rings(&mut self, fds: Vec<i32>, ring_bytes: usize, offset_ns: i64) -> PyResult<()> {
        let no_ring = |e| raise(Error::io("opening a ring buffer", e));
        let owned: Result<Vec<_>, _> = fds.into_iter().map(duplicate).collect();
        let owned = owned.map_err(no_ring)?;
        let fds: Vec<_> = owned.iter().map(AsFd::as_fd).collect();
        let rings = Rings::new(&fds, ring_bytes, offset_ns).map_err(raise)?;
        self.inner.add_source(Box::new(rings)).map_err(raise)
    }

    /// Works for about `slice_ms`; returns "more" or "done".
    fn run(&mut self, py: Python<'_>, slice_ms: u64) -> PyResult<&'static str> {
        let session = &mut self.inner;
        let progress = unlocked(py, move || session.run(Duration::from_millis(slice_ms)))?;
        Ok(match progress {
            Progress::More => "more",
            Progress::Done => "done",
        })
    }

    /// Takes blocks that come from no source.
    fn inject(&mut self, py: Python<'_>, data: Vec<u8>) -> PyResult<()> {
        let session = &mut self.inner;
        unlocked(py, move || session.inject(&data))
    }

    /// Complete ids and runtimes of the containers met since the last call.
    fn new_containers(&mut self) -> Vec<(String, String)> {
        self.inner.new_containers()
    }

    /// Asks live sources to deliver what is buffered and end.
    fn stop(&mut self) {
        self.inner.stop();
    }

    /// Sends the state as it stands through the plan's walk.
    fn walk(&mut self, py: Python<'_>) -> PyResult<()> {
        let session = &mut self.inner;
        unlocked(py, move || session.walk())
    }

    /// Completes the output; `summary` is what a capture file says of itself.
    #[pyo3(signature = (summary = None))]
    fn finish(&mut self, py: Python<'_>, summary: Option<&str>) -> PyResult<()> {
        let session = &mut self.inner;
        unlocked(py, move || session.finish(summary))
    }

    /// Whether the output needs its next file, or its result taken.
    fn is_full(&self) -> bool {
        self.inner.is_full()
    }

    /// Completes the capture file that is written and goes on in descriptor `fd`.
    #[pyo3(signature = (fd, summary = None))]
    fn next_file(&mut self, py: Python<'_>, fd: i32, summary: Option<&str>) -> PyResult<()> {
        let session = &mut self.inner;
        unlocked(py, move || session.next_file(fd, summary))
    }

    /// What the output has collected, as JSON text; `reset` begins anew.
    #[pyo3(signature = (reset = false))]
    fn result(&mut self, py: Python<'_>, reset: bool) -> PyResult<Option<String>> {
        let session = &mut self.inner;
        unlocked(py, move || Ok(session.result(reset).map(|json| json.to_string())))
    }

    /// Counts so far, by name.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        stats_dict(py, self.inner.stats())
    }
}

impl PySession {
    /// The first bytes are read here, and whoever writes them may need the interpreter.
    fn add_reader(&mut self, py: Python<'_>, reader: Box<dyn Read + Send>) -> PyResult<()> {
        let session = &mut self.inner;
        unlocked(py, move || session.add_source(Box::new(Savefile::new(reader)?)))
    }
}

fn open_output(fd: i32) -> std::io::Result<File> {
    if fd < 0 {
        return Err(std::io::ErrorKind::InvalidInput.into());
    }
    duplicate(fd).map(File::from)
}

#[allow(unsafe_code)]
fn duplicate(fd: i32) -> std::io::Result<std::os::fd::OwnedFd> {
    if fd < 0 {
        return Err(std::io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: `fd` is not negative, and the borrow ends before this call returns; a number that
    // is not open makes the duplication fail.
    unsafe { BorrowedFd::borrow_raw(fd) }.try_clone_to_owned()
}

fn stats_dict<'py>(py: Python<'py>, stats: &Stats) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("blocks", stats.blocks)?;
    dict.set_item("events", stats.events)?;
    dict.set_item("chosen", stats.chosen)?;
    dict.set_item("unshown", stats.unshown)?;
    dict.set_item("measured", stats.measured)?;
    dict.set_item("unknown", stats.unknown)?;
    dict.set_item("damaged", stats.damaged)?;
    dict.set_item("first_damage", stats.first_damage)?;
    dict.set_item("packets", stats.packets)?;
    dict.set_item("sections", stats.sections)?;
    dict.set_item("first_ns", stats.first_ns)?;
    dict.set_item("last_ns", stats.last_ns)?;
    dict.set_item("summaries", &stats.summaries)?;
    dict.set_item("spots", &stats.spots)?;
    Ok(dict)
}

/// The words that a plan may use, by what they are: compared with the declared ones in a test.
#[pyfunction]
fn vocabulary() -> HashMap<&'static str, Vec<String>> {
    let owned = |words: &[&str]| words.iter().map(ToString::to_string).collect();
    HashMap::from([
        ("fields", extract::names().map(Into::into).collect()),
        ("filter.cmp", owned(Cmp::WORDS)),
        ("filter.quant", owned(Quant::WORDS)),
        ("filter.fn", owned(Function::WORDS)),
        ("state.verbs", VERBS.iter().map(ToString::to_string).collect()),
    ])
}

#[pymodule]
fn _engine(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("EngineError", module.py().get_type::<EngineError>())?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_function(wrap_pyfunction!(vocabulary, module)?)?;
    module.add_class::<PySession>()
}
