//! Concurrency patterns as a library: a runner with a time limit, a pool of resources, a pool of
//! workers, a map behind a lock.
//!
//! They are Go programs of a few dozen lines each, which many have typed in from a book; here they are
//! ready to use, and short enough to read as examples of the rest of this crate.
//!
//! | pattern | what it shows |
//! | --- | --- |
//! | [`runner::Runner`] | tasks in order, ended by a timeout or an interrupt |
//! | [`pool::Pool`] | a buffered channel as a store of resources |
//! | [`work::Pool`] | an unbuffered channel as a guarantee that somebody does the work |
//! | [`SynchronizedMap`] | a map behind a readers-writer lock |

pub mod pool;
pub mod runner;
mod synchronized_map;
pub mod work;

pub use self::synchronized_map::SynchronizedMap;
