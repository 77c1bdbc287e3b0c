//! Progress of long work: a bar with rate and time left on a terminal, plain lines now and then in a log.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::Voice;
use super::table::duration;

/// Time between plain lines.
const PAUSE: Duration = Duration::from_secs(10);

/// Progress towards a known end, on the standard error.
pub struct Progress {
    bar: Option<ProgressBar>,
    unit: &'static str,
    total: u64,
    first: u64,
    start: Instant,
    last: Instant,
    silent: bool,
}

impl Progress {
    /// Progress from `first` to `total`, counted in `unit`.
    pub fn new(first: u64, total: u64, unit: &'static str, voice: Voice) -> Self {
        let now = Instant::now();
        let terminal = std::io::stderr().is_terminal() && !voice.quiet;
        let bar = terminal.then(|| {
            let bar = ProgressBar::new(total).with_position(first).with_elapsed(Duration::ZERO);
            let form = "{wide_bar:.cyan} {pos}/{len} {unit}  {msg}  {per_sec}  {eta} left";
            // The template is a constant: one that is wrong would show in the first run of it.
            let style = ProgressStyle::with_template(&form.replace("{unit}", unit));
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.reset_eta();
            bar
        });
        Self { bar, unit, total, first, start: now, last: now, silent: voice.quiet }
    }

    /// Progress of work whose end is not known.
    pub fn endless(unit: &'static str, voice: Voice) -> Self {
        let mut progress = Self::new(0, 0, unit, voice);
        progress.bar = progress.bar.map(|_| ProgressBar::new_spinner().with_message(unit));
        progress
    }

    /// Says where the work is; `message` is made only when it is shown.
    pub fn at(&mut self, position: u64, message: impl FnOnce() -> String) {
        match &self.bar {
            Some(bar) => {
                bar.set_position(position);
                if self.last.elapsed() > Duration::from_millis(100) {
                    self.last = Instant::now();
                    bar.set_message(message());
                }
            }
            None if !self.silent && self.last.elapsed() >= PAUSE => {
                self.last = Instant::now();
                let _ = writeln!(std::io::stderr(), "{}", self.line(position, &message()));
            }
            None => {}
        }
    }

    /// Prints something else while the bar is out of the way.
    pub fn around<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the bar away.
    pub fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }

    #[allow(clippy::cast_precision_loss)] // counts of steps, shown rounded
    fn line(&self, position: u64, message: &str) -> String {
        let rate = position.saturating_sub(self.first) as f64 / self.start.elapsed().as_secs_f64().max(1e-9);
        let (unit, total) = (self.unit, self.total);
        if total == 0 {
            return format!("{position} {unit}  {message}  {rate:.1} {unit}/s");
        }
        let left = self.total.saturating_sub(position) as f64 / rate.max(1e-9);
        format!("{position}/{total} {unit}  {message}  {rate:.1} {unit}/s  {} left", duration(left))
    }
}
