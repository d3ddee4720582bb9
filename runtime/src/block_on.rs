//! Running a future in a goroutine.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};

use crate::parker::Parker;

/// Runs a future to its end in the calling goroutine, or plain thread, which is parked while the
/// future is pending.
///
/// The future is polled on the goroutine's stack, perhaps on several threads one after the other.
/// Futures that need another runtime's reactor (tokio's sockets and timers) need that runtime to run
/// somewhere.
///
/// Go has no futures. `futures::executor::block_on`.
///
/// ```
/// let answer = gors_runtime::block_on(async { 6 * 7 });
/// assert_eq!(answer, 42);
/// ```
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let parker = Parker::new();
    let waker = parker.waker();
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        parker.park_for_future();
    }
}
