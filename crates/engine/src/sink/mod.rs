//! Where the chosen events go.
//!
//! In: the plan's output, and a [`Ctx`] an event. Out: bytes to a file descriptor.

pub mod detail;
pub mod head;
pub mod http;
pub mod inspect;
pub mod json;
pub mod needs;
pub mod output;
pub mod recorder;
pub mod rotate;
pub mod rows;
pub mod savefile;
pub mod source;
pub mod stream;
pub mod table;
mod tee;
pub mod text;

use serde::Deserialize;

use crate::ctx::Ctx;
use crate::error::Result;
use crate::event::Event;
use crate::extract::Extractors;
use crate::source::Block;
use crate::state::State;
use crate::tables::Tables;
pub use output::OpenFd;

/// What to do with the chosen events.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields, tag = "kind")]
pub enum OutputRow {
    /// Count them.
    None {},
    /// Print each as a line of text.
    Text(text::TextRow),
    /// Print each as a JSON object on a line.
    Json(json::JsonRow),
    /// Group them.
    Table(table::TableRow),
    /// List them.
    Rows(rows::RowsRow),
    /// Tell everything about each.
    Detail(detail::DetailRow),
    /// Write them as a capture file.
    Savefile(savefile::SavefileRow),
    /// Keep them in memory until something happens.
    Recorder(Box<recorder::RecorderRow>),
    /// Find out what a capture file with the chosen events must hold besides them.
    Survey {},
    /// Print the data that they read and write.
    Stream(stream::StreamRow),
    /// Pair HTTP requests and responses.
    Http(http::HttpRow),
    /// Say what the capture is.
    Inspect {},
    /// Give each to several sinks.
    Tee {
        /// The sinks, in order.
        sinks: Vec<OutputRow>,
    },
}

impl OutputRow {
    /// Whether the sink looks at events that are not chosen, too: whether its [`Sink::passed`]
    /// does anything.
    pub fn sees_all(&self) -> bool {
        use OutputRow as Row;
        match self {
            Row::None {} | Row::Text(_) | Row::Json(_) | Row::Table(_) | Row::Rows(_) => false,
            Row::Detail(_) | Row::Stream(_) | Row::Http(_) => false,
            Row::Savefile(_) | Row::Recorder(_) | Row::Survey {} | Row::Inspect {} => true,
            Row::Tee { sinks } => sinks.iter().any(Row::sees_all),
        }
    }
}

/// The sink that the plan asks for; `open` gives a file for a descriptor number.
///
/// # Errors
/// [`crate::error::Error::Plan`] for a choice that does not exist; I/O errors of the output.
pub fn make(
    row: &OutputRow,
    tables: &Tables,
    fields: &Extractors,
    open: OpenFd,
) -> Result<Box<dyn Sink>> {
    Ok(match row {
        OutputRow::None {} => Box::new(Count),
        OutputRow::Text(row) => Box::new(text::TextSink::new(row, fields, open)?),
        OutputRow::Json(row) => Box::new(json::JsonSink::new(row, fields, open)?),
        OutputRow::Table(row) => Box::new(table::TableSink::new(row, fields)?),
        OutputRow::Rows(row) => Box::new(rows::RowsSink::new(row, fields)?),
        OutputRow::Detail(row) => Box::new(detail::DetailSink::new(row, fields)?),
        OutputRow::Savefile(row) => Box::new(savefile::SavefileSink::new(row, tables, open)?),
        OutputRow::Recorder(row) => Box::new(recorder::Recorder::new(row, tables, fields, open)?),
        OutputRow::Inspect {} => Box::<inspect::Inspect>::default(),
        OutputRow::Survey {} => Box::<needs::Survey>::default(),
        OutputRow::Stream(row) => Box::new(stream::StreamSink::new(row, fields, open)?),
        OutputRow::Http(row) => Box::new(http::HttpSink::new(row, fields)?),
        OutputRow::Tee { sinks } => Box::new(tee::Tee::new(sinks, tables, fields, open)?),
    })
}

/// Refuses positions of fields beyond the `known` ones.
///
/// # Errors
/// [`crate::error::Error::Plan`]
fn check_fields<'a>(used: impl IntoIterator<Item = &'a usize>, known: usize) -> Result<()> {
    match used.into_iter().find(|at| **at >= known) {
        Some(at) => Err(crate::error::Error::Plan(format!("output: there is no field {at}"))),
        None => Ok(()),
    }
}

/// Takes events and keeps nothing; the session counts them.
struct Count;

impl Sink for Count {
    fn metadata(&mut self, _block: &Block<'_>) -> Result<()> {
        Ok(())
    }

    fn event(&mut self, _ctx: &Ctx<'_>, _block: &Block<'_>, _fields: &Extractors) -> Result<bool> {
        Ok(true)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Why an event does not reach [`Sink::event`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed {
    /// An enter event of an older schema, kept for its exit.
    Stored,
    /// Unused or outdated.
    Dropped,
    /// Applied to the state, never shown.
    Hidden,
    /// Internal, and internal events are not asked for.
    Internal,
    /// The filter does not want it.
    Rejected,
}

/// An event that was passed over.
pub struct PassedOver<'a> {
    /// Why.
    pub why: Passed,
    /// Its thread.
    pub tid: i64,
    /// The event itself, unless the conversion took it.
    pub ev: Option<&'a Event<'a>>,
    /// The state after it was applied.
    pub state: &'a State,
    /// The declared tables.
    pub tables: &'a Tables,
    /// The block it came from.
    pub block: &'a Block<'a>,
}

/// A file that a sink is given while it works.
pub struct NextFile<'a> {
    /// Descriptor to write to.
    pub fd: i32,
    /// The state as it stands.
    pub state: &'a State,
    /// The declared tables.
    pub tables: &'a Tables,
    /// What the capture file that is completed says of itself.
    pub summary: Option<&'a str>,
}

/// A consumer of chosen events.
pub trait Sink: Send {
    /// A block that is no event, before the state has taken it.
    ///
    /// # Errors
    /// I/O errors of the output.
    fn metadata(&mut self, block: &Block<'_>) -> Result<()>;

    /// A chosen event and the block it came from; false when the event is not shown, because a
    /// field of a line that needs all of them does not apply.
    ///
    /// # Errors
    /// I/O errors of the output.
    fn event(&mut self, ctx: &Ctx<'_>, block: &Block<'_>, fields: &Extractors) -> Result<bool>;

    /// Hands everything buffered to the operating system.
    ///
    /// # Errors
    /// I/O errors of the output.
    fn flush(&mut self) -> Result<()>;

    /// An event that was not chosen; called for all of them if [`OutputRow::sees_all`] says so.
    ///
    /// # Errors
    /// I/O errors of the output.
    fn passed(&mut self, _over: &PassedOver<'_>) -> Result<()> {
        Ok(())
    }

    /// Completes the output; `summary` is what a capture file says of itself.
    ///
    /// # Errors
    /// I/O errors of the output.
    fn finish(&mut self, _summary: Option<&str>) -> Result<()> {
        self.flush()
    }

    /// What a sink that collects has collected; `reset` begins anew.
    fn result(&mut self, _reset: bool) -> Option<serde_json::Value> {
        None
    }

    /// Completes the current file and goes on in the next, or writes what it kept to it; sinks
    /// that write no capture files go on as they are.
    ///
    /// # Errors
    /// I/O errors of the output.
    fn next_file(&mut self, _next: &NextFile<'_>) -> Result<()> {
        Ok(())
    }

    /// Whether its result should be taken, or it needs its next file, before it gets more events.
    fn is_full(&self) -> bool {
        false
    }
}
