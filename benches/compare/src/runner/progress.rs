//! How far the run is: a bar on a terminal, a line now and then elsewhere.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Between two lines where there is no terminal.
const EVERY: Duration = Duration::from_secs(60);

/// The progress of a run.
#[derive(Debug)]
pub(super) struct Progress {
    start: Instant,
    bar: ProgressBar,
    /// The last line that was written, where there is no terminal.
    line: Option<Instant>,
}

impl Progress {
    /// Starts the clock.
    pub(super) fn new() -> Self {
        let terminal = io::stderr().is_terminal();
        let target = if terminal {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(1), target);
        if let Ok(style) = ProgressStyle::with_template("{elapsed_precise} [{bar:30}] {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Self {
            start: Instant::now(),
            bar,
            line: (!terminal).then(Instant::now),
        }
    }

    /// The time since the start.
    pub(super) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Says what runs now and how many seconds are left.
    pub(super) fn show(&mut self, what: &str, left: f64) {
        let elapsed = self.elapsed();
        let left = Duration::from_secs_f64(left.max(0.0));
        self.bar
            .set_length((elapsed + left).as_millis().max(1) as u64);
        self.bar.set_position(elapsed.as_millis() as u64);
        let text = format!("{} left  {what}", clock(left));
        if let Some(line) = &mut self.line
            && line.elapsed() >= EVERY
        {
            *line = Instant::now();
            eprintln!("gors-compare: {} gone, {text}", clock(elapsed));
        }
        self.bar.set_message(text);
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Minutes and seconds.
fn clock(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}
