//! Clocks and memory.

use std::time::Instant;

/// Times of repeated calls in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Time {
    /// The first call, which builds lists and allocates buffers.
    pub first: f64,
    /// The fastest of the others: what the code costs on an undisturbed core.
    pub min: f64,
    /// The middle of the others.
    pub median: f64,
    /// Mean processor time of all threads, which other processes disturb less than the clock; NaN where unknown.
    pub processor: f64,
}

/// Processor time of all threads in milliseconds (Linux), to about the length of a tick.
fn processor() -> f64 {
    let of_thread = |folder: std::fs::DirEntry| {
        let status = std::fs::read_to_string(folder.path().join("schedstat")).ok()?;
        status.split_whitespace().next()?.parse::<f64>().ok()
    };
    let nanoseconds = std::fs::read_dir("/proc/self/task").and_then(|threads| {
        threads.map(|t| Ok(t.map(of_thread)?.unwrap_or(f64::NAN))).sum::<std::io::Result<f64>>()
    });
    nanoseconds.unwrap_or(f64::NAN) * 1e-6
}

/// Calls `f` once, then `repeats` times more; without repeats the first call stands for them.
pub fn measure<E>(repeats: usize, mut f: impl FnMut() -> Result<(), E>) -> Result<Time, E> {
    let mut call = || {
        let start = Instant::now();
        f().map(|()| start.elapsed().as_secs_f64() * 1e3)
    };
    let first = call()?;
    let before = processor();
    let mut times = (0..repeats).map(|_| call()).collect::<Result<Vec<_>, _>>()?;
    let processor = (processor() - before) / times.len() as f64;
    if times.is_empty() {
        times.push(first);
    }
    times.sort_by(f64::total_cmp);
    Ok(Time { first, min: times[0], median: times[times.len() / 2], processor })
}

/// Repeats that take a second or so; none for large systems, whose first call tells enough.
pub fn repeats_for(atoms: usize) -> usize {
    (6_000 / atoms.max(1)).min(100)
}

/// Peak resident memory, from the operating system where it tells.
pub mod memory {
    /// Starts a new peak (Linux; elsewhere the peak is that of the whole process).
    pub fn reset_peak() {
        let _ = std::fs::write("/proc/self/clear_refs", "5");
    }

    /// The peak in megabytes; NaN where unknown.
    pub fn peak_mb() -> f64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        let kib = line.and_then(|l| l.split_whitespace().next()).and_then(|n| n.parse::<f64>().ok());
        kib.map_or(f64::NAN, |k| k * 1024.0 / 1e6)
    }
}
