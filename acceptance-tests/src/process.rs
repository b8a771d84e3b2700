//! Running another program with a limit on its time.

use std::{
    io::Read,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::Failure;

/// Between two looks at whether a process has ended.
const POLL: Duration = Duration::from_millis(5);

/// A program that has ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Everything it wrote there.
    pub stdout: String,
    /// Everything it wrote there.
    pub stderr: String,
    /// From start to end.
    pub wall: Duration,
    /// What was run, for messages.
    pub what: String,
}

impl Finished {
    /// Itself, when the exit code was 0.
    ///
    /// # Errors
    /// With everything the program wrote.
    pub fn success(self) -> Result<Self, Failure> {
        if self.code == Some(0) { Ok(self) } else { Err(Failure::new(self.story("failed"))) }
    }

    /// Itself, when the exit code was not 0.
    ///
    /// # Errors
    /// With everything the program wrote.
    pub fn failure(self) -> Result<Self, Failure> {
        if self.code == Some(0) { Err(Failure::new(self.story("was expected to fail, and succeeded"))) } else { Ok(self) }
    }

    /// Both streams.
    pub fn output(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Both streams in one line, without the frames and line breaks that Terraform puts into diagnostics.
    pub fn text(&self) -> String {
        self.output().replace(['│', '╷', '╵'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn story(&self, verdict: &str) -> String {
        let code = self.code.map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"));
        format!("{} {verdict} ({code})\n--- stdout\n{}\n--- stderr\n{}", self.what, self.stdout, self.stderr)
    }
}

/// Runs a program to its end, capturing what it writes.
///
/// # Errors
/// When it can't be started, or is still running after `limit` (it is killed then).
pub fn run_bounded(command: &mut Command, limit: Duration) -> Result<Finished, Failure> {
    let started = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.map_err(|error| Failure::io(format!("starting {}", name(command)), &error))?;
    finish(child, name(command), started, limit)
}

/// Waits for a child whose streams are piped.
pub(crate) fn finish(mut child: Child, what: String, started: Instant, limit: Duration) -> Result<Finished, Failure> {
    let out = child.stdout.take().map(Stream::read);
    let err = child.stderr.take().map(Stream::read);
    let status = wait(&mut child, started, limit)?;
    // A grandchild may hold the streams of a killed child open: then only what came so far is shown.
    let collect = |stream: Option<Stream>| stream.map_or_else(String::new, |stream| stream.text(status.is_some()));
    let (stdout, stderr) = (collect(out), collect(err));
    let Some(status) = status else {
        return Err(Failure::new(format!("{what} was still running after {limit:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")));
    };
    Ok(Finished { code: status.code(), stdout, stderr, wall: started.elapsed(), what })
}

/// A stream that a thread reads as it comes.
struct Stream {
    read: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Stream {
    fn read(mut stream: impl Read + Send + 'static) -> Self {
        let read = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&read);
        let reader = thread::spawn(move || {
            let mut part = [0; 8192];
            while let Ok(length @ 1..) = stream.read(&mut part) {
                let part = part.get(..length).unwrap_or_default();
                shared.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(part);
            }
        });
        Self { read, reader }
    }

    fn text(self, to_the_end: bool) -> String {
        if to_the_end {
            // The reader can't panic.
            let _ = self.reader.join();
        }
        String::from_utf8_lossy(&self.read.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

/// Waits; kills at the limit, and says so by `None`.
pub(crate) fn wait(child: &mut Child, started: Instant, limit: Duration) -> Result<Option<ExitStatus>, Failure> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(Some(status)),
            Ok(None) if started.elapsed() >= limit => {
                // Killing what has just ended is no error that matters.
                let _ = child.kill();
                let _ = child.wait();
                return Ok(None);
            }
            Ok(None) => thread::sleep(POLL),
            Err(error) => return Err(Failure::io("waiting for a child process", &error)),
        }
    }
}

pub(crate) fn name(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
