//! A hog's permit that is lent to a goroutine that was woken.

use model::mutant::{Change, Mutant};
use model::runner::Model;

use super::former;
use crate::below::world::{Event, World, goroutine};
use crate::blocking::blocking;
use crate::sched::queue::{self, Lane};
use crate::sched::word::WORD;
use crate::sched::{idle, loan, roster, take};
use crate::shim::atomic::Ordering;
use crate::worker::{Worker, permit};

const ROSTER: &str = "runtime/src/sched/roster.rs";

pub(super) const MODELS: &[Model] = &[
    Model {
        name: "loan_against_end",
        property: "a permit that is lent comes back to the hog, or is given away if the hog ended first and has found another: none is lost or doubled",
        body: loan_against_end,
        preemptions: Some(3),
        mutants: &[
            // Gives it to a worker that has another one, or none and sleeps.
            Mutant {
                file: ROSTER,
                after: "fn leave_locked",
                line: "lender.overtime.load(Ordering::Relaxed)",
                change: Change::Pretend(1),
            },
            Mutant {
                file: ROSTER,
                after: "pub(crate) fn end_overtime",
                line: "worker.overtime.store(false",
                change: Change::Skip,
            },
            Mutant {
                file: ROSTER,
                after: "pub(crate) fn end_overtime",
                line: "ROSTER.lock()",
                change: Change::Skip,
            },
        ],
    },
    Model {
        name: "loan_against_blocking",
        property: "the same, with all that the two workers do meanwhile, when the hog enters `blocking`",
        body: loan_against_blocking,
        preemptions: Some(1),
        mutants: &[Mutant {
            file: ROSTER,
            after: "pub(crate) fn end_overtime",
            line: "ROSTER.lock()",
            change: Change::Skip,
        }],
    },
    Model {
        name: "repay_against_idler",
        property: "what the borrower had in its queue when its permit was taken and went back to the hog runs on the permit of a worker that goes idle",
        body: repay_against_idler,
        preemptions: Some(2),
        mutants: &[Mutant {
            file: "tests/loom_models/sched/src/models/former.rs",
            after: "pub(super) fn take(",
            line: "if model::mutated()",
            change: Change::Instead,
        }],
    },
];

fn assert_permits(workers: &[&'static Worker], permits: u64) {
    let held = workers
        .iter()
        .filter(|worker| worker.permit.load(Ordering::Acquire) != permit::NONE);
    let held = held.count();
    assert_eq!(held, roster::holders(0).count(), "held and listed");
    assert_eq!(WORD.load().idle() + held as u64, permits, "permits");
    for worker in workers {
        let overtime = worker.overtime.load(Ordering::Relaxed);
        assert!(!overtime, "nobody works overtime");
    }
}

/// Of two permits one is idle, the other lent. The lender's worker looks for a permit while the borrower's
/// gives it up.
fn loan_against_end() {
    let world = World::new(2, &[permit::RUN, permit::NONE]);
    let workers = [world.worker(0), world.worker(1)];
    let [lender, borrower] = workers;
    assert!(loan::lend(lender), "it hogs its permit");
    // The borrower has found what it was lent for.
    borrower.permit.store(permit::RUN, Ordering::SeqCst);
    WORD.end_search();
    let ends = model::thread::spawn(move || {
        assert!(idle::without_permit(lender) == idle::Woken::WithPermit);
        assert!(lender.runs());
    });
    take::give_up(borrower);
    ends.join().unwrap();
    assert_permits(&workers, 2);
}

/// Two workers, of which the first has the only permit and a hog.
fn loan_against_blocking() {
    let mut world = World::new(1, &[permit::RUN, permit::NONE]);
    let (hogs, ran) = (Event::new(), Event::new());
    let lender = world.worker(0);
    lender.deque.push(goroutine(move || {
        hogs.set();
        ran.wait();
        blocking(|| ());
    }));
    world.start_all();
    hogs.wait();
    queue::inject(goroutine(move || ran.set()), Lane::Woken);
    assert!(loan::lend(lender), "it hogs its permit");
    assert_permits(&world.finish(2), 1);
}

/// Of two permits one is lent, the worker with the other goes idle. What the borrower has stands in its
/// run-next slot, where an idler does not look.
fn repay_against_idler() {
    let mut world = World::new(2, &[permit::RUN, permit::RUN, permit::NONE]);
    let [lender, borrower] = [world.worker(0), world.worker(2)];
    assert!(loan::lend(lender), "it hogs its permit");
    borrower.permit.store(permit::RUN, Ordering::SeqCst);
    WORD.end_search();
    borrower.run_next.put(goroutine(|| ()));
    world.start(1);
    assert!(!former::take(borrower, permit::RUN), "repaid");
    assert!(lender.runs());
    let _ = world.finish(1);
}
