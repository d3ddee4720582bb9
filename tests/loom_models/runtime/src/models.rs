//! The models.

mod biased;
mod joining;
mod locks;
mod mutex;
mod timers;
mod waiting;

use model::mutant::{Change, Mutant};
use model::runner::Model;

/// Two have a spin lock at once.
const TWO_LOCK: Mutant = Mutant {
    file: "runtime/src/raw/lock.rs",
    after: "pub fn lock(",
    line: "held.swap(true, Ordering::Acquire)",
    change: Change::Split,
};

/// All of them.
pub fn models() -> Vec<Model> {
    let mut models = waiting::models();
    models.extend(joining::models());
    models.extend(biased::models());
    models.extend(mutex::models());
    models.extend(locks::models());
    models.extend(timers::models());
    models
}
