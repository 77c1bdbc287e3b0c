//! The log of a run: `log.jsonl` with a line at the start, per logged step and per validation, `validation.csv` with the learning
//! curve. Nothing in them depends on time or threads, so that they too are the same after a resumption.

use crate::evaluate::{ErrorTable, Property, Report};
use crate::trainer::Setup;
use oxidane_core::{Error, Result};
use oxidane_math::Real;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
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
    /// Sets that have columns of their own.
    sets: usize,
}

impl Log {
    /// Opens the log in a folder, cut at `position`; an empty one begins with the line `first`. If there are several sets, each
    /// has columns under its title.
    pub fn open(
        folder: &Path,
        position: LogPosition,
        first: &serde_json::Value,
        titles: &[String],
    ) -> Result<Self> {
        let several: &[String] = if titles.len() > 1 { titles } else { &[] };
        let mut lines = LogFile::open(folder.join("log.jsonl"), position.lines)?;
        if lines.len == 0 {
            lines.write(&format!("{first}\n"))?;
        }
        let mut table = LogFile::open(folder.join("validation.csv"), position.table)?;
        if table.len == 0 {
            let of = |title: &str| {
                Property::ALL
                    .map(|p| format!(",{title}{0}_mae,{title}{0}_rmse,{title}{0}_max", p.name()))
                    .concat()
            };
            // A comma would end the name of a column.
            let own = |title: &String| {
                let title = title.replace(',', ";") + ":";
                format!(",{title}loss{}", of(&title))
            };
            let sets: String = several.iter().map(own).collect();
            table.write(&format!("step,epoch,lr,train_loss,validation_loss{}{sets}\n", of("")))?;
        }
        Ok(Self { lines, table, sets: several.len() })
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
        let errors = |row: &mut String, table: Option<&ErrorTable>| {
            for p in Property::ALL {
                let _ = match table.and_then(|t| t.get(p)) {
                    Some(e) => write!(row, ",{},{},{}", e.mae(), e.rmse(), e.max),
                    None => write!(row, ",,,"),
                };
            }
        };
        let mut row = format!("{step},{epoch},{lr},{train_loss},{}", report.loss.total());
        errors(&mut row, Some(&report.overall));
        for k in 0..self.sets {
            let set = report.sets.iter().find(|s| s.set == k);
            let _ = match set {
                Some(set) => write!(row, ",{}", set.loss.total()),
                None => write!(row, ","),
            };
            errors(&mut row, set.map(|s| &s.errors));
        }
        row.push('\n');
        self.table.write(&row)
    }
}

/// The sets of a run as JSON: name, head, and frames of each part.
pub fn sets_json<R: Real>(setup: &Setup<R>) -> Value {
    let (data, parts) = (&setup.data.data, &setup.data.parts);
    let set = |(k, set): (usize, &crate::data::Set)| {
        let of = |part: &[usize]| part.iter().filter(|&&i| data.set(i) == k).count();
        let head = &setup.heads.entries()[set.head as usize].name;
        json!({
            "name": set.name, "head": head, "training": of(&parts.train), "validation": of(&parts.validation),
            "test": of(&parts.test),
        })
    };
    data.sets().iter().enumerate().map(set).collect()
}

/// The loss and the errors of each of several sets as JSON, by its title; nothing of a single one, whose errors are those over all.
pub fn reports_json(report: &Report, titles: &[String]) -> Value {
    let set = |s: &crate::evaluate::SetReport| {
        let value =
            json!({ "structures": s.structures, "loss": s.loss.total(), "errors": errors_json(&s.errors) });
        (titles[s.set].clone(), value)
    };
    Value::Object(report.sets.iter().filter(|_| titles.len() > 1).map(set).collect())
}

/// Errors as JSON: property, then mae, rmse, max.
pub fn errors_json(table: &ErrorTable) -> Value {
    let entries = table.iter().map(|(p, e)| {
        let numbers = json!({ "mae": e.mae(), "rmse": e.rmse(), "max": e.max, "count": e.count });
        (p.name().to_string(), numbers)
    });
    Value::Object(entries.collect())
}
