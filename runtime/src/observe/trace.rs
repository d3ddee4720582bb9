//! `GORS_TRACE=file`: what ran where and when, for the viewers of Chrome's trace format.
//!
//! A track for each worker, with a slice for each run of a goroutine and, at its end, why it ended
//! ("chan receive", "yield", "end"). An arrow leads from whoever made a goroutine runnable (a spawn, a
//! ready) to the slice in which it then runs. Hand-offs are marks on the track of the worker whose
//! permit was passed on. Timers, plain threads and sysmon are on track 0, "outside".
//!
//! Times are in microseconds since the start, with three decimals. Each event is written into a buffer
//! under one lock; the buffer goes to the file when it is full, ten times a second, and when the
//! process exits.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use super::Observer;
use super::json::{self, JsonArray};
use crate::goroutine::Record;
use crate::raw::WaitReason;
use crate::shim::Mutex;
use crate::stack::{Slot, current_slot};
use crate::worker::Worker;
use crate::{clock, dump};

/// The buffer is written when it holds so many bytes.
const FULL: usize = 256 << 10;

/// See the [module](self).
pub(super) struct Trace(Mutex<State>);

struct State {
    file: JsonArray,
    /// Arrows that have begun, by the goroutine that they lead to.
    arrows: HashMap<u64, u64>,
    last_arrow: u64,
    /// Tracks that have a name.
    named: Vec<bool>,
    /// Tracks with a slice that has not ended.
    runs: Vec<bool>,
    /// Nothing more is written.
    over: bool,
    process: u32,
    broken: bool,
}

/// The one trace, for the end of the process.
static TRACE: std::sync::OnceLock<Trace> = std::sync::OnceLock::new();

/// Opens the file, or ends the program with the reason why not.
pub(super) fn open(path: &Path) -> &'static Trace {
    let file = JsonArray::create(path).unwrap_or_else(|error| {
        crate::exit::fatal(&format!("GORS_TRACE={}: {error}", path.display()))
    });
    TRACE.get_or_init(|| {
        // SAFETY: a function without preconditions, to be called when the process exits.
        unsafe { libc::atexit(at_exit) };
        Trace(Mutex::new(State {
            file,
            arrows: HashMap::new(),
            last_arrow: 0,
            named: Vec::new(),
            runs: Vec::new(),
            over: false,
            process: std::process::id(),
            broken: false,
        }))
    })
}

extern "C" fn at_exit() {
    if let Some(trace) = TRACE.get() {
        trace.end();
    }
}

/// The track of the worker that the caller runs on.
fn here() -> usize {
    current_slot().map(Slot::worker).map_or(0, track)
}

fn track(worker: &Worker) -> usize {
    worker.id + 1
}

impl Trace {
    /// Writes what was collected.
    #[inline(never)]
    pub(super) fn flush(&self) {
        self.0.lock().flush();
    }

    /// The process ends, and with it whoever runs. That may be the main goroutine, which lets `run` return
    /// before its worker has heard of its end.
    #[inline(never)]
    fn end(&self) {
        self.add(|state, now| {
            let running: Vec<usize> = (0..state.runs.len()).filter(|&at| state.runs[at]).collect();
            for track in running {
                state.event('E', track, now, ",\"args\":{\"end\":\"exit\"}");
            }
            state.over = true;
        });
        self.flush();
    }

    /// Out of line: the lock touches thread-local storage.
    #[inline(never)]
    fn add(&self, f: impl FnOnce(&mut State, Moment)) {
        let mut state = self.0.lock();
        // A process that was forked writes into its parent's file no more.
        if state.process == std::process::id() && !state.over {
            let now = Moment(clock::now());
            f(&mut state, now);
            if state.file.pending() > FULL {
                state.flush();
            }
        }
    }
}

/// Nanoseconds, shown as microseconds.
#[derive(Clone, Copy)]
struct Moment(u64);

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

impl State {
    fn flush(&mut self) {
        if let Err(error) = self.file.flush()
            && !self.broken
        {
            self.broken = true;
            eprintln!("gors: GORS_TRACE: {error}");
        }
    }

    /// One event; `more` continues the object.
    fn event(&mut self, phase: char, track: usize, at: Moment, more: &str) {
        self.name_track(track);
        match phase {
            'B' => self.runs[track] = true,
            'E' => self.runs[track] = false,
            _ => {}
        }
        let process = self.process;
        self.file.push(&format!(
            "{{\"ph\":\"{phase}\",\"pid\":{process},\"tid\":{track},\"ts\":{at}{more}}}"
        ));
    }

    fn name_track(&mut self, track: usize) {
        if self.named.len() <= track {
            self.named.resize(track + 1, false);
            self.runs.resize(track + 1, false);
        }
        if !std::mem::replace(&mut self.named[track], true) {
            let name = match track {
                0 => "outside".to_owned(),
                track => format!("worker {}", track - 1),
            };
            let process = self.process;
            self.file.push(&format!(
                "{{\"ph\":\"M\",\"pid\":{process},\"tid\":{track},\"name\":\"thread_name\",\
                 \"args\":{{\"name\":\"{name}\"}}}}"
            ));
        }
    }

    /// Begins an arrow to a goroutine.
    fn begin_arrow(&mut self, to: u64, what: &str, now: Moment) {
        self.last_arrow += 1;
        let arrow = self.last_arrow;
        // What an arrow is called must be the same at its end.
        let is_ready = u64::from(what == "ready");
        self.arrows.insert(to, arrow << 1 | is_ready);
        let track = here();
        if track == 0 {
            // An arrow begins at a slice.
            let more = format!(",\"dur\":1,\"name\":\"{what} goroutine {to}\",\"cat\":\"outside\"");
            self.event('X', 0, now, &more);
        }
        let more = format!(",\"id\":{arrow},\"name\":\"{what}\",\"cat\":\"{what}\"");
        self.event('s', track, now, &more);
    }

    fn end_slice(&mut self, worker: &Worker, why: &str, now: Moment) {
        let more = format!(",\"args\":{{\"end\":\"{why}\"}}");
        self.event('E', track(worker), now, &more);
    }
}

impl Observer for Trace {
    fn spawned(&self, id: u64) {
        self.add(|state, now| state.begin_arrow(id, "spawn", now));
    }

    fn started(&self, g: &Record, worker: &Worker) {
        let id = g.goid();
        let name = dump::names::get(id);
        self.add(|state, now| {
            let mut title = format!("goroutine {id}");
            if let Some(name) = name {
                let _ = write!(title, " {name}");
            }
            let mut more = format!(
                ",\"name\":{},\"cat\":\"goroutine\",\"args\":{{\"goroutine\":{id}",
                json::string(&title)
            );
            if let Some(created) = g.created() {
                let _ = write!(more, ",\"created\":{}", json::string(&created.to_string()));
            }
            more.push('}');
            state.event('B', track(worker), now, &more);
            if let Some(arrow) = state.arrows.remove(&id) {
                let what = if arrow & 1 == 1 { "ready" } else { "spawn" };
                let more = format!(
                    ",\"id\":{},\"bp\":\"e\",\"name\":\"{what}\",\"cat\":\"{what}\"",
                    arrow >> 1
                );
                state.event('f', track(worker), now, &more);
            }
        });
    }

    fn parked(&self, _: &Record, worker: &Worker, reason: WaitReason) {
        self.add(|state, now| state.end_slice(worker, reason.as_str(), now));
    }

    fn yielded(&self, _: &Record, worker: &Worker) {
        self.add(|state, now| state.end_slice(worker, "yield", now));
    }

    fn ended(&self, _: &Record, worker: &Worker) {
        self.add(|state, now| state.end_slice(worker, "end", now));
    }

    fn readied(&self, g: &Record) {
        let id = g.goid();
        self.add(|state, now| state.begin_arrow(id, "ready", now));
    }

    fn handed_off(&self, worker: &Worker) {
        self.add(|state, now| {
            let more = ",\"name\":\"hand-off\",\"cat\":\"permit\",\"s\":\"t\"";
            state.event('i', track(worker), now, more);
        });
    }
}
