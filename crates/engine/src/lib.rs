//! The part of pyscap that runs once per event.
//!
//! ```text
//! source ─► feed (triage ─► decode ─► convert) ─► state ─► filter ─► sink: text · JSON · savefile
//! ```
//!
//! In: a [`plan::Plan`] (pure data, written by Python) and a [`source::Source`] of blocks.
//! Out: lines or blocks through a [`sink::Sink`], and the counts of [`session::Stats`].
//! Modules stand in the order of the data; [`session`] is the main loop.

pub mod bytes;
pub mod convert;
pub mod ctx;
pub mod decode;
pub mod error;
pub mod event;
pub mod extract;
pub mod feed;
pub mod filter;
pub mod frame;
pub mod path;
pub mod plan;
pub mod render;
pub mod session;
pub mod sink;
pub mod source;
pub mod state;
pub mod tables;
pub mod triage;
pub mod value;
pub mod walk;
