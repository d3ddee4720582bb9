//! Choosing one of several operations: [`select!`](crate::select!),
//! [`select_biased!`](crate::select_biased!), and [`Select`](crate::Select) for lists made at run
//! time.

pub(crate) mod arm;
pub(crate) mod builder;
pub(crate) mod engine;
pub(crate) mod macros;
pub(crate) mod order;
pub(crate) mod ready;
pub(crate) mod selected;
