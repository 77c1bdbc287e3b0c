//! Not yet.
use super::frame::Frame;
use crate::error::{Error, Result};
pub(super) fn write(_: &Frame) -> Result<String> {
    Err(Error::usage("not yet writable"))
}
