//! Values and parameters as text.
//!
//! In: parameters and [`crate::value::Value`]s. Out: bytes appended to a line. Next: `sink`.
