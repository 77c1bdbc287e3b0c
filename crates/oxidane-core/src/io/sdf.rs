//! Reading sdf (not yet).
use super::frame::Frame;
use super::lines::Lines;
use crate::error::{Error, Result};
use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;
pub(super) fn read<R: BufRead>(_: &mut Lines<R>, _: Option<&Arc<Path>>) -> Result<Option<Frame>> {
    Err(Error::input("not yet readable"))
}
