//! How a bubble begins and ends.

use crate::shim::atomic::Ordering;
use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::Location;
use std::sync::Arc;

use crate::shim::Mutex;

use super::{Bubble, Kind, Member, member, test_bubble, turn};
use crate::goroutine::{Record, RecordPtr};
use crate::join::Outcome;
use crate::raw::{self, WaitReason};
use crate::sanitize;
use crate::spawn;
use crate::stack::{SizeClass, current_slot};
use crate::{dump, mode, sched};

/// The first member's stack: assertions print from it.
const MAIN_STACK: SizeClass = SizeClass::at(2);

/// How a bubble ended.
pub enum End {
    /// All members have ended.
    Done,
    /// A member panicked, and nobody was to be told but the program.
    Panicked(Box<dyn Any + Send>),
    /// All members wait, and no timer will wake one. With the list of them.
    Deadlock(String),
    /// More choices were made than a run that ends can need.
    Endless(u64),
}

impl std::fmt::Debug for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Done => "Done",
            Self::Panicked(_) => "Panicked",
            Self::Deadlock(_) => "Deadlock",
            Self::Endless(_) => "Endless",
        })
    }
}

impl End {
    /// All of `members` wait.
    pub(super) fn deadlock(members: &BTreeMap<u32, RecordPtr>, main_ended: bool) -> Self {
        let mut text = String::from(if main_ended {
            "deadlock: main bubble goroutine has exited but blocked goroutines remain"
        } else {
            "deadlock: all goroutines in bubble are blocked"
        });
        for record in members.values() {
            let g = record.get();
            let reason = WaitReason::from_u8(g.reason.load(Ordering::Relaxed));
            let _ = write!(text, "\n\n{}", dump::headline(g, reason.as_str()));
        }
        Self::Deadlock(text)
    }
}

/// What a run in a bubble came to.
#[derive(Debug)]
pub struct Report<T> {
    /// The function's result, if it returned.
    pub result: Option<T>,
    /// How the bubble ended.
    pub end: End,
    /// Stands for everything that was chosen.
    pub hash: u64,
    /// The last choices, in words.
    pub schedule: String,
}

/// Runs `f` as the first goroutine of a new bubble, and waits, goroutine or plain thread, until
/// the bubble has ended. If that is not because all members have ended, those that are left are
/// abandoned: they never run again, and are not unwound.
///
/// # Panics
///
/// If the caller is in a bubble already (that of the whole process does not count).
#[track_caller]
pub fn run<F, T>(kind: Kind, seed: u64, f: F) -> Report<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    assert!(
        current_slot().is_none_or(|slot| test_bubble(slot.record()).is_none()),
        "a bubble was started within a bubble"
    );
    let created = Location::caller();
    sched::start();
    mode::enter();
    let bubble = Bubble::new(kind, seed);
    let result = Arc::new(Mutex::new(None));
    let theirs = Arc::clone(&result);
    let main = spawn::prepare_outside(
        move || match Outcome::of(f) {
            Outcome::Returned(value) => *theirs.lock() = Some(value),
            Outcome::Goexit => {}
            Outcome::Panicked(payload) => {
                let me = crate::current::record();
                fail(me, payload);
            }
        },
        MAIN_STACK,
        created,
    );
    bubble.enroll(main);
    bubble.ready(main);
    bubble.ended.wait(WaitReason::Synctest, None, || {
        bubble.over.load(Ordering::SeqCst)
    });
    bubble.acquire();
    let result = result.lock().take();
    let _hidden = sanitize::hide();
    bubble.timers.discard_all();
    mode::leave();
    let (end, trace) = bubble.take_end();
    let schedule = match end {
        End::Done => String::new(),
        _ => trace.to_text(),
    };
    Report {
        result,
        end,
        hash: trace.hash(),
        schedule,
    }
}

/// A member's panic, which would end the process outside of a bubble, ends the bubble. In the
/// goroutine, which ends soon.
pub(crate) fn fail(g: &Record, payload: Box<dyn Any + Send>) {
    let Some(bubble) = test_bubble(g) else {
        return crate::exit::drop_payload(payload);
    };
    bubble.release();
    let hidden = sanitize::hide();
    let late = {
        let mut inner = bubble.inner.lock();
        match inner.end {
            None => {
                inner.end = Some(End::Panicked(payload));
                None
            }
            Some(_) => Some(payload),
        }
    };
    match late {
        None => bubble.tell_if_over(),
        Some(late) => {
            drop(hidden);
            crate::exit::drop_payload(late);
        }
    }
}

/// Blocks until every other member of the caller's bubble waits. Returns before time goes on.
///
/// # Panics
///
/// Outside of a bubble, and while another member is in this function.
pub fn wait() {
    let slot = current_slot().filter(|slot| test_bubble(slot.record()).is_some());
    let Some(slot) = slot else {
        panic!("goroutine is not in a bubble");
    };
    raw::exit_point();
    let g = slot.record();
    let member = member(g).expect("a member has a place in a bubble");
    wait_for_all(g, member);
    member.bubble.acquire();
}

fn wait_for_all(g: &'static Record, member: &Member) {
    let _hidden = sanitize::hide();
    let me = RecordPtr(std::ptr::from_ref(g).cast_mut());
    g.reason
        .store(WaitReason::SynctestWait as u8, Ordering::Relaxed);
    {
        let mut inner = member.bubble.inner.lock();
        if inner.waits_for_all.is_some() {
            drop(inner);
            panic!("wait already in progress");
        }
        inner.wake_due(&member.bubble);
        if inner.ready.is_empty() {
            return;
        }
        // Nobody looks at it before the turn is passed, which is once this goroutine waits.
        inner.waits_for_all = Some(me);
    }
    // SAFETY: nobody wins a claim here: the bubble itself ends the wait, by giving the turn.
    unsafe { turn::park(g, None, None) };
}
