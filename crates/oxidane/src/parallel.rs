//! Many independent pieces of work, one per core, with results in the order of the input and a bounded number
//! of pieces in memory.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};

use oxidane_core::{Error, Result};

use crate::exit::Outcome;

/// So many items per worker are read ahead of the slowest one.
const AHEAD: usize = 4;

/// Applies `work` to every item, each worker with a state of its own, and hands the results to `sink` in the order
/// of `items`. The first error in that order ends it; results before it have reached the sink.
pub fn in_order<T: Send, U: Send, W: Send>(
    mut items: impl Iterator<Item = Result<T>>,
    workers: Vec<W>,
    work: impl Fn(&mut W, T) -> Result<U> + Sync,
    mut sink: impl FnMut(U) -> Outcome,
) -> Outcome {
    let ahead = AHEAD * workers.len();
    let stop = AtomicBool::new(false);
    let (job_sender, job_receiver) = mpsc::channel::<(usize, T)>();
    let job_receiver = Mutex::new(job_receiver);
    let (result_sender, results) = mpsc::channel::<(usize, Result<U>)>();

    std::thread::scope(|scope| {
        for mut state in workers {
            let (jobs, done, stop, work) = (&job_receiver, result_sender.clone(), &stop, &work);
            scope.spawn(move || {
                loop {
                    // A poisoned lock means that another worker panicked between two jobs: the queue is whole.
                    let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((place, item)) = job else { return };
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let result = guarded(|| work(&mut state, item));
                    if done.send((place, result)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(result_sender);

        let mut deliver = || {
            let (mut sent, mut next, mut exhausted) = (0, 0, false);
            let mut waiting = BTreeMap::new();
            loop {
                while !exhausted && sent - next < ahead {
                    match items.next() {
                        Some(Ok(item)) => {
                            if job_sender.send((sent, item)).is_err() {
                                exhausted = true;
                                break;
                            }
                        }
                        Some(Err(error)) => {
                            waiting.insert(sent, Err(error));
                            exhausted = true;
                        }
                        None => {
                            exhausted = true;
                            break;
                        }
                    }
                    sent += 1;
                }
                while let Some(result) = waiting.remove(&next) {
                    sink(result?)?;
                    next += 1;
                }
                if exhausted && next == sent {
                    return Ok(());
                }
                if sent - next < ahead && !exhausted {
                    continue;
                }
                // The workers hold every place not yet here, and hang up only after they were told to stop.
                let Ok((place, result)) = results.recv() else { return Ok(()) };
                waiting.insert(place, result);
            }
        };
        let outcome = deliver();
        stop.store(true, Ordering::Relaxed);
        drop(job_sender);
        outcome
    })
}

/// A panic becomes an error at its place: the other workers, and whoever waits for this one, must not hang. The state
/// is used no more, because the first error ends everything.
fn guarded<U>(work: impl FnOnce() -> Result<U>) -> Result<U> {
    std::panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(Error::model("the program failed on this structure, which is a mistake in it; please report it"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Failure;

    #[test]
    fn results_come_in_order() {
        let mut got = Vec::new();
        let work = |_: &mut (), i: u64| {
            std::thread::sleep(std::time::Duration::from_micros((i * 7919) % 300));
            Ok(i * i)
        };
        let outcome = in_order((0..100).map(Ok), vec![(); 3], work, |x| {
            got.push(x);
            Ok(())
        });
        assert!(outcome.is_ok());
        assert_eq!(got, (0..100).map(|i| i * i).collect::<Vec<_>>());
    }

    #[test]
    fn a_panic_is_an_error_at_its_place() {
        let work = |_: &mut (), i: i32| if i == 7 { panic!("on purpose") } else { Ok(i) };
        let mut got = Vec::new();
        let outcome = in_order((0..50).map(Ok), vec![(); 3], work, |x| {
            got.push(x);
            Ok(())
        });
        assert!(matches!(outcome, Err(Failure::Error(e)) if e.message.contains("mistake")));
        assert_eq!(got, (0..7).collect::<Vec<_>>());
    }

    #[test]
    fn first_error_in_order_ends_it() {
        let items = (0..50).map(|i| if i == 30 { Err(Error::input("read")) } else { Ok(i) });
        let work = |_: &mut (), i: i32| if i == 12 { Err(Error::input("work")) } else { Ok(i) };
        let mut got = Vec::new();
        let outcome = in_order(items, vec![(); 4], work, |x| {
            got.push(x);
            Ok(())
        });
        assert!(matches!(outcome, Err(Failure::Error(e)) if e.message == "work"));
        assert_eq!(got, (0..12).collect::<Vec<_>>());
    }
}
