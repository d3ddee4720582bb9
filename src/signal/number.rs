//! The signals.

use std::fmt;
use std::io;

use gors_runtime::raw::signal as raw;

/// A signal. `Display` gives Go's words.
///
/// Go: `os.Signal`, `syscall.Signal`.
///
/// ```
/// use gors::signal::Signal;
/// assert_eq!(Signal::INTERRUPT.to_string(), "interrupt");
/// assert_eq!(Signal::from_raw(15), Some(Signal::TERMINATE));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signal(i32);

macro_rules! signals {
    ($($(#[$doc:meta])* $name:ident = $number:ident, $words:literal;)*) => {
        impl Signal {
            $($(#[$doc])* pub const $name: Signal = Signal(raw::$number);)*

            fn names(self) -> Option<(&'static str, &'static str)> {
                match self {
                    $(Self::$name => Some((stringify!($name), $words)),)*
                    _ => None,
                }
            }
        }
    };
}

signals! {
    /// SIGHUP: the terminal has gone; reload, for daemons.
    HANGUP = SIGHUP, "hangup";
    /// SIGINT: Ctrl-C. Go: `os.Interrupt`.
    INTERRUPT = SIGINT, "interrupt";
    /// SIGQUIT: Ctrl-\.
    QUIT = SIGQUIT, "quit";
    /// SIGILL.
    ILLEGAL_INSTRUCTION = SIGILL, "illegal instruction";
    /// SIGTRAP.
    TRAP = SIGTRAP, "trace/breakpoint trap";
    /// SIGABRT.
    ABORT = SIGABRT, "aborted";
    /// SIGBUS.
    BUS = SIGBUS, "bus error";
    /// SIGFPE.
    FLOATING_POINT = SIGFPE, "floating point exception";
    /// SIGKILL; cannot be caught. Go: `os.Kill`.
    KILL = SIGKILL, "killed";
    /// SIGUSR1.
    USER1 = SIGUSR1, "user defined signal 1";
    /// SIGSEGV.
    SEGMENTATION = SIGSEGV, "segmentation fault";
    /// SIGUSR2.
    USER2 = SIGUSR2, "user defined signal 2";
    /// SIGPIPE.
    PIPE = SIGPIPE, "broken pipe";
    /// SIGALRM.
    ALARM = SIGALRM, "alarm clock";
    /// SIGTERM: please end.
    TERMINATE = SIGTERM, "terminated";
    /// SIGCHLD: a child process has ended.
    CHILD = SIGCHLD, "child exited";
    /// SIGCONT: the process goes on.
    CONTINUE = SIGCONT, "continued";
    /// SIGSTOP; cannot be caught.
    STOP = SIGSTOP, "stopped (signal)";
    /// SIGTSTP: Ctrl-Z.
    TERMINAL_STOP = SIGTSTP, "stopped";
    /// SIGTTIN.
    TERMINAL_INPUT = SIGTTIN, "stopped (tty input)";
    /// SIGTTOU.
    TERMINAL_OUTPUT = SIGTTOU, "stopped (tty output)";
    /// SIGURG.
    URGENT = SIGURG, "urgent I/O condition";
    /// SIGXCPU.
    CPU_LIMIT = SIGXCPU, "CPU time limit exceeded";
    /// SIGXFSZ.
    FILE_SIZE_LIMIT = SIGXFSZ, "file size limit exceeded";
    /// SIGVTALRM.
    VIRTUAL_ALARM = SIGVTALRM, "virtual timer expired";
    /// SIGPROF.
    PROFILE = SIGPROF, "profiling timer expired";
    /// SIGWINCH: the terminal's size has changed.
    WINDOW_CHANGE = SIGWINCH, "window changed";
    /// SIGIO.
    IO = SIGIO, "I/O possible";
    /// SIGSYS.
    SYSTEM_CALL = SIGSYS, "bad system call";
}

impl Signal {
    /// The signal with this number, if there is one.
    #[must_use]
    pub const fn from_raw(number: i32) -> Option<Self> {
        if number >= 1 && number < raw::SIGNALS as i32 {
            Some(Self(number))
        } else {
            None
        }
    }

    /// The signal's number.
    #[must_use]
    pub const fn as_raw(self) -> i32 {
        self.0
    }

    /// Sends the signal to this process.
    ///
    /// # Errors
    ///
    /// If the operating system refuses.
    ///
    /// Go: `syscall.Kill(syscall.Getpid(), sig)`.
    pub fn raise(self) -> io::Result<()> {
        raw::raise(self.0)
    }

    /// What `notify` without signals asks for: not those that cannot be caught, and not those that the
    /// processor raises for an instruction, after which the program could not go on.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let never = [
            Self::KILL,
            Self::STOP,
            Self::SEGMENTATION,
            Self::BUS,
            Self::FLOATING_POINT,
            Self::ILLEGAL_INSTRUCTION,
            Self::TRAP,
        ];
        (1..32)
            .map(Self)
            .filter(move |signal| !never.contains(signal))
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.names() {
            Some((_, words)) => f.write_str(words),
            None => write!(f, "signal {}", self.0),
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.names() {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "Signal({})", self.0),
        }
    }
}
