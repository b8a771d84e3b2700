//! The emulated AWS: a Python process, one for many scenarios, one account each.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Mutex, OnceLock, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use crate::{Failure, Folders, Prerequisites, folders};

/// moto is imported within two seconds on an idle machine.
const START_MAX: Duration = Duration::from_secs(60);
/// It stops within a tenth of a second of its stdin's end.
const STOP_MAX: Duration = Duration::from_secs(5);

/// A running sandbox; dropping it ends it.
#[derive(Debug)]
pub struct Sandbox {
    endpoint: String,
    /// `None`: another process owns it.
    child: Option<Mutex<Child>>,
}

impl Sandbox {
    /// Starts one on a port of the loopback; 0 is any free one.
    ///
    /// # Errors
    /// When it doesn't say its endpoint, with what it wrote instead.
    pub fn start(folders: &Folders, python: &Path, port: u16) -> Result<Self, Failure> {
        folders::make(&folders.logs())?;
        let log = folders.logs().join("sandbox.log");
        let writer = File::create(&log).map_err(|error| Failure::io(format!("making {}", log.display()), &error))?;
        let mut command = Command::new(python);
        command.args(["-m", "deeploy_sandbox", "--exit-with-stdin", "--port", &port.to_string()]);
        command.current_dir(folders.root.join("acceptance-tests").join("sandbox"));
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::from(writer)).spawn();
        let mut child = child.map_err(|error| Failure::io("starting the sandbox", &error))?;
        let first = child.stdout.take().and_then(|stdout| first_line(BufReader::new(stdout)));
        let endpoint = first.as_deref().and_then(|line| {
            let told: serde_json::Value = serde_json::from_str(line).ok()?;
            told.get("endpoint")?.as_str().map(str::to_owned)
        });
        let started = endpoint.map(|endpoint| (endpoint, Mutex::new(child)));
        let (endpoint, child) = started.ok_or_else(|| {
            Failure::new(format!("the sandbox did not start; it said {:?}", first.unwrap_or_default()))
                .remedy(format!("its log is {}; is the port free?", log.display()))
        })?;
        Ok(Self { endpoint, child: Some(child) })
    }

    /// The one that this process shares: at `DEEPLOY_SANDBOX_ENDPOINT`, else started by the first scenario that asks.
    ///
    /// # Errors
    /// As [`Sandbox::start`]; when something is not installed, with the command that installs it.
    pub fn shared(prerequisites: &Prerequisites) -> Result<&'static Self, Failure> {
        static SHARED: OnceLock<Result<Sandbox, Failure>> = OnceLock::new();
        let start = || match std::env::var("DEEPLOY_SANDBOX_ENDPOINT") {
            Ok(endpoint) => Ok(Self { endpoint, child: None }),
            Err(_) => Self::start(&prerequisites.folders, &prerequisites.sandbox_python, 0),
        };
        SHARED.get_or_init(start).as_ref().map_err(Clone::clone)
    }

    /// `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Whether its process still runs.
    pub fn is_running(&self) -> bool {
        self.child
            .as_ref()
            .is_none_or(|child| child.lock().unwrap_or_else(PoisonError::into_inner).try_wait().is_ok_and(|status| status.is_none()))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let Some(child) = self.child.take() else { return };
        let mut child = child.into_inner().unwrap_or_else(PoisonError::into_inner);
        drop(child.stdin.take());
        let asked = Instant::now();
        while asked.elapsed() < STOP_MAX {
            if !matches!(child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// The first line, or what there is of it when the process ends or takes too long.
fn first_line(mut stdout: impl BufRead + Send + 'static) -> Option<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut line = String::new();
        if stdout.read_line(&mut line).is_ok() {
            // The receiver gave up when it took too long.
            let _ = sender.send(line);
        }
    });
    receiver.recv_timeout(START_MAX).ok()
}
