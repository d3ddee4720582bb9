//! A permit that is lent: how goroutines that were woken run beside hogs that fill the cap.
//!
//! Nobody can stop a hog: it has a thread and goes on, with a permit or without. What a permit decides
//! is whether *another* worker may run goroutines meanwhile. So when the
//! [cap](crate::sysmon::overtime) of hogs without a permit is full, and a goroutine that was woken waits,
//! sysmon lends the permit of a hog to a worker that runs goroutines that were woken, and none that
//! might be the next hog. It has it until it finds no more of them.
//!
//! # States
//!
//! | lender | borrower | the permit |
//! | --- | --- | --- |
//! | RUN | | the lender's |
//! | NONE, overtime | SEARCH, RUN or BLOCK; `lender` is set | on loan: the borrower's |
//! | NONE, overtime ended | as above | the borrower's; there is nobody to have it back |
//!
//! All moves are made under the roster's lock.
//!
//! # Moves
//!
//! * **Lend** (sysmon): the lender's word goes from RUN to NONE and its `overtime` is set; then the permit
//!   is given to a sleeping worker or a new one, in SEARCH, with `lender` set.
//! * **Repay**: whenever a borrower's word goes back to NONE, because it lies down, waits in place, or
//!   somebody takes the permit, and its lender works overtime, then that is ended and the lender has RUN
//!   again. Else the permit is in the hand of who moves it, as ever.
//! * **End overtime** (the lender's thread): its goroutine ended, parked, or waits in place. From here on
//!   nobody repays. If the loan came back before, the lender has a permit and goes on with it.
//! * **Hand over**: a borrower that finds the token of a goroutine with a thread of its own passes the
//!   permit on, and the lender with it.
//! * **Keep** (sysmon, or the borrower): `lender` is forgotten and the permit is the borrower's like any
//!   other. So it is when the goroutine that runs on it is a hog itself, when the cap has room again, when
//!   others than woken goroutines have waited for a second, or when a permit is to go.
//!
//! # Why no permit is lost or doubled
//!
//! Each move takes the permit out of one place and puts it into one other, under one lock; the packed
//! word, which counts idle permits, does not change. A loan could be doubled if it came back to a worker
//! that has found another permit since, or lost if to one that sleeps. But `overtime` says under the same
//! lock that the worker is neither: it is set by the move that takes the permit from a running
//! goroutine, and cleared by the worker's thread before it looks for a permit, lies down, or sleeps in
//! place, and then the thread looks whether it has one.
//!
//! # Why nobody is left behind
//!
//! A goroutine that is woken after the borrower's last look and before the permit is a hog's again stands
//! in the injector, where sysmon sees it: an injection ends sysmon's nap. What the borrower had in its
//! queues when somebody took its permit is drained into the injector, and then the taker wakes a searcher
//! if a permit is idle, and ends sysmon's nap. Those that were not woken wait for the cap's room, for as
//! long as without loans.

use super::roster::Left;
use super::word::WORD;
use super::{roster, take};
use crate::shim::atomic::Ordering;
use crate::worker::Worker;

/// Whether the worker's permit is lent, and its lender would have it back.
pub(crate) fn is_borrower(worker: &Worker) -> bool {
    // SAFETY: null or a worker, and workers live for ever.
    let lender = unsafe { worker.lender.load(Ordering::Relaxed).as_ref() };
    lender.is_some_and(|lender| lender.overtime.load(Ordering::Relaxed))
}

/// Lends the permit of a worker, whose goroutine runs on, to one that looks for goroutines that were
/// woken. False if it does not run with one.
pub(crate) fn lend(lender: &'static Worker) -> bool {
    match take::take_from_running(lender) {
        Left::Nothing => return false,
        // It was a borrower itself, so goroutines that were woken have had their turn.
        Left::Repaid => return true,
        Left::InHand => {}
    }
    WORD.add_searcher();
    if let Err(error) = roster::wake_with_permit(Some(lender)) {
        take::no_thread(&error);
    }
    true
}
