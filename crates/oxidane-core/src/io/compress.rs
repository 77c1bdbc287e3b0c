//! Opening files that may be compressed: gzip, xz and Zstandard are known by their first bytes, not by name.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::error::{Error, Result};

/// Decoders may not ask for more memory than this (KiB) on the word of a file's header.
const DECODER_MEMORY_KIB: u32 = 1 << 20;

/// A buffered byte source.
pub type Source = Box<dyn BufRead + Send>;

/// How the bytes of a file are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    None,
    Gzip,
    Xz,
    Zstd,
}

pub(super) fn packing(start: &[u8]) -> Packing {
    match start {
        [0x1f, 0x8b, ..] => Packing::Gzip,
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Packing::Xz,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Packing::Zstd,
        _ => Packing::None,
    }
}

/// Opens a file for reading and unpacks it on the fly if it is compressed.
///
/// # Errors
/// If the file cannot be opened or is a folder.
pub fn open(path: &Path) -> Result<Source> {
    let file = File::open(path).map_err(|e| Error::io(path, &e))?;
    if file.metadata().is_ok_and(|m| m.is_dir()) {
        return Err(Error::input("this is a folder; name a structure file").at(path));
    }
    unpack(Box::new(BufReader::with_capacity(1 << 16, file))).map_err(|e| Error::io(path, &e))
}

/// Unpacks a source on the fly if its first bytes say that it is compressed.
///
/// # Errors
/// If the source cannot be read.
pub fn unpack(mut source: Source) -> io::Result<Source> {
    let mut start = Vec::new();
    Read::take(&mut source, 6).read_to_end(&mut start)?;
    let kind = packing(&start);
    let whole = io::Cursor::new(start).chain(source);
    fn buffered(r: impl Read + Send + 'static) -> Source {
        Box::new(BufReader::with_capacity(1 << 16, r))
    }
    Ok(match kind {
        Packing::None => Box::new(whole),
        Packing::Gzip => buffered(flate2::bufread::MultiGzDecoder::new(whole)),
        Packing::Xz => buffered(lzma_rust2::XzReader::new_mem_limit(whole, true, DECODER_MEMORY_KIB)),
        Packing::Zstd => buffered(ZstdFrames::new(whole)),
    })
}

/// The frames of a Zstandard file one after another.
struct ZstdFrames<R> {
    source: R,
    decoder: FrameDecoder,
    inside: bool,
}

impl<R: BufRead> ZstdFrames<R> {
    fn new(source: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(u64::from(DECODER_MEMORY_KIB) << 10);
        Self { source, decoder, inside: false }
    }

    /// Starts the next frame; skippable frames are passed over. False at the end of the file.
    fn start_frame(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.source) {
                Ok(()) => {
                    self.inside = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    io::copy(&mut Read::take(&mut self.source, u64::from(length)), &mut io::sink())?;
                }
                Err(e) => return Err(damaged(&e)),
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.inside && !self.start_frame()? {
                return Ok(0);
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                self.decoder
                    .decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1))
                    .map_err(|e| damaged(&e))?;
            }
            let n = self.decoder.read(out)?;
            if n > 0 || out.is_empty() {
                return Ok(n);
            }
            self.inside = false;
        }
    }
}

fn damaged(e: &dyn std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, e.to_string())
}
