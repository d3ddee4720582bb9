//! One process of one contender: started, pinned, timed out, and read.
//!
//! The parent does nothing but wait in the kernel while a child runs, so that
//! it takes no CPU away from it.

use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::cli::Request;
use crate::contenders::{self, GO};
use crate::measure::{Report, Task};

/// Variables that tune Go and its peers; kept from the children, because the
/// tables are about the defaults.
const TUNING: [&str; 4] = ["GOGC", "GOMEMLIMIT", "GODEBUG", "TOKIO_WORKER_THREADS"];

/// How a child ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// With a report.
    Well(Report),
    /// It was still running after the limit.
    Hang(Duration),
    /// By a signal; the last line it wrote to standard error.
    Signal(i32, String),
    /// With a code other than 0, or without a report; the last line it wrote.
    Failed(i32, String),
}

/// A child's end and what the kernel counted.
#[derive(Debug)]
pub(crate) struct Finished {
    /// How it ended.
    pub ended: Ended,
    /// Its greatest resident memory, in KiB.
    pub peak_rss_kib: u64,
    /// How long it ran.
    pub took: Duration,
}

/// Where children come from.
#[derive(Debug)]
pub(crate) struct Nursery {
    /// This program.
    pub rust: PathBuf,
    /// The Go program, or why there is none.
    pub go: Result<PathBuf, String>,
    /// Holds the children's output while they run.
    pub scratch: PathBuf,
    /// The CPUs this process may use.
    pub cpus: Vec<usize>,
}

impl Nursery {
    /// Runs a child to its end, at most for `limit`.
    pub(crate) fn run(&self, request: &Request, limit: Duration) -> io::Result<Finished> {
        let stdout = self.scratch.join("child.out");
        let stderr = self.scratch.join("child.err");
        let mut command = match (&self.go, request.contender.as_str()) {
            (Ok(go), GO) => {
                let mut command = Command::new(go);
                command.args(request.go_words());
                command
            }
            _ => {
                let mut command = Command::new(&self.rust);
                command.args(request.words());
                command
            }
        };
        for name in TUNING {
            command.env_remove(name);
        }
        command
            .env("GOMAXPROCS", request.procs.to_string())
            .stdin(Stdio::null())
            .stdout(File::create(&stdout)?)
            .stderr(File::create(&stderr)?);
        // From the end of the list: CPU 0 serves most interrupts.
        let mask = cpu_mask(self.cpus.iter().rev().take(request.procs));
        // SAFETY: between fork and exec only the sched_setaffinity system call
        // is made, on a mask that was filled before; nothing allocates or locks.
        unsafe { command.pre_exec(move || set_affinity(&mask)) };

        let start = Instant::now();
        let child = command.spawn()?;
        let pid = child.id() as libc::pid_t;
        let hung = wait_or_kill(pid, limit)?;
        let took = start.elapsed();
        let (status, peak_rss_kib) = reap(pid)?;
        // It has been reaped: `wait` on this handle could meet a stranger.
        drop(child);

        let ended = if hung {
            Ended::Hang(limit)
        } else if libc::WIFSIGNALED(status) {
            Ended::Signal(libc::WTERMSIG(status), last_words(&stderr))
        } else {
            let code = libc::WEXITSTATUS(status);
            match (code, read_report(&stdout)) {
                (0, Some(report)) => Ended::Well(report),
                (0, None) => Ended::Failed(0, "no report".to_owned()),
                (code, _) => Ended::Failed(code, last_words(&stderr)),
            }
        };
        Ok(Finished {
            ended,
            peak_rss_kib,
            took,
        })
    }
}

/// The child's side: runs the program and prints its report.
pub(crate) fn run_here(request: &Request) -> Result<(), Box<dyn Error>> {
    let contender = contenders::by_name(&request.contender)
        .ok_or_else(|| format!("no contender `{}`", request.contender))?;
    let program = contender
        .program(&request.program)
        .ok_or_else(|| format!("{} has no program `{}`", contender.name, request.program))?;
    let task = Task {
        procs: request.procs,
        n: request.n,
        target: Duration::from_millis(request.target_ms),
        a: request.a,
        b: request.b,
    };
    let mut report = program(&task);
    report.note_memory();
    println!("{}", serde_json::to_string(&report)?);
    // Goroutines that are left over must not hold up the exit.
    std::process::exit(0);
}

/// The CPUs this process may use.
pub(crate) fn allowed_cpus() -> Vec<usize> {
    // SAFETY: cpu_set_t is a plain array of bits, for which zeros are valid.
    let mut mask: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes at most the given size into `mask`.
    let answer = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut mask) };
    if answer != 0 {
        return vec![0];
    }
    // SAFETY: every index is below CPU_SETSIZE.
    (0..libc::CPU_SETSIZE as usize)
        .filter(|cpu| unsafe { libc::CPU_ISSET(*cpu, &mask) })
        .collect()
}

/// The mask with these CPUs.
fn cpu_mask<'a>(cpus: impl Iterator<Item = &'a usize>) -> libc::cpu_set_t {
    // SAFETY: as in `allowed_cpus`.
    let mut mask: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    for cpu in cpus {
        // SAFETY: the CPUs come from `allowed_cpus` and are below CPU_SETSIZE.
        unsafe { libc::CPU_SET(*cpu, &mut mask) };
    }
    mask
}

/// Pins the calling process; async-signal-safe.
fn set_affinity(mask: &libc::cpu_set_t) -> io::Result<()> {
    // SAFETY: the kernel reads the given size from `mask`.
    match unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), mask) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Waits until the child has ended, and kills it after `limit`. It stays a
/// zombie, so that its id cannot be given to another process before the killer
/// is gone. Says whether it was killed.
fn wait_or_kill(pid: libc::pid_t, limit: Duration) -> io::Result<bool> {
    let (ended, wait_for_end) = mpsc::channel::<()>();
    let killer = thread::spawn(move || {
        let hung = wait_for_end.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout);
        if hung {
            // SAFETY: a plain system call; the child has not been reaped.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
        hung
    });
    let waited = loop {
        // SAFETY: siginfo_t is plain data, for which zeros are valid.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        // SAFETY: `info` is valid for writes; WNOWAIT leaves the child a zombie.
        let answer = unsafe {
            libc::waitid(
                libc::P_PID,
                pid as libc::id_t,
                &raw mut info,
                libc::WEXITED | libc::WNOWAIT,
            )
        };
        if answer == 0 {
            break Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            break Err(error);
        }
    };
    drop(ended);
    let hung = killer.join().expect("the killer does not panic");
    waited.map(|()| hung)
}

/// Takes the zombie's exit status and peak memory in KiB.
fn reap(pid: libc::pid_t) -> io::Result<(libc::c_int, u64)> {
    let mut status = 0;
    // SAFETY: rusage is plain data, for which zeros are valid.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are valid for writes.
    let answer = unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) };
    if answer == pid {
        Ok((status, usage.ru_maxrss.max(0) as u64))
    } else {
        Err(io::Error::last_os_error())
    }
}

/// The report among what the child printed.
fn read_report(stdout: &Path) -> Option<Report> {
    let text = fs::read_to_string(stdout).ok()?;
    let line = text.lines().rev().find(|line| line.starts_with('{'))?;
    serde_json::from_str(line).ok()
}

/// The line of the child's standard error that says most: the message of a
/// panic or fatal error, else the last line.
fn last_words(stderr: &Path) -> String {
    let bytes = fs::read(stderr).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let panicked = lines.iter().position(|line| line.contains("panicked at"));
    let line = match panicked {
        Some(at) => lines.get(at + 1).or(lines.get(at)),
        None => lines
            .iter()
            .find(|line| line.starts_with("fatal error") || line.starts_with("panic:"))
            .or(lines.last()),
    };
    line.map_or_else(String::new, |line| line.chars().take(120).collect())
}

/// A signal's name.
pub(crate) fn signal_name(signal: i32) -> String {
    match signal {
        libc::SIGABRT => "SIGABRT".to_owned(),
        libc::SIGBUS => "SIGBUS".to_owned(),
        libc::SIGFPE => "SIGFPE".to_owned(),
        libc::SIGILL => "SIGILL".to_owned(),
        libc::SIGKILL => "SIGKILL (out of memory?)".to_owned(),
        libc::SIGSEGV => "SIGSEGV".to_owned(),
        libc::SIGTRAP => "SIGTRAP".to_owned(),
        other => format!("signal {other}"),
    }
}
