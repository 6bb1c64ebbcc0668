//! The initial state that travels inside event blocks.
//!
//! In: metadata blocks on the way to a file, or the options of event blocks on the way from one.
//! Out: option values, or the metadata blocks again. Next: `sink::savefile`, [`super::metadata`].
//! Source: ADR 0009. mergecap keeps event blocks byte for byte and drops every metadata block, so
//! the metadata is repeated, compressed, in options of the first event blocks; readers that do
//! not know the option skip it.
//!
//! Value: u32 stream, u16 index, u16 count, then a piece of a zlib stream of whole blocks.

use std::io::{Read, Write};

use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use flate2::Compression;
use rustc_hash::FxHashMap;

use super::Block;
use crate::bytes::Cursor;

const HEAD_BYTES: usize = 8;

/// Most bytes of one option: less than both the option's own limit and that of a block which
/// every reader takes.
pub const MAX_PIECE_BYTES: usize = 32 << 10;

/// Most bytes that the metadata of one stream may have, compressed and not.
const MAX_STREAM_BYTES: usize = 16 << 20;
const MAX_METADATA_BYTES: u64 = 256 << 20;

/// Most streams that are put together at a time.
const MAX_STREAMS: usize = 64;

/// The option values that carry `metadata`, whole blocks one after the other.
///
/// None when there is nothing to carry, or too much.
pub fn split(metadata: &[u8]) -> Vec<Vec<u8>> {
    let Some(compressed) = compress(metadata) else { return Vec::new() };
    if metadata.is_empty() || compressed.len() > MAX_STREAM_BYTES {
        return Vec::new();
    }
    let mut sum = flate2::Crc::new();
    sum.update(&compressed);
    let pieces = compressed.chunks(MAX_PIECE_BYTES - HEAD_BYTES);
    let Ok(count) = u16::try_from(pieces.len()) else { return Vec::new() };
    (0..count)
        .zip(pieces)
        .map(|(index, piece)| {
            let mut value = sum.sum().to_le_bytes().to_vec();
            value.extend(index.to_le_bytes());
            value.extend(count.to_le_bytes());
            value.extend(piece);
            value
        })
        .collect()
}

fn compress(metadata: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(metadata).ok()?;
    encoder.finish().ok()
}

/// Puts the pieces of streams together.
#[derive(Debug, Default)]
pub struct Joiner {
    streams: FxHashMap<u32, Stream>,
}

#[derive(Debug, Default)]
struct Stream {
    pieces: Vec<Option<Box<[u8]>>>,
    missing: usize,
    bytes: usize,
}

impl Joiner {
    /// Takes an option value; returns the metadata when it was the last piece of its stream.
    ///
    /// A value that contradicts itself or the pieces before it is left out.
    pub fn add(&mut self, value: &[u8]) -> Option<Vec<u8>> {
        let mut c = Cursor::new(value);
        let (id, index, count) = (c.u32()?, usize::from(c.u16()?), usize::from(c.u16()?));
        if self.streams.len() >= MAX_STREAMS && !self.streams.contains_key(&id) {
            return None;
        }
        let stream = self.streams.entry(id).or_insert_with(|| Stream::new(count));
        stream.put(index, count, c.rest())?;
        if stream.missing > 0 {
            return None;
        }
        let whole: Vec<u8> =
            stream.pieces.iter().flatten().flat_map(|p| p.iter().copied()).collect();
        self.streams.remove(&id);
        decompress(&whole, id)
    }
}

impl Stream {
    fn new(count: usize) -> Self {
        Stream { pieces: vec![None; count], missing: count, bytes: 0 }
    }

    fn put(&mut self, index: usize, count: usize, piece: &[u8]) -> Option<()> {
        let fits = count == self.pieces.len() && self.bytes + piece.len() <= MAX_STREAM_BYTES;
        let slot = self.pieces.get_mut(index).filter(|slot| fits && slot.is_none())?;
        *slot = Some(piece.into());
        self.missing -= 1;
        self.bytes += piece.len();
        Some(())
    }
}

fn decompress(compressed: &[u8], expected: u32) -> Option<Vec<u8>> {
    let mut sum = flate2::Crc::new();
    sum.update(compressed);
    if sum.sum() != expected {
        return None;
    }
    let mut metadata = Vec::new();
    let decoder = ZlibDecoder::new(compressed);
    decoder.take(MAX_METADATA_BYTES).read_to_end(&mut metadata).ok()?;
    Some(metadata)
}

/// The whole blocks that lie one after the other in `bytes`; `offset` is told as theirs.
pub fn blocks(bytes: &[u8], offset: u64) -> impl Iterator<Item = Block<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let mut c = Cursor::new(rest);
        let (kind, len) = (c.u32()?, c.u32()? as usize);
        let raw = rest.get(..len).filter(|_| len >= 12)?;
        let body = raw.get(8..len - 4)?;
        rest = rest.get(len..)?;
        Some(Block { kind, offset, body, raw })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(len: usize) -> Vec<u8> {
        let mut x = 1u32;
        let mut next = || {
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
            x.to_le_bytes()[0]
        };
        (0..len).map(|_| next()).collect()
    }

    #[test]
    fn metadata_of_any_size_comes_back() {
        for len in [1, 1000, 100_000] {
            let metadata = noise(len);
            let values = split(&metadata);
            assert!(values.iter().all(|v| v.len() <= MAX_PIECE_BYTES));
            let mut joiner = Joiner::default();
            let (last, before) = values.split_last().expect("pieces");
            assert!(before.iter().all(|v| joiner.add(v).is_none()));
            assert_eq!(joiner.add(last).as_deref(), Some(&metadata[..]));
        }
    }

    #[test]
    fn two_streams_may_be_interleaved() {
        let (a, b) = (noise(80_000), noise(90_000));
        let (va, vb) = (split(&a), split(&b));
        let mut joiner = Joiner::default();
        let mut found = Vec::new();
        for i in 0..va.len().max(vb.len()) {
            found
                .extend([va.get(i), vb.get(i)].into_iter().flatten().filter_map(|v| joiner.add(v)));
        }
        assert_eq!(found, [a, b]);
    }

    #[test]
    fn a_damaged_piece_gives_nothing() {
        let mut values = split(&noise(1000));
        let last = values[0].len() - 1;
        values[0][last] ^= 1;
        assert_eq!(Joiner::default().add(&values[0]), None);
    }

    #[test]
    fn a_piece_beyond_its_count_is_left_out() {
        let mut joiner = Joiner::default();
        assert_eq!(joiner.add(&[1, 0, 0, 0, 9, 0, 2, 0, 7]), None);
        assert_eq!(joiner.add(&[1, 0, 0]), None);
    }

    #[test]
    fn nothing_is_carried_of_nothing() {
        assert!(split(&[]).is_empty());
    }
}
