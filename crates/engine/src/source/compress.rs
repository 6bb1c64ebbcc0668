//! gzip and zstd, recognised by their first bytes.
//!
//! In: a byte stream. Out: the stream, decompressed. Next: [`super::savefile`].
//! Source: RFC 1952 and RFC 8878; observed: libs reads concatenated gzip members as one stream and
//! ignores what follows the last one.

use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use flate2::bufread::GzDecoder;

use crate::error::{Error, Result};

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A stream may not grow by more than this factor once it is large: what does is made to exhaust
/// its reader. gzip cannot reach it; captures stay far below it.
const MAX_RATIO: u64 = 2000;
const FREE_BYTES: u64 = 256 << 20;

type Input = Box<dyn Read + Send>;

/// Decompresses `input` when it is compressed.
///
/// # Errors
/// I/O errors of the first bytes.
pub fn open(mut input: Input) -> Result<Input> {
    let mut head = Vec::new();
    let read = |e| Error::io("reading the capture", e);
    input.by_ref().take(ZSTD.len() as u64).read_to_end(&mut head).map_err(read)?;
    let (is_gzip, is_zstd) = (head.starts_with(&GZIP), head.starts_with(&ZSTD));
    let whole = Cursor::new(head).chain(input);
    if !is_gzip && !is_zstd {
        return Ok(Box::new(whole));
    }
    let taken = Arc::new(AtomicU64::new(0));
    let counted = BufReader::new(Counted { input: whole, taken: taken.clone() });
    let decoder: Input = if is_gzip {
        Box::new(Members { decoder: Some(GzDecoder::new(counted)) })
    } else {
        Box::new(zstd::stream::read::Decoder::with_buffer(counted).map_err(read)?)
    };
    Ok(Box::new(Bounded { decoder, taken, given: 0 }))
}

/// Counts what is read.
struct Counted<R> {
    input: R,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.input.read(into)?;
        self.taken.fetch_add(got as u64, Ordering::Relaxed);
        Ok(got)
    }
}

/// Ends a stream that grows without measure.
struct Bounded {
    decoder: Input,
    taken: Arc<AtomicU64>,
    given: u64,
}

impl Read for Bounded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.decoder.read(into)?;
        self.given += got as u64;
        let most = FREE_BYTES.max(self.taken.load(Ordering::Relaxed).saturating_mul(MAX_RATIO));
        if self.given > most {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it expands without measure"));
        }
        Ok(got)
    }
}

/// gzip members one after the other; anything else behind a member is left alone.
struct Members<R> {
    decoder: Option<GzDecoder<R>>,
}

impl<R: BufRead> Members<R> {
    /// Goes on with the next member, if there is one.
    fn advance(&mut self) -> io::Result<bool> {
        let Some(done) = self.decoder.take() else { return Ok(false) };
        let mut rest = done.into_inner();
        if !rest.fill_buf()?.starts_with(&GZIP[..1]) {
            return Ok(false);
        }
        self.decoder = Some(GzDecoder::new(rest));
        Ok(true)
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        while let Some(decoder) = &mut self.decoder {
            let got = decoder.read(into)?;
            if got > 0 {
                return Ok(got);
            }
            if !self.advance()? {
                break;
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut coder = GzEncoder::new(Vec::new(), flate2::Compression::default());
        coder.write_all(data).expect("memory");
        coder.finish().expect("memory")
    }

    fn read(bytes: Vec<u8>) -> (Vec<u8>, Option<io::ErrorKind>) {
        let mut out = Vec::new();
        let mut input = open(Box::new(Cursor::new(bytes))).expect("a stream");
        let error = input.read_to_end(&mut out).err();
        (out, error.map(|e| e.kind()))
    }

    #[test]
    fn plain_bytes_pass() {
        for plain in [&b""[..], b"x", b"\x1f", b"plain text"] {
            assert_eq!(read(plain.to_vec()), (plain.to_vec(), None));
        }
    }

    #[test]
    fn members_are_one_stream_and_what_follows_is_ignored() {
        let mut bytes = [gzip(b"one "), gzip(b"two")].concat();
        assert_eq!(read(bytes.clone()), (b"one two".to_vec(), None));
        bytes.extend([0; 100]);
        assert_eq!(read(bytes), (b"one two".to_vec(), None));
    }

    #[test]
    fn a_cut_member_gives_what_it_has_and_then_an_error() {
        let data: Vec<u8> = (0..100_000u32).flat_map(|n| n.to_le_bytes()).collect();
        let mut bytes = gzip(&data);
        bytes.truncate(bytes.len() / 2);
        let (out, error) = read(bytes);
        assert!(out.len() > 1000 && data.starts_with(&out));
        assert_eq!(error, Some(io::ErrorKind::UnexpectedEof));
    }

    #[test]
    fn zstd_frames_are_one_stream() {
        let one = zstd::encode_all(&b"one "[..], 3).expect("memory");
        let two = zstd::encode_all(&b"two"[..], 3).expect("memory");
        assert_eq!(read([one, two].concat()), (b"one two".to_vec(), None));
    }

    #[test]
    fn a_bomb_is_ended() {
        let mut coder = zstd::stream::write::Encoder::new(Vec::new(), 3).expect("memory");
        let zeros = vec![0; 1 << 20];
        for _ in 0..300 {
            coder.write_all(&zeros).expect("memory");
        }
        let bytes = coder.finish().expect("memory");
        let mut input = open(Box::new(Cursor::new(bytes))).expect("a stream");
        let error = io::copy(&mut input, &mut io::sink()).err();
        assert_eq!(error.map(|e| e.kind()), Some(io::ErrorKind::InvalidData));
    }
}
