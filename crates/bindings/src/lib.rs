//! `pyscap._engine`: the only door between Python and the engine.
//!
//! In: a plan as JSON text, descriptors, bytes. Out: counts, and exceptions with codes and offsets.
