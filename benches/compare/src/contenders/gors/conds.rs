//! gors' `Condvar`.

use gors::sync::{Condvar, MutexGuard};

use super::{Gors, Programs, main};
use crate::shapes::locks::{self, Conds};

pub(super) const PROGRAMS: Programs = &[("cond", |task| main(task, locks::cond::<Gors>))];

impl Conds for Gors {
    type Condvar = Condvar;

    fn condvar() -> Condvar {
        Condvar::new()
    }

    fn wait_cond<'a: 'a>(condvar: &Condvar, mut guard: MutexGuard<'a, i64>) -> MutexGuard<'a, i64> {
        condvar.wait(&mut guard);
        guard
    }

    fn broadcast(condvar: &Condvar) {
        condvar.notify_all();
    }
}
