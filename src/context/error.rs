//! Why a context was cancelled.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// What was given as the cause of a cancellation. Shared, because every context below has the same.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// Why a context is cancelled.
///
/// Go: `context.Canceled` and `context.DeadlineExceeded`.
///
/// ```
/// use gors::context::ContextError;
/// assert_eq!(ContextError::Canceled.to_string(), "context canceled");
/// assert_eq!(ContextError::DeadlineExceeded.to_string(), "context deadline exceeded");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ContextError {
    /// Somebody called its cancel function, or that of a context above it.
    Canceled,
    /// Its deadline passed, or that of a context above it.
    DeadlineExceeded,
}

impl fmt::Display for ContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Canceled => "context canceled",
            Self::DeadlineExceeded => "context deadline exceeded",
        })
    }
}

impl Error for ContextError {}
