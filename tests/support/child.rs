//! Tests whose subject ends the process, or needs one for itself: the test binary runs itself
//! again.

#![allow(dead_code, reason = "no test file uses all of it")]

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// Set in the child, to the test's name.
const MARK: &str = "GORS_TEST_CHILD";
/// For the environment of a child that the migration audit is not for. The reason stands where it is used.
pub(crate) const NO_AUDIT: (&str, &str) = ("GORS_AUDIT", "");

/// Longer than anything here takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// How a child ended and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The child's body returned.
    #[track_caller]
    pub(crate) fn assert_success(&self) {
        assert_eq!(self.code, Some(0), "{self:#?}");
    }

    /// A signal ended the child.
    #[track_caller]
    pub(crate) fn assert_killed_by(&self, signal: i32) {
        assert_eq!(self.signal, Some(signal), "{self:#?}");
    }

    /// The child ended with code 2, as Go programs do, and said so.
    #[track_caller]
    pub(crate) fn assert_fatal(&self, text: &str) {
        assert_eq!(self.code, Some(2), "{self:#?}");
        assert!(
            self.stderr.contains(text),
            "{text:?} is missing in {self:#?}"
        );
    }
}

/// Runs `body` in a process of its own: that of the test `name`, with these environment variables.
///
/// `name` is the function that calls. In the child this does not return.
#[track_caller]
pub(crate) fn run(name: &str, environment: &[(&str, &str)], body: impl FnOnce()) -> Ended {
    start(name, environment, body).wait()
}

/// As [`run`], but returns while the child runs.
#[track_caller]
pub(crate) fn start(name: &str, environment: &[(&str, &str)], body: impl FnOnce()) -> Running {
    if std::env::var_os(MARK).is_some_and(|mark| mark == name) {
        body();
        std::process::exit(0);
    }
    let test = std::env::current_exe().expect("a test has a path");
    let mut child = Running::start(
        Command::new(test)
            .args([name, "--exact", "--nocapture", "--include-ignored"])
            .env(MARK, name)
            .env_remove("GOMAXPROCS")
            .env("RUST_BACKTRACE", "0")
            .envs(environment.iter().copied()),
    );
    // Another number would mean that `name` is no test.
    child.wait_for("running 1 test\n");
    child
}

/// Runs a command to its end, at most for [`PATIENCE`].
#[track_caller]
pub(crate) fn wait(command: &mut Command) -> Ended {
    Running::start(command).wait()
}

/// Whether SIGINT and SIGQUIT are ignored here: a shell does that to what it puts into the background, and
/// children inherit it.
fn ignores_interrupts() -> bool {
    const INTERRUPTS: u64 = 1 << 1 | 1 << 2;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & INTERRUPTS != 0)
}

/// The command, with these signals as in the foreground.
fn heeding_interrupts(command: &Command) -> Command {
    let mut heedful = Command::new("env");
    heedful.arg("--default-signal=INT,QUIT");
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => heedful.env(name, value),
            None => heedful.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        heedful.current_dir(directory);
    }
    heedful.arg(command.get_program()).args(command.get_args());
    heedful
}

/// A process that was started.
#[derive(Debug)]
pub(crate) struct Running {
    process: Child,
    stdout: Pipe,
    stderr: Pipe,
}

impl Running {
    #[track_caller]
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut heedful;
        let command = if ignores_interrupts() {
            heedful = heeding_interrupts(command);
            &mut heedful
        } else {
            command
        };
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program can be started");
        Self {
            stdout: Pipe::new(process.stdout.take()),
            stderr: Pipe::new(process.stderr.take()),
            process,
        }
    }

    /// Returns when the process has printed `text`.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) {
        let printed = self.stdout.read_until(|seen| seen.contains(text));
        assert!(printed, "{text:?} was not printed: {self:#?}");
    }

    /// Sends a signal, named without `SIG`.
    #[track_caller]
    pub(crate) fn send(&self, signal: &str) {
        let status = Command::new("kill")
            .args([format!("-{signal}"), self.process.id().to_string()])
            .status();
        assert!(status.is_ok_and(|status| status.success()), "{self:#?}");
    }

    /// Waits for the end, at most for [`PATIENCE`].
    #[track_caller]
    pub(crate) fn wait(mut self) -> Ended {
        // Both pipes close when the process ends.
        let closed = self.stdout.read_to_end() & self.stderr.read_to_end();
        if !closed {
            self.process.kill().expect("the child is ours");
            self.stdout.read_to_end();
            self.stderr.read_to_end();
        }
        let status = self.process.wait().expect("the child is ours");
        let ended = Ended {
            code: status.code(),
            signal: status.signal(),
            stdout: self.stdout.seen,
            stderr: self.stderr.seen,
        };
        assert!(closed, "no end within {PATIENCE:?}: {ended:#?}");
        ended
    }
}

/// What a process writes, read by a thread.
#[derive(Debug)]
struct Pipe {
    chunks: mpsc::Receiver<String>,
    seen: String,
}

impl Pipe {
    fn new(pipe: Option<impl Read + Send + 'static>) -> Self {
        let (sender, chunks) = mpsc::channel();
        let mut pipe = BufReader::new(pipe.expect("the pipe was asked for"));
        thread::spawn(move || {
            let mut line = Vec::new();
            // What was read before an error is still worth showing.
            while pipe.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
                let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
                line.clear();
            }
        });
        let seen = String::new();
        Self { chunks, seen }
    }

    /// Reads on until `enough`; false if the pipe closed or time ran out before.
    fn read_until(&mut self, enough: impl Fn(&str) -> bool) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while !enough(&self.seen) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.chunks.recv_timeout(left) {
                Ok(chunk) => self.seen.push_str(&chunk),
                Err(_) => return false,
            }
        }
        true
    }

    /// Reads what comes until the pipe is closed; false if time ran out before.
    fn read_to_end(&mut self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.chunks.recv_timeout(left) {
                Ok(chunk) => self.seen.push_str(&chunk),
                Err(error) => return error == RecvTimeoutError::Disconnected,
            }
        }
    }
}

/// The example beside this test: `target/debug/deps/this`, `target/debug/examples/name`.
pub(crate) fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let profile = test
        .ancestors()
        .nth(2)
        .expect("tests are in target/PROFILE/deps");
    let path = profile
        .join("examples")
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        path.exists(),
        "{} is missing: `cargo build --examples` builds it, and so does `cargo test` without `--test`",
        path.display()
    );
    path
}
