//! A pool of resources in a buffered channel.

use std::error;
use std::fmt;

use gors_chan::{Chan, TryRecvError, TrySendError, make};

use crate::sync::Mutex;

/// Keeps resources (connections, buffers) for whoever needs one, and makes new ones when it has none.
///
/// A resource is closed by dropping it.
///
/// ```
/// use gors::patterns::pool::{Error, Pool};
/// use std::convert::Infallible;
///
/// let pool = Pool::new(|| Ok::<_, Infallible>(String::from("connection")), 2).unwrap();
/// let connection = pool.acquire().unwrap();
/// pool.release(connection);
/// pool.close();
/// assert_eq!(pool.acquire().unwrap_err().to_string(), "Pool has been closed.");
/// ```
pub struct Pool<R> {
    resources: Chan<R>,
    factory: Box<dyn Fn() -> Result<R, Error> + Send + Sync>,
    /// Whether the pool is closed; held while something is put in, so that nothing is put in after.
    closed: Mutex<bool>,
}

/// What can go wrong with a [`Pool`].
///
/// ```
/// use gors::patterns::pool::{Error, Pool};
/// use std::io;
/// let pool = Pool::<String>::new(|| Err(io::Error::other("no route")), 1).unwrap();
/// assert!(matches!(pool.acquire(), Err(Error::Factory(_))));
/// pool.close();
/// assert!(matches!(pool.acquire(), Err(Error::Closed)));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A pool must have room for one resource at least.
    TooSmall,
    /// The pool has been closed.
    Closed,
    /// The factory failed.
    Factory(Box<dyn error::Error + Send + Sync>),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooSmall => f.write_str("Size value too small."),
            Self::Closed => f.write_str("Pool has been closed."),
            Self::Factory(error) => error.fmt(f),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Factory(error) => Some(&**error),
            _ => None,
        }
    }
}

impl<R> Pool<R> {
    /// A pool that keeps up to `size` resources; `factory` makes them.
    ///
    /// # Errors
    ///
    /// [`Error::TooSmall`] if `size` is 0.
    ///
    /// ```
    /// use gors::patterns::pool::Pool;
    /// use std::io;
    /// let none = Pool::new(|| Ok::<_, io::Error>(1), 0);
    /// assert_eq!(none.unwrap_err().to_string(), "Size value too small.");
    /// ```
    pub fn new<F, E>(factory: F, size: usize) -> Result<Self, Error>
    where
        F: Fn() -> Result<R, E> + Send + Sync + 'static,
        E: Into<Box<dyn error::Error + Send + Sync>>,
    {
        if size == 0 {
            return Err(Error::TooSmall);
        }
        Ok(Self {
            resources: make(size),
            factory: Box::new(move || factory().map_err(|error| Error::Factory(error.into()))),
            closed: Mutex::new(false),
        })
    }

    /// A resource out of the pool, or a new one if it has none. Blocks only as the factory does.
    ///
    /// # Errors
    ///
    /// If the pool has been closed, or the factory fails.
    ///
    /// ```
    /// use gors::patterns::pool::Pool;
    /// let pool = Pool::new(|| "5".parse::<i32>(), 1).unwrap();
    /// assert_eq!(pool.acquire().unwrap(), 5);
    /// ```
    pub fn acquire(&self) -> Result<R, Error> {
        match self.resources.try_recv() {
            Ok(resource) => Ok(resource),
            Err(TryRecvError::Disconnected) => Err(Error::Closed),
            Err(TryRecvError::Empty) => (self.factory)(),
        }
    }

    /// Puts a resource back. If the pool is full or closed the resource is dropped. Blocks while others
    /// put something back.
    ///
    /// ```
    /// use gors::patterns::pool::Pool;
    /// use std::convert::Infallible;
    /// let pool = Pool::new(|| Ok::<_, Infallible>(Vec::<u8>::new()), 1).unwrap();
    /// let mut buffer = pool.acquire().unwrap();
    /// buffer.push(1);
    /// pool.release(buffer);
    /// // The same one comes back.
    /// assert_eq!(pool.acquire().unwrap(), [1]);
    /// ```
    pub fn release(&self, resource: R) {
        let closed = self.closed.lock();
        let refused = if *closed {
            Some(resource)
        } else {
            match self.resources.try_send(resource) {
                Ok(()) => None,
                Err(TrySendError::Full(resource) | TrySendError::Disconnected(resource)) => {
                    Some(resource)
                }
            }
        };
        drop(closed);
        drop(refused);
    }

    /// Closes the pool and drops the resources in it. Later calls do nothing.
    ///
    /// ```
    /// use gors::patterns::pool::Pool;
    /// use std::convert::Infallible;
    /// let pool = Pool::new(|| Ok::<_, Infallible>(1), 1).unwrap();
    /// pool.close();
    /// pool.close();
    /// assert!(pool.acquire().is_err());
    /// ```
    pub fn close(&self) {
        let mut closed = self.closed.lock();
        if std::mem::replace(&mut *closed, true) {
            return;
        }
        self.resources.close();
        drop(closed);
        for resource in &self.resources {
            drop(resource);
        }
    }
}

impl<R> fmt::Debug for Pool<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("pooled", &self.resources.len())
            .finish_non_exhaustive()
    }
}
