//! `sp --out` and `eval` stopped half-way, by Ctrl-C and without warning: files are whole, or as they were.
#![cfg(unix)]

mod common;
use std::io::Write;
use std::process::{Child, Stdio};

use common::{Bench, Run};

/// More than the pipe and the program's buffers hold (some 100 kB): who has taken so much is at work.
const ENOUGH: usize = 1 << 20;

/// A labelled frame that says much beside its three atoms, so that few of them fill a pipe.
fn frame() -> String {
    let remark = "x".repeat(1 << 14);
    format!(
        "3\nProperties=species:S:1:pos:R:3 energy=-138 remark={remark}\nO 0 0 0.12\nH 0 0.76 -0.48\nH 0 -0.76 -0.48\n"
    )
}

/// Starts the program on frames from a pipe that never ends, and comes back when it is in the middle of them.
fn begun(bench: &Bench, arguments: &[&str]) -> Child {
    let mut command = bench.command(arguments);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let (mut pipe, frame) = (child.stdin.take().unwrap(), frame());
    for _ in 0..=ENOUGH / frame.len() {
        pipe.write_all(frame.as_bytes()).unwrap();
    }
    child.stdin = Some(pipe);
    child
}

/// Ctrl-C. The pipe goes on: only the program can end this.
fn interrupt(mut child: Child) -> Run {
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let (mut pipe, frame) = (child.stdin.take().unwrap(), frame());
    let begun = std::time::Instant::now();
    while pipe.write_all(frame.as_bytes()).is_ok() {
        assert!(begun.elapsed().as_secs() < 60, "it goes on as if nothing had happened");
    }
    Run::new(&child.wait_with_output().unwrap())
}

/// The files in the folder, but for the temporary one that a killed program could not remove.
fn files(bench: &Bench) -> Vec<String> {
    bench.files().into_iter().filter(|name| !(name.starts_with('.') && name.ends_with(".tmp"))).collect()
}

/// One verb, stopped in both ways, where its file was not there before and where it was.
#[track_caller]
fn stops_cleanly(arguments: &[&str], written: &str, words: &[&str]) {
    let bench = Bench::new();
    for earlier in [None, Some("of an earlier run")] {
        if let Some(text) = earlier {
            bench.write(written, text);
        }
        let before = bench.files();
        let run = interrupt(begun(&bench, arguments));
        assert_eq!(run.code, Some(130), "{run:?}");
        assert_eq!(run.err.lines().count(), 1, "{run:?}");
        assert!(words.iter().all(|w| run.err.contains(w)), "{run:?}");
        assert_eq!(bench.files(), before, "nothing is left behind");

        let mut child = begun(&bench, arguments);
        child.kill().unwrap();
        let out = Run::new(&child.wait_with_output().unwrap());
        assert_eq!(out.code, None, "killed, and not at its end: {out:?}");
        assert_eq!(files(&bench), before);
        if let Some(text) = earlier {
            assert_eq!(bench.read(written), text);
        }
        bench.files().iter().filter(|f| !before.contains(f)).for_each(|f| {
            std::fs::remove_file(bench.path(f)).unwrap();
        });
    }
    // The same command, with frames that end, writes it.
    let mut child = begun(&bench, arguments);
    drop(child.stdin.take());
    Run::new(&child.wait_with_output().unwrap()).ok();
    assert_ne!(bench.read(written), "of an earlier run");
}

#[test]
fn results_of_sp_are_whole_or_absent() {
    for model in ["gfn2", "tiny.safetensors"] {
        let arguments = ["sp", "-", "--out", "results.xyz", "--model", model];
        stops_cleanly(&arguments, "results.xyz", &["interrupted: after", "--out is not written"]);
    }
}

#[test]
fn plots_of_eval_are_whole_or_absent() {
    for model in ["gfn2", "tiny.safetensors"] {
        let arguments = ["eval", "-", "--out", "errors", "--model", model];
        stops_cleanly(&arguments, "errors.svg", &["interrupted:", "nothing is written"]);
    }
}
