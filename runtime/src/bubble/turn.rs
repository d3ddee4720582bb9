//! Who has the turn: the one place where a bubble chooses.

use crate::shim::atomic::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use super::end::End;
use super::point::Point;
use super::trace::{Stop, Trace};
use super::{Bubble, Kind, Member, member};
use crate::goroutine::record::{flag, state};
use crate::goroutine::{Record, RecordPtr};
use crate::raw::{self, TIMED_OUT, Task, Unlock};
use crate::sanitize;
use crate::sched::queue;
use crate::stack::slot::Commit;
use crate::stack::{Action, Slot};
use crate::timer::{self, Node};
use crate::worker::Worker;
use crate::{blocking, clock, observe, random};

/// A run that makes more choices than this does not end.
const MAX_STEPS: u64 = 1_000_000;

/// What a bubble's lock guards.
pub(super) struct Inner {
    /// Somebody has the turn.
    turn: bool,
    /// Members that are ready, without the turn.
    pub(super) ready: Vec<RecordPtr>,
    /// The one that waits until all others wait.
    pub(super) waits_for_all: Option<RecordPtr>,
    /// By number, those that have not ended.
    pub(super) members: BTreeMap<u32, RecordPtr>,
    made: u32,
    /// The first member has ended: time stops.
    main_ended: bool,
    random: u64,
    /// Of how many points one is taken.
    pub(super) point_every: u64,
    /// Members that were preempted in place.
    pub(super) in_place: usize,
    pub(super) trace: Trace,
    pub(super) end: Option<End>,
}

impl Inner {
    pub(super) fn new(seed: u64) -> Self {
        let mut inner = Self {
            turn: false,
            ready: Vec::new(),
            waits_for_all: None,
            members: BTreeMap::new(),
            made: 0,
            main_ended: false,
            random: random::mix(seed.wrapping_add(1)) | 1,
            point_every: 1,
            in_place: 0,
            trace: Trace::new(),
            end: None,
        };
        // Some bugs need many switches, others a few in the right place: seeds differ in that.
        inner.point_every = 1 << inner.below(5);
        inner
    }

    /// The next number drawn from the seed.
    pub(super) fn draw(&mut self) -> u64 {
        let cell = std::cell::Cell::new(self.random);
        let n = random::step(&cell);
        self.random = cell.get();
        n
    }

    /// A number below `n`.
    pub(super) fn below(&mut self, n: usize) -> usize {
        // The high bits of this generator are its best.
        ((self.draw() >> 32) as usize) % n
    }

    /// Gives the turn, which is free, to somebody; `None` if nobody can have it.
    fn next(&mut self, bubble: &Arc<Bubble>) -> Option<RecordPtr> {
        loop {
            if self.end.is_some() {
                return None;
            }
            if bubble.kind == Kind::Explore && self.trace.steps() > MAX_STEPS {
                self.end = Some(End::Endless(MAX_STEPS));
                return None;
            }
            self.wake_due(bubble);
            let chosen = match self.ready.len() {
                0 => self.waits_for_all.take(),
                1 => self.ready.pop(),
                n => {
                    let index = self.below(n);
                    Some(self.ready.swap_remove(index))
                }
            };
            if let Some(record) = chosen {
                self.turn = true;
                return Some(record);
            }
            if !self.main_ended && self.advance(bubble) {
                continue;
            }
            if bubble.kind != Kind::Process {
                self.end = Some(if self.members.is_empty() {
                    End::Done
                } else {
                    End::deadlock(&self.members, self.main_ended)
                });
            }
            return None;
        }
    }

    /// All members wait: the clock jumps to the earliest timer. False if there is none.
    fn advance(&mut self, bubble: &Arc<Bubble>) -> bool {
        let earliest = bubble.timers.earliest();
        if earliest == timer::NEVER {
            return false;
        }
        let now = earliest.max(bubble.now());
        bubble.now.store(now, Ordering::Relaxed);
        self.trace.time(now - bubble.began);
        self.fire(bubble);
        true
    }

    /// Makes ready what is due without the clock's going on: timers that were set for now or earlier.
    pub(super) fn wake_due(&mut self, bubble: &Arc<Bubble>) {
        if !self.main_ended {
            self.fire(bubble);
        }
    }

    fn fire(&mut self, bubble: &Arc<Bubble>) {
        bubble.timers.fire(bubble.now(), &mut |record: RecordPtr| {
            if !record.get().has(flag::MEMBER) {
                // A timer that starts a goroutine.
                self.enroll(bubble, record);
            }
            self.push(record);
        });
    }

    fn push(&mut self, record: RecordPtr) {
        let word = &record.get().state;
        if word.load(Ordering::Relaxed) == state::IN_BUBBLE {
            if record.get().has(flag::OBSERVED) {
                observe::readied(record.get());
            }
            word.store(state::RUNNING, Ordering::Relaxed);
        }
        self.ready.push(record);
    }

    fn enroll(&mut self, bubble: &Arc<Bubble>, record: RecordPtr) {
        let g = record.get();
        let index = self.made;
        self.made += 1;
        self.members.insert(index, record);
        self.trace.made(g.created());
        g.cold().member = Some(Member {
            bubble: Arc::clone(bubble),
            index,
        });
        g.set(flag::MEMBER);
        g.state.store(state::RUNNING, Ordering::Relaxed);
    }
}

impl Bubble {
    /// A new goroutine becomes a member. By its maker, before it is readied.
    #[inline(never)]
    pub(crate) fn enroll(self: &Arc<Self>, record: RecordPtr) {
        let _hidden = sanitize::hide();
        self.inner.lock().enroll(self, record);
    }

    /// A member can run: it is drawn at once if nobody has the turn, else later.
    #[inline(never)]
    pub(crate) fn ready(self: &Arc<Self>, record: RecordPtr) {
        let _hidden = sanitize::hide();
        // Holds the bubble while its members run on.
        let this = Arc::clone(self);
        let mut inner = this.inner.lock();
        inner.push(record);
        let next = if inner.turn { None } else { inner.next(&this) };
        drop(inner);
        this.go_on(next, None);
    }

    /// A timer was armed from outside: if everybody waits already, the clock has now where to go.
    #[inline(never)]
    pub(crate) fn timer_added(self: &Arc<Self>) {
        let _hidden = sanitize::hide();
        let mut inner = self.inner.lock();
        let next = if inner.turn { None } else { inner.next(self) };
        drop(inner);
        self.go_on(next, None);
    }

    /// The one with the turn, having number `index`, has stopped: somebody else gets it.
    fn pass(self: &Arc<Self>, index: u32, stop: Stop, worker: Option<&'static Worker>) {
        let mut inner = self.inner.lock();
        debug_assert!(inner.turn, "only the one with the turn can pass it on");
        if inner.end.is_none() {
            let others = inner.ready.len();
            inner.trace.step(index, stop, others);
        }
        inner.turn = false;
        let next = inner.next(self);
        drop(inner);
        self.go_on(next, worker);
    }

    /// What was decided under the lock is done.
    fn go_on(&self, next: Option<RecordPtr>, worker: Option<&'static Worker>) {
        match next {
            Some(record) => dispatch(record, worker),
            None => self.tell_if_over(),
        }
    }

    pub(super) fn tell_if_over(&self) {
        if self.inner.lock().end.is_some() && !self.over.swap(true, Ordering::SeqCst) {
            self.ended.notify_all();
        }
    }

    pub(super) fn take_end(&self) -> (End, Trace) {
        let mut inner = self.inner.lock();
        // A mark stays: the bubble never runs anybody again.
        let end = inner.end.replace(End::Done).unwrap_or(End::Done);
        (end, std::mem::replace(&mut inner.trace, Trace::new()))
    }
}

/// The turn is `record`'s: to the scheduler, or to the thread that it waits on.
pub(super) fn dispatch(record: RecordPtr, worker: Option<&'static Worker>) {
    let word = &record.get().state;
    match word.load(Ordering::Relaxed) {
        state::ON_THREAD | state::SLEEPING => return raw::wake_thread(record.get()),
        state::IN_BUBBLE => word.store(state::RUNNING, Ordering::Relaxed),
        _ => {}
    }
    match worker {
        Some(worker) if worker.runs() => queue::submit_next(worker, record),
        _ => queue::submit_woken(record),
    }
}

/// The wait of a member was ended by somebody who has won its claim.
pub(crate) fn ready_member(g: &'static Record) {
    let member = member(g).expect("a member has a place in a bubble");
    member
        .bubble
        .ready(RecordPtr(std::ptr::from_ref(g).cast_mut()));
}

/// The park of a member; see [`Task::park`].
///
/// # Safety
///
/// As [`Task::park`]; the record is the caller's.
pub(crate) unsafe fn park(
    record: &'static Record,
    deadline: Option<Instant>,
    unlock: Option<Unlock>,
) {
    super::before_wait(record);
    let _hidden = sanitize::hide();
    let me = RecordPtr(std::ptr::from_ref(record).cast_mut());
    let timer = deadline.map(|deadline| Node::new(clock::at(deadline), me));
    let node = timer.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    if record.has(flag::WAITS_ON_THREAD) || std::thread::panicking() {
        let member = member(record).expect("a member has a place in a bubble");
        blocking::wait_its_turn(record, || {
            if !node.is_null() {
                // SAFETY: the node stays in this frame until it has fired or was cancelled.
                unsafe { timer::insert_into(node, &member.bubble.timers) };
            }
            if let Some((unlock, data)) = unlock {
                // SAFETY: the caller's promise.
                unsafe { unlock(data) };
            }
            let reason = record.reason.load(Ordering::Relaxed);
            // Not to this worker: it is about to lose its permit.
            member.bubble.pass(member.index, Stop::Wait(reason), None);
        });
    } else {
        // SAFETY: a running goroutine has a stack, and this is it; the worker commits what is set
        // here.
        unsafe {
            let slot = &*record.slot();
            slot.commit.set(Commit {
                unlock,
                timer: node,
            });
            slot.switch_out(Action::ParkInBubble);
        }
    }
    if let Some(timer) = &timer
        && Task::from_record(me).claimed() != TIMED_OUT
    {
        timer::cancel(timer);
    }
}

/// A member has left its stack to wait or to yield: the second half. On the worker's stack.
#[cold]
#[inline(never)]
pub(crate) fn left(worker: &'static Worker, record: RecordPtr, slot: &Slot, action: Action) {
    let g = record.get();
    let member = member(g).expect("a member has a place in a bubble");
    // The member may run on, and end, as soon as the turn is passed.
    let (bubble, index) = (Arc::clone(&member.bubble), member.index);
    if action == Action::YieldInBubble {
        bubble.inner.lock().push(record);
        return bubble.pass(index, Stop::Yield, Some(worker));
    }
    let reason = g.reason.load(Ordering::Relaxed);
    let commit = slot.commit.get();
    slot.parked_at.store(clock::coarse(), Ordering::Relaxed);
    // Release, for a dump that finds it parked: it reads what was written on this stack.
    g.state.store(state::IN_BUBBLE, Ordering::Release);
    if !commit.timer.is_null() {
        // SAFETY: the node lies in the frame of the park, which lasts until the timer has fired or
        // was cancelled.
        unsafe { timer::insert_into(commit.timer, &bubble.timers) };
    }
    if let Some((unlock, data)) = commit.unlock {
        // SAFETY: the promise of `park`'s caller.
        unsafe { unlock(data) };
    }
    bubble.pass(index, Stop::Wait(reason), Some(worker));
}

/// A member has ended, and its record is free. On the worker's stack.
#[cold]
#[inline(never)]
pub(crate) fn ended(worker: &'static Worker, member: &Member) {
    {
        let mut inner = member.bubble.inner.lock();
        inner.members.remove(&member.index);
        inner.main_ended |= member.index == 0 && member.bubble.kind != Kind::Process;
    }
    member.bubble.pass(member.index, Stop::End, Some(worker));
}

/// The `gosched` of a member.
pub(crate) fn gosched(slot: &'static Slot) {
    let _hidden = sanitize::hide();
    let g = slot.record();
    g.reason
        .store(raw::WaitReason::None as u8, Ordering::Relaxed);
    if g.has(flag::WAITS_ON_THREAD) || std::thread::panicking() {
        preempt_in_place(g, Point::Yield, true);
    } else {
        // SAFETY: on this stack; nothing of the thread is used after the call.
        unsafe { slot.switch_out(Action::YieldInBubble) };
    }
}

/// Most members that are preempted in place at a time: each keeps a thread.
const MAX_IN_PLACE: usize = 32;

/// The member that calls lets another one run, and keeps its thread meanwhile; unless the choice
/// falls on itself.
#[inline(never)]
pub(super) fn preempt_in_place(g: &'static Record, point: Point, always: bool) {
    let _hidden = sanitize::hide();
    let member = member(g).expect("a member has a place in a bubble");
    let next = {
        let mut inner = member.bubble.inner.lock();
        inner.wake_due(&member.bubble);
        let others = inner.ready.len();
        if others == 0 || inner.in_place >= MAX_IN_PLACE {
            return;
        }
        let choice = inner.below(others + usize::from(!always));
        if choice == others {
            return;
        }
        inner.trace.step(member.index, Stop::At(point), others);
        let next = inner.ready.swap_remove(choice);
        // First the state, so that whoever draws this member wakes its thread.
        g.state.store(state::ON_THREAD, Ordering::Relaxed);
        inner
            .ready
            .push(RecordPtr(std::ptr::from_ref(g).cast_mut()));
        inner.in_place += 1;
        next
    };
    blocking::wait_its_turn(g, || dispatch(next, None));
    member.bubble.inner.lock().in_place -= 1;
}
