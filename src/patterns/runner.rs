//! Runs tasks in order, within a time, until interrupted.

use std::error;
use std::fmt;
use std::time::{Duration, Instant};

use gors_chan::{Chan, Receiver, make, select};

use crate::signal::{self, Signal};

/// Runs tasks one after the other, and stops when its time is over or the user interrupts (SIGINT).
///
/// For programs that are started by a scheduler and must not run for ever. The time begins when the
/// runner is made. A task that runs is not stopped: an interrupt is looked at before the next one
/// begins, and when the time is over `start` returns while the task goes on.
///
/// ```
/// use gors::patterns::runner::{Error, Runner};
/// use std::time::Duration;
///
/// gors::run(|| {
///     let mut runner = Runner::new(Duration::from_secs(3));
///     for _ in 0..3 {
///         runner.add(|id| println!("task {id}"));
///     }
///     assert_eq!(runner.start(), Ok(()));
///
///     let mut late = Runner::new(Duration::from_millis(1));
///     late.add(|_| gors::time::sleep(Duration::from_secs(60)));
///     assert_eq!(late.start(), Err(Error::Timeout));
/// });
/// ```
pub struct Runner {
    interrupt: Chan<Signal>,
    timeout: Receiver<Instant>,
    tasks: Vec<Task>,
}

type Task = Box<dyn FnMut(usize) + Send>;

/// Why a [`Runner`] did not run all its tasks.
///
/// ```
/// use gors::patterns::runner::Error;
/// assert_eq!(Error::Timeout.to_string(), "received timeout");
/// assert_eq!(Error::Interrupt.to_string(), "received interrupt");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Error {
    /// The time was over.
    Timeout,
    /// The user interrupted.
    Interrupt,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout => "received timeout",
            Self::Interrupt => "received interrupt",
        })
    }
}

impl error::Error for Error {}

impl Runner {
    /// A runner without tasks, whose time begins now.
    #[must_use]
    pub fn new(timeout: Duration) -> Self {
        Self {
            interrupt: make(1),
            timeout: gors_chan::after(timeout),
            tasks: Vec::new(),
        }
    }

    /// Adds a task; it is given its number, counted from 0.
    pub fn add(&mut self, task: impl FnMut(usize) + Send + 'static) {
        self.tasks.push(Box::new(task));
    }

    /// Runs the tasks in a goroutine and waits for their end, or for the time's. Interrupts of the
    /// process come here while it runs. The runner has no tasks afterwards.
    ///
    /// # Errors
    ///
    /// If the time was over before the last task had ended, or an interrupt came before it had begun.
    ///
    /// ```
    /// use gors::patterns::runner::Runner;
    /// use std::time::Duration;
    /// let mut runner = Runner::new(Duration::from_secs(60));
    /// runner.add(|id| println!("task {id}"));
    /// assert_eq!(runner.start(), Ok(()));
    /// ```
    pub fn start(&mut self) -> Result<(), Error> {
        signal::notify(&self.interrupt, &[Signal::INTERRUPT]);
        // Room for one: the goroutine must not wait for a receiver that has left by timeout.
        let complete = make(1);
        let tasks = std::mem::take(&mut self.tasks);
        let (report, interrupt) = (complete.clone(), self.interrupt.clone());
        crate::go!(move || report.send(run(tasks, &interrupt)));
        let result = select! {
            recv(complete) -> result => result.unwrap_or(Ok(())),
            recv(self.timeout) -> _ => Err(Error::Timeout),
        };
        signal::stop(&self.interrupt);
        result
    }
}

fn run(tasks: Vec<Task>, interrupt: &Chan<Signal>) -> Result<(), Error> {
    for (id, mut task) in tasks.into_iter().enumerate() {
        if interrupt.try_recv().is_ok() {
            return Err(Error::Interrupt);
        }
        task(id);
    }
    Ok(())
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner")
            .field("tasks", &self.tasks.len())
            .finish_non_exhaustive()
    }
}
