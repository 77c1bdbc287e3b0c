//! The log of a run: `log.jsonl` with a line at the start, per logged step and per validation, `validation.csv` with the learning
//! curve. Nothing in them depends on time or threads, so that they too are the same after a resumption.

use crate::evaluate::{Property, Report};
use oxidane_core::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Lengths of the log files at a checkpoint; resumption cuts them there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LogPosition {
    lines: u64,
    table: u64,
}

#[derive(Debug)]
struct LogFile {
    path: PathBuf,
    file: File,
    len: u64,
}

impl LogFile {
    fn open(path: PathBuf, len: u64) -> Result<Self> {
        let open = || {
            let mut file =
                OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path)?;
            if file.metadata()?.len() < len {
                return Err(std::io::Error::other(
                    "the log is shorter than the checkpoint says; restore it or start a new run",
                ));
            }
            file.set_len(len)?;
            file.seek(SeekFrom::End(0))?;
            Ok(file)
        };
        let file = open().map_err(|e| Error::io(&path, &e))?;
        Ok(Self { path, file, len })
    }

    fn write(&mut self, text: &str) -> Result<()> {
        self.file.write_all(text.as_bytes()).map_err(|e| Error::io(&self.path, &e))?;
        self.len += text.len() as u64;
        Ok(())
    }
}

/// The open log files.
#[derive(Debug)]
pub struct Log {
    lines: LogFile,
    table: LogFile,
}

impl Log {
    /// Opens the log in a folder, cut at `position`; an empty one begins with the line `first`.
    pub fn open(folder: &Path, position: LogPosition, first: &serde_json::Value) -> Result<Self> {
        let mut lines = LogFile::open(folder.join("log.jsonl"), position.lines)?;
        if lines.len == 0 {
            lines.write(&format!("{first}\n"))?;
        }
        let mut table = LogFile::open(folder.join("validation.csv"), position.table)?;
        if table.len == 0 {
            let columns = Property::ALL.map(|p| format!(",{0}_mae,{0}_rmse,{0}_max", p.name())).concat();
            table.write(&format!("step,epoch,lr,train_loss,validation_loss{columns}\n"))?;
        }
        Ok(Self { lines, table })
    }

    /// Where the logs end, after they have reached the disk.
    pub fn position(&mut self) -> Result<LogPosition> {
        for f in [&self.lines, &self.table] {
            f.file.sync_data().map_err(|e| Error::io(&f.path, &e))?;
        }
        Ok(LogPosition { lines: self.lines.len, table: self.table.len })
    }

    /// Adds one JSON line.
    pub fn line(&mut self, value: &serde_json::Value) -> Result<()> {
        self.lines.write(&format!("{value}\n"))
    }

    /// Adds a row to the learning curve.
    pub fn row(&mut self, step: u64, epoch: f64, lr: f64, train_loss: f64, report: &Report) -> Result<()> {
        use std::fmt::Write;
        let mut row = format!("{step},{epoch},{lr},{train_loss},{}", report.loss.total());
        for p in Property::ALL {
            let _ = match report.overall.get(p) {
                Some(e) => write!(row, ",{},{},{}", e.mae(), e.rmse(), e.max),
                None => write!(row, ",,,"),
            };
        }
        row.push('\n');
        self.table.write(&row)
    }
}

/// Errors as JSON: property, then mae, rmse, max.
pub fn errors_json(table: &crate::evaluate::ErrorTable) -> serde_json::Value {
    let entries = table.iter().map(|(p, e)| {
        let numbers = serde_json::json!({ "mae": e.mae(), "rmse": e.rmse(), "max": e.max, "count": e.count });
        (p.name().to_string(), numbers)
    });
    serde_json::Value::Object(entries.collect())
}
