//! The models.

mod locks;
mod waiting;

use model::runner::Model;

/// All of them.
pub fn models() -> Vec<Model> {
    let mut models = waiting::models();
    models.extend(locks::models());
    models
}
