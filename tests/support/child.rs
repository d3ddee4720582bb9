//! Tests whose subject ends the process, or needs one for itself: the test binary runs itself
//! again.

#![allow(dead_code, reason = "no test file uses all of it")]

use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Set in the child, to the test's name.
const MARK: &str = "GORS_TEST_CHILD";
/// Longer than anything here takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// How a child ended and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The child's body returned.
    #[track_caller]
    pub(crate) fn assert_success(&self) {
        assert_eq!(self.code, Some(0), "{self:#?}");
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
    if std::env::var_os(MARK).is_some_and(|mark| mark == name) {
        body();
        std::process::exit(0);
    }
    let test = std::env::current_exe().expect("a test has a path");
    let ended = wait(
        Command::new(test)
            .args([name, "--exact", "--nocapture", "--include-ignored"])
            .env(MARK, name)
            .env_remove("GOMAXPROCS")
            .env("RUST_BACKTRACE", "0")
            .envs(environment.iter().copied()),
    );
    assert!(
        ended.stdout.contains("running 1 test\n"),
        "{name} is no test: {ended:#?}"
    );
    ended
}

/// Runs a command to its end, at most for [`PATIENCE`].
#[track_caller]
pub(crate) fn wait(command: &mut Command) -> Ended {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    let stdout = read(child.stdout.take());
    let stderr = read(child.stderr.take());
    // Both pipes close when the child ends.
    let out = stdout.recv_timeout(PATIENCE);
    let err = stderr.recv_timeout(PATIENCE);
    if out.is_err() || err.is_err() {
        child.kill().expect("the child is ours");
    }
    let status = child.wait().expect("the child is ours");
    let ended = Ended {
        code: status.code(),
        stdout: out.clone().or_else(|_| stdout.recv()).unwrap_or_default(),
        stderr: err.clone().or_else(|_| stderr.recv()).unwrap_or_default(),
    };
    assert!(
        out.is_ok() && err.is_ok(),
        "{command:?} has not ended within {PATIENCE:?}: {ended:#?}"
    );
    ended
}

/// Reads a pipe to its end, on a thread.
fn read(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    let mut pipe = pipe.expect("the pipe was asked for");
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is still worth showing.
        let _ = pipe.read_to_end(&mut bytes);
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
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
