//! gzip and zstd, recognised by their first bytes.
//!
//! In: a byte stream. Out: the stream, decompressed. Next: [`super::savefile`].

use std::io::{Cursor, Read};

use crate::error::{Error, Result};

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Decompresses `input` when it is compressed.
///
/// # Errors
/// I/O errors of the first bytes.
pub fn open(mut input: Box<dyn Read + Send>) -> Result<Box<dyn Read + Send>> {
    let mut head = Vec::new();
    let read = |e| Error::io("reading the capture", e);
    input.by_ref().take(ZSTD.len() as u64).read_to_end(&mut head).map_err(read)?;
    let (is_gzip, is_zstd) = (head.starts_with(&GZIP), head.starts_with(&ZSTD));
    let whole = Cursor::new(head).chain(input);
    Ok(if is_gzip {
        Box::new(flate2::read::MultiGzDecoder::new(whole))
    } else if is_zstd {
        Box::new(zstd::stream::read::Decoder::new(whole).map_err(read)?)
    } else {
        Box::new(whole)
    })
}
