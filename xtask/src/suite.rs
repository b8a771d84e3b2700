//! One suite of `cargo xtask test`: a program, its log, and how many tests passed.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    path::PathBuf,
    process::{Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use acceptance_tests::{Failure, Folders};

use crate::screen;

/// A cold build of everything takes a few minutes; nothing may hang a CI run of 90 minutes.
const SUITE_MAX: Duration = Duration::from_secs(2_700);
/// Lines of a failed suite that are shown when no part of its output is marked as the failure.
const TAIL_LINES: usize = 60;

/// How a suite's program tells its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// By its exit code: it counts as one test.
    ExitCode,
    /// By lines `test result: ok. N passed; N failed; …`.
    Libtest,
    /// By its last line: `N passed, N failed`.
    LastLine,
}

/// What came of a suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Count {
    pub(crate) const FAILED: Self = Self { passed: 0, failed: 1 };
}

/// Runs a suite's program, shows that it lives, keeps its output in a log, and shows what failed.
pub(crate) fn run(folders: &Folders, name: &str, mut command: Command, told: Told) -> Result<Count, Failure> {
    let log = log_of(folders, name)?;
    let (code, output) = stream(&mut command, &log)?;
    let count = count(&output, told, code);
    if count.failed > 0 {
        println!("{}", failures(&output));
        println!("  the whole output: {}", log.display());
    }
    Ok(count)
}

fn log_of(folders: &Folders, name: &str) -> Result<PathBuf, Failure> {
    let folder = folders.logs();
    std::fs::create_dir_all(&folder).map_err(|error| Failure::io(format!("making {}", folder.display()), &error))?;
    Ok(folder.join(format!("{}.log", name.replace(' ', "-"))))
}

fn stream(command: &mut Command, log: &PathBuf) -> Result<(Option<i32>, String), Failure> {
    let mut log = File::create(log).map_err(|error| Failure::io(format!("making {}", log.display()), &error))?;
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| Failure::io(format!("starting {}", command.get_program().to_string_lossy()), &error))?;
    let (sender, lines) = mpsc::channel();
    forward(child.stdout.take(), sender.clone());
    forward(child.stderr.take(), sender);
    let (started, mut shown, mut last, mut output) = (Instant::now(), Instant::now(), String::new(), String::new());
    loop {
        match lines.recv_timeout(Duration::from_secs(1)) {
            Ok(line) => {
                // The log is a convenience: a full disk shows itself elsewhere.
                let _ = writeln!(log, "{line}");
                output.push_str(&line);
                output.push('\n');
                last = line;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if shown.elapsed() >= screen::heartbeat() {
            shown = Instant::now();
            println!("    {}: {}", screen::seconds(started.elapsed()), last.trim().chars().take(110).collect::<String>());
        }
        if started.elapsed() > SUITE_MAX {
            let _ = child.kill();
            return Ok((
                None,
                output + "\nfailures:\n  this suite was ended: it took longer than it may\ntest result: FAILED. 0 passed; 1 failed;\n",
            ));
        }
    }
    let status = child.wait().map_err(|error| Failure::io("waiting for a suite", &error))?;
    Ok((status.code(), output))
}

fn forward(stream: Option<impl Read + Send + 'static>, lines: Sender<String>) {
    let Some(stream) = stream else { return };
    thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while matches!(reader.read_until(b'\n', &mut line), Ok(1..)) {
            let text = String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned();
            line.clear();
            if lines.send(text).is_err() {
                return;
            }
        }
    });
}

/// Counts; a program that failed without a failed test (it didn't compile, or crashed) is one failure, as is one that ran nothing.
fn count(output: &str, told: Told, code: Option<i32>) -> Count {
    let succeeded = code == Some(0);
    let mut count = match told {
        Told::ExitCode => return Count { passed: u64::from(succeeded), failed: u64::from(!succeeded) },
        Told::Libtest => libtest(output),
        Told::LastLine => last_line(output),
    };
    if count.failed == 0 && (!succeeded || count.passed == 0) {
        count.failed = 1;
    }
    count
}

fn libtest(output: &str) -> Count {
    let mut count = Count { passed: 0, failed: 0 };
    for line in output.lines().filter_map(|line| line.trim_start().strip_prefix("test result: ")) {
        count.passed += number_before(line, " passed");
        count.failed += number_before(line, " failed");
    }
    count
}

fn last_line(output: &str) -> Count {
    let line = output.lines().rev().find(|line| line.ends_with(" failed") && line.contains(" passed, ")).unwrap_or_default();
    Count { passed: number_before(line, " passed"), failed: number_before(line, " failed") }
}

fn number_before(text: &str, word: &str) -> u64 {
    let before = text.split(word).next().unwrap_or_default();
    let digits = before.rsplit(|letter: char| !letter.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().unwrap_or(0)
}

/// The marked failures, else the end of the output.
fn failures(output: &str) -> String {
    let mut marked = Vec::new();
    let mut inside = false;
    for line in output.lines() {
        inside = match line.trim_start() {
            start if start == "failures:" || start.starts_with("error") || start.starts_with("FAIL:") || start.starts_with("ERROR:") => {
                true
            }
            start if start.starts_with("test result:") || start.starts_with("Running ") || start.starts_with("Ran ") => false,
            _ => inside,
        };
        if inside {
            marked.push(line);
        }
    }
    if marked.is_empty() {
        let lines: Vec<&str> = output.lines().collect();
        marked = lines.into_iter().rev().take(TAIL_LINES).collect();
        marked.reverse();
    }
    marked.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIXED: &str = "running 3 tests\ntest a ... ok\ntest b ... FAILED\n\nfailures:\n\n---- b stdout ----\nboom\n\nfailures:\n    b\n\n\
        test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 4 filtered out; finished in 0.02s\n\
        test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.10s\n";

    #[test]
    fn libtest_results_of_all_binaries_are_summed() {
        assert_eq!(count(MIXED, Told::Libtest, Some(101)), Count { passed: 14, failed: 1 });
    }

    #[test]
    fn a_program_that_fails_without_a_failed_test_counts_as_one_failure() {
        let fine = "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.10s\n";
        assert_eq!(count(fine, Told::Libtest, Some(0)), Count { passed: 12, failed: 0 });
        assert_eq!(count(fine, Told::Libtest, Some(101)), Count { passed: 12, failed: 1 });
        assert_eq!(count("error: could not compile", Told::Libtest, Some(101)), Count { passed: 0, failed: 1 });
        assert_eq!(count("", Told::ExitCode, None), Count::FAILED);
    }

    #[test]
    fn a_suite_that_ran_nothing_has_failed() {
        let nothing = "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 9 filtered out; finished in 0.00s\n";
        assert_eq!(count(nothing, Told::Libtest, Some(0)), Count::FAILED);
        assert_eq!(count("0 passed, 0 failed\n", Told::LastLine, Some(0)), Count::FAILED);
    }

    #[test]
    fn a_last_line_is_read() {
        assert_eq!(count("….\n18 passed, 3 failed\n", Told::LastLine, Some(1)), Count { passed: 18, failed: 3 });
        assert_eq!(count("7 passed, 0 failed\n", Told::LastLine, Some(0)), Count { passed: 7, failed: 0 });
        assert_eq!(count("nothing\n", Told::LastLine, Some(0)), Count::FAILED);
    }

    #[test]
    fn what_failed_is_shown_and_nothing_else() {
        let shown = failures(MIXED);
        assert!(shown.contains("boom") && !shown.contains("test a ... ok") && !shown.contains("12 passed"), "{shown}");
        assert_eq!(failures("one\ntwo"), "one\ntwo");
    }
}
