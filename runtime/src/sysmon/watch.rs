//! Judging the goroutines that hold permits.
//!
//! A slice that does not end while work waits has one of three reasons, and the wall clock cannot
//! tell them apart:
//!
//! * the goroutine uses the CPU: its thread's *CPU clock* has moved by a slice. It is asked to yield
//!   ([`slices`]), and if it has used the CPU for a while more without an answer it is a **hog**;
//!   Unless others have come and stolen from its queue since the last slice: a thief has nothing of
//!   its own to do and has found the injector empty, so what waits behind this goroutine, such as the
//!   million that it has made, is being served, and a thread more would only take CPU time from those;
//! * it **blocks** its thread without saying so: the clock stands still for a millisecond, between
//!   two looks, and the thread *sleeps*, as its state in `/proc` says (the clock alone also stands
//!   for a thread that waits for a CPU: with 10 spinning threads on two CPUs in every second window);
//! * the kernel runs other threads on the CPU. Then nothing is done: another thread of ours would
//!   only make it worse.
//!
//! The first two lose their permit ([`overtime`](super::overtime)) and run on without it.

use super::overtime::{Kind, Overtime};
use super::slices;
use crate::goroutine::Record;
use crate::sched::word::WORD;
use crate::sched::{find, loan, queue, roster, take, wake};
use crate::shim::atomic::{AtomicU64, Ordering};
use crate::sys;
use crate::worker::{Worker, permit};

/// A goroutine's time slice, 10 ms, less than which two looks 10 ms apart may see of it.
const SLICE: u64 = 9_000_000;
/// CPU time in which a goroutine that was asked to yield may do so.
const ANSWER: u64 = 50_000;
/// How long the flag for all is raised, and how often.
const ASK_FOR: u64 = 200_000;
const ASK_EVERY: u64 = 10_000_000;
/// How long the clock of a goroutine that blocks stands still.
const STANDSTILL: u64 = 1_000_000;
/// Slices shorter than this are not measured.
const WORTH_MEASURING: u64 = 200_000;
/// How long a permit stays with a goroutine inside `blocking` while work waits.
const BLOCK_GRACE: u64 = 20_000;
/// How long while none does. Only when all permits are idle can sysmon sleep, and find a deadlock.
const BLOCK_KEEPS: u64 = 10_000_000;

/// Permits taken from goroutines inside `blocking`, since the start.
static HAND_OFFS: AtomicU64 = AtomicU64::new(0);

/// Permits taken from goroutines inside `blocking`, since the start.
pub(crate) fn hand_offs() -> u64 {
    HAND_OFFS.load(Ordering::Relaxed)
}

/// What was seen of a worker at earlier looks in the same slice.
#[derive(Clone, Copy)]
struct Slice {
    worker: usize,
    /// A worker whose thread has ended gets another one, with a CPU clock of its own.
    thread: u32,
    tick: u32,
    permit: u8,
    run_next: *mut Record,
    robbed: u32,
    since: u64,
    cpu: Option<Cpu>,
}

/// A thread's CPU clock.
#[derive(Clone, Copy)]
struct Cpu {
    /// When it was first read in this slice.
    first: u64,
    last: u64,
    /// When it was last seen to have moved, in real time.
    moved: u64,
    /// What it showed when the goroutine was asked to yield.
    asked: Option<u64>,
}

/// The permit holders, look by look.
#[derive(Default)]
pub(super) struct Watch {
    slices: Vec<Slice>,
    /// Of workers whose permit is lent.
    lenders: Vec<(&'static Worker, Slice)>,
    pub(super) overtime: Overtime,
    asked_at: u64,
    /// Work waits behind a slice that was seen for the first time, or in a run-next slot while no permit
    /// is idle.
    pub(super) look_soon: bool,
}

impl Watch {
    /// Looks at all permit holders; true if there was something to do. `pause`: since the last look.
    pub(super) fn look(
        &mut self,
        now: u64,
        pause: u64,
        workers: impl Iterator<Item = &'static Worker>,
    ) -> bool {
        let mut acted = false;
        self.look_soon = false;
        let hogs_due = self.overtime.look(now);
        if now - self.asked_at >= ASK_FOR {
            slices::end_asking();
        }
        let before = std::mem::take(&mut self.slices);
        for worker in workers {
            let lenders = self.lenders.iter().map(|(_, slice)| slice);
            let mut seen = before.iter().chain(lenders);
            let seen = seen.find(|slice| slice.worker == worker.id).copied();
            acted |= self.look_at(worker, seen.as_ref(), now, pause);
        }
        // A loan's end does not make a slice new.
        self.lenders
            .retain(|(worker, _)| worker.overtime.load(Ordering::Relaxed));
        self.overtime_for_others(now);
        if hogs_due && now - self.asked_at >= ASK_EVERY {
            // Those that have lost their permit may also be inside the limits again.
            self.asked_at = now;
            slices::ask_overtime();
        }
        acted
    }

    fn look_at(
        &mut self,
        worker: &'static Worker,
        before: Option<&Slice>,
        now: u64,
        pause: u64,
    ) -> bool {
        let mut slice = Slice {
            worker: worker.id,
            // First: what is read after it may be of a later thread's slice, whose clock is not asked then.
            thread: worker.thread.load(Ordering::Acquire),
            tick: worker.tick.load(Ordering::Relaxed),
            permit: worker.permit.load(Ordering::Relaxed),
            run_next: worker.run_next.peek(),
            robbed: worker.robbed.load(Ordering::Relaxed),
            since: now,
            cpu: None,
        };
        let is_same = |seen: &&Slice| {
            (seen.thread, seen.tick, seen.permit) == (slice.thread, slice.tick, slice.permit)
        };
        let before = before.filter(is_same);
        let mut acted = false;
        match before {
            Some(before) => {
                (slice.since, slice.cpu, slice.robbed) = (before.since, before.cpu, before.robbed);
            }
            None if loan::is_borrower(worker) => {}
            None => self.overtime.something_moved(),
        }
        let elapsed = now - slice.since;
        match slice.permit {
            permit::BLOCK if elapsed >= BLOCK_GRACE => {
                let wanted = find::work_in_sight();
                if (wanted || elapsed >= BLOCK_KEEPS) && take::take(worker, permit::BLOCK) {
                    HAND_OFFS.fetch_add(1, Ordering::Relaxed);
                    take::pass_on();
                }
                acted = wanted;
            }
            permit::RUN => {
                if (elapsed >= WORTH_MEASURING || pause >= STANDSTILL)
                    && let Some(cpu) = sys::thread_cpu_time(slice.thread)
                {
                    acted = self.measured(worker, &mut slice, cpu, now);
                }
                let stuck = before.is_some_and(|before| {
                    !slice.run_next.is_null() && slice.run_next == before.run_next
                });
                if stuck {
                    wake::end_hold();
                    wake::wake_searcher();
                    // Where every permit is in use nobody can come for the entry: looks every 20 µs
                    // until one is free would take 15 % of a CPU from those that work.
                    if WORD.load().nothing_to_wake() {
                        self.look_soon = true;
                    } else {
                        acted = true;
                    }
                }
            }
            _ => {}
        }
        self.slices.push(slice);
        acted
    }

    /// The CPU clock of a worker's thread was read.
    fn measured(&mut self, worker: &'static Worker, slice: &mut Slice, cpu: u64, now: u64) -> bool {
        let Some(clock) = &mut slice.cpu else {
            slice.cpu = Some(Cpu {
                first: cpu,
                last: cpu,
                moved: now,
                asked: None,
            });
            self.look_soon |= is_in_demand(worker);
            return false;
        };
        if clock.last != cpu {
            (clock.last, clock.moved) = (cpu, now);
        }
        // Saturating, here and below: a worker may have another thread since.
        let over = cpu.saturating_sub(clock.first) >= SLICE;
        // Among many threads of hogs a slice of CPU time takes long, and a loan costs this one nothing.
        let crowded = self.overtime.is_crowded();
        let lendable = crowded && now - slice.since >= SLICE && !loan::is_borrower(worker);
        let stands = now - clock.moved >= STANDSTILL;
        if !(over || lendable || stands) || !is_in_demand(worker) {
            return false;
        }
        if stands {
            return sys::thread_sleeps(slice.thread)
                && self.relieve(Kind::Blocked, worker, slice, now);
        }
        match clock.asked {
            Some(asked) if cpu.saturating_sub(asked) >= ANSWER => {
                let robbed = worker.robbed.load(Ordering::Relaxed);
                if robbed != slice.robbed && WORD.load().debt() == 0 {
                    slice.robbed = robbed;
                    (clock.first, clock.asked) = (cpu, None);
                    return false;
                }
                let relieved = if over {
                    self.relieve(Kind::Hog, worker, slice, now)
                } else {
                    self.lend(worker, slice, now);
                    false
                };
                if !relieved && now - self.asked_at >= ASK_EVERY {
                    self.ask(worker, now);
                }
                relieved
            }
            Some(_) => {
                // It may take its time to get a CPU.
                self.look_soon |= crowded;
                !crowded
            }
            None => {
                clock.asked = Some(cpu);
                self.ask(worker, now);
                true
            }
        }
    }

    fn ask(&mut self, worker: &Worker, now: u64) {
        self.asked_at = now;
        slices::ask(worker);
    }

    /// Work waits behind a goroutine that does not give its permit back.
    fn relieve(&mut self, kind: Kind, worker: &'static Worker, slice: &Slice, now: u64) -> bool {
        let word = WORD.load();
        if word.idle() > 0 && word.debt() == 0 {
            // No need to take anything: a searcher will come for the work.
            wake::wake_searcher();
            return true;
        }
        let cpu = slice.cpu.map_or(0, |clock| clock.last);
        if kind == Kind::Hog && loan::is_borrower(worker) {
            roster::keep_loan(worker);
            return true;
        }
        if kind == Kind::Blocked || self.overtime.has_room(Some(worker), now) {
            self.overtime.relieve(kind, worker, cpu, now);
            return true;
        }
        self.lend(worker, slice, now);
        // The next injection ends the pause, so it need not be short.
        false
    }

    /// Lends a permit to goroutines that were woken, if any wait.
    fn lend(&mut self, worker: &'static Worker, slice: &Slice, now: u64) {
        let woken_wait = queue::injected_lanes().0 || !worker.run_next.is_empty();
        let cpu = slice.cpu.map_or(0, |clock| clock.last);
        if woken_wait && WORD.load().searching() == 0 && self.overtime.lend(worker, cpu, now) {
            self.lenders.retain(|(lender, _)| lender.id != worker.id);
            self.lenders.push((worker, *slice));
        }
    }

    /// Others than woken goroutines wait, and permits on loan are not for them.
    fn overtime_for_others(&mut self, now: u64) {
        if queue::injected_lanes().1
            && let Some(borrower) = roster::holders(0).find(|worker| loan::is_borrower(worker))
            && self.overtime.has_room(None, now)
        {
            roster::keep_loan(borrower);
        }
    }
}

/// Whether somebody waits for the worker's permit.
fn is_in_demand(worker: &Worker) -> bool {
    WORD.load().debt() > 0 || queue::has_work(worker) || queue::injected()
}
