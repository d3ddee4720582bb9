//! [`Select`]: a list of operations made at run time.

use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::time::{Duration, Instant};

use super::arm::Arm;
use super::engine::{self, Patience};
use super::ready;
use super::selected::SelectedOperation;
use crate::core::Dir;
use crate::core::reserve::Hold;
use crate::error::{ReadyTimeoutError, SelectTimeoutError, TryReadyError, TrySelectError};
use crate::link::deadline_in;
use crate::receiver::Receiver;
use crate::sender::Sender;

/// Selects from a list of operations made at run time (Go's `reflect.Select`).
///
/// Add operations with [`send`](Self::send) and [`recv`](Self::recv), which number them. Then
/// [`select`](Self::select) and its relatives win one, which must be completed; or
/// [`ready`](Self::ready) and its relatives only tell which one would not block. An operation that
/// would fail at once, because its channel is closed, counts as possible. The list can be used
/// again and again.
///
/// ```
/// use gors_chan::{Select, unbounded};
///
/// let channels: Vec<_> = (0..4).map(|_| unbounded::<usize>()).collect();
/// channels[2].0.send(7).unwrap();
///
/// let mut sel = Select::new();
/// for (_, r) in &channels {
///     sel.recv(r);
/// }
/// let op = sel.select();
/// let i = op.index();
/// assert_eq!((i, op.recv(&channels[i].1)), (2, Ok(7)));
/// ```
pub struct Select<'a> {
    arms: Vec<Arm>,
    /// The number of each arm.
    numbers: Vec<usize>,
    /// Room for the engine's list.
    list: Vec<*mut Arm>,
    next: usize,
    biased: bool,
    _handles: PhantomData<&'a ()>,
}

// SAFETY: a list of channels and directions; the engine, which uses the pointers, runs under
// `&mut`. Values of the elements' types pass only through `SelectedOperation`, which stays on its
// thread.
unsafe impl Send for Select<'_> {}
// SAFETY: as above; shared, it can only be cloned and printed.
unsafe impl Sync for Select<'_> {}

impl<'a> Select<'a> {
    /// An empty list. Ready operations are drawn at random, as in Go.
    pub fn new() -> Select<'a> {
        Select {
            arms: Vec::new(),
            numbers: Vec::new(),
            list: Vec::new(),
            next: 0,
            biased: false,
            _handles: PhantomData,
        }
    }

    /// An empty list. Of several ready operations the one added first is chosen.
    ///
    /// ```
    /// let (s, r) = gors_chan::unbounded();
    /// s.send(1).unwrap();
    /// let mut sel = gors_chan::Select::new_biased();
    /// sel.recv(&r);
    /// sel.send(&s);
    /// assert_eq!(sel.ready(), 0);
    /// ```
    pub fn new_biased() -> Select<'a> {
        Select {
            biased: true,
            ..Select::new()
        }
    }

    /// Adds a send and returns its number.
    ///
    /// ```
    /// let (s, _r) = gors_chan::bounded(1);
    /// let mut sel = gors_chan::Select::new();
    /// assert_eq!(sel.send(&s), 0);
    /// sel.select().send(&s, 1).unwrap();
    /// ```
    pub fn send<T>(&mut self, s: &'a Sender<T>) -> usize {
        self.add(Arm::new(s.link.as_ptr(), Dir::Send))
    }

    /// Adds a receive and returns its number.
    ///
    /// ```
    /// let (s, r) = gors_chan::bounded(1);
    /// s.send(1).unwrap();
    /// let mut sel = gors_chan::Select::new();
    /// assert_eq!(sel.recv(&r), 0);
    /// assert_eq!(sel.select().recv(&r), Ok(1));
    /// ```
    pub fn recv<T>(&mut self, r: &'a Receiver<T>) -> usize {
        self.add(Arm::new(r.link.as_ptr(), Dir::Recv))
    }

    fn add(&mut self, arm: Arm) -> usize {
        let number = self.next;
        self.arms.push(arm);
        self.numbers.push(number);
        self.next += 1;
        number
    }

    /// Takes an operation out. Numbers are not given out again.
    ///
    /// # Panics
    ///
    /// If there is no operation with this number.
    ///
    /// ```
    /// let (s, r) = gors_chan::unbounded::<i32>();
    /// let mut sel = gors_chan::Select::new();
    /// let recv = sel.recv(&r);
    /// let send = sel.send(&s);
    /// sel.remove(send);
    /// assert!(sel.try_ready().is_err());
    /// sel.remove(recv);
    /// ```
    pub fn remove(&mut self, index: usize) {
        assert!(
            index < self.next,
            "index out of bounds; {index} >= {}",
            self.next
        );
        let at = self
            .numbers
            .iter()
            .position(|&n| n == index)
            .expect("no operation with this index");
        // Keeps the order, which a biased list promises.
        self.arms.remove(at);
        self.numbers.remove(at);
    }

    fn run(&mut self, patience: Patience) -> Option<SelectedOperation<'a>> {
        let biased = self.biased;
        let list = self.fill_list();
        // SAFETY: the list points to `self.arms`, borrowed for this call; the handles of `'a` keep
        // the channels alive; slots are null.
        let at = unsafe { engine::select(list, patience, biased) }?;
        let arm = &mut self.arms[at];
        Some(SelectedOperation {
            core: arm.core,
            hold: mem::replace(&mut arm.hold, Hold::None),
            dir: arm.dir,
            index: self.numbers[at],
            _handles: PhantomData,
        })
    }

    fn observe(&mut self, patience: Patience) -> Option<usize> {
        let biased = self.biased;
        let list = self.fill_list();
        // SAFETY: as in `run`.
        let at = unsafe { ready::ready(list, patience, biased) }?;
        Some(self.numbers[at])
    }

    fn fill_list(&mut self) -> &[*mut Arm] {
        self.list.clear();
        self.list.extend(self.arms.iter_mut().map(|arm| {
            arm.missed = false;
            &raw mut *arm
        }));
        &self.list
    }

    #[track_caller]
    fn assert_some(&self) {
        assert!(
            !self.arms.is_empty(),
            "no operations have been added to `Select`"
        );
    }

    /// Wins an operation that is possible now.
    ///
    /// ```
    /// let (s, r) = gors_chan::bounded::<i32>(1);
    /// let mut sel = gors_chan::Select::new();
    /// sel.recv(&r);
    /// assert!(sel.try_select().is_err());
    /// s.send(1).unwrap();
    /// assert_eq!(sel.try_select().unwrap().recv(&r), Ok(1));
    /// ```
    pub fn try_select(&mut self) -> Result<SelectedOperation<'a>, TrySelectError> {
        self.run(Patience::Try).ok_or(TrySelectError)
    }

    /// Blocks until an operation is possible, and wins it.
    ///
    /// # Panics
    ///
    /// If the list is empty.
    ///
    /// ```
    /// let (s, r) = gors_chan::bounded(0);
    /// std::thread::spawn(move || s.send(1));
    /// let mut sel = gors_chan::Select::new();
    /// sel.recv(&r);
    /// assert_eq!(sel.select().recv(&r), Ok(1));
    /// ```
    #[track_caller]
    pub fn select(&mut self) -> SelectedOperation<'a> {
        self.assert_some();
        self.run(Patience::Until(None))
            .expect("without a deadline an operation is won")
    }

    /// As [`select`](Self::select), for at most `timeout`.
    ///
    /// ```
    /// let (_s, r) = gors_chan::bounded::<i32>(0);
    /// let mut sel = gors_chan::Select::new();
    /// sel.recv(&r);
    /// assert!(sel.select_timeout(std::time::Duration::from_millis(2)).is_err());
    /// ```
    pub fn select_timeout(
        &mut self,
        timeout: Duration,
    ) -> Result<SelectedOperation<'a>, SelectTimeoutError> {
        self.run(Patience::Until(deadline_in(timeout)))
            .ok_or(SelectTimeoutError)
    }

    /// As [`select`](Self::select), until `deadline`.
    ///
    /// ```
    /// let (_s, r) = gors_chan::bounded::<i32>(0);
    /// let mut sel = gors_chan::Select::new();
    /// sel.recv(&r);
    /// assert!(sel.select_deadline(std::time::Instant::now()).is_err());
    /// ```
    pub fn select_deadline(
        &mut self,
        deadline: Instant,
    ) -> Result<SelectedOperation<'a>, SelectTimeoutError> {
        self.run(Patience::Until(Some(deadline)))
            .ok_or(SelectTimeoutError)
    }

    /// The number of an operation that would not block now.
    ///
    /// # Errors
    ///
    /// If each would block.
    ///
    /// ```
    /// let (s, r) = gors_chan::bounded(1);
    /// let mut sel = gors_chan::Select::new();
    /// let i = sel.recv(&r);
    /// assert!(sel.try_ready().is_err());
    /// s.send(1).unwrap();
    /// assert_eq!(sel.try_ready(), Ok(i));
    /// ```
    pub fn try_ready(&mut self) -> Result<usize, TryReadyError> {
        self.observe(Patience::Try).ok_or(TryReadyError)
    }

    /// Blocks until an operation would not block, and returns its number. Somebody else may be
    /// faster: use a `try_` operation then and come back.
    ///
    /// # Panics
    ///
    /// If the list is empty.
    ///
    /// ```
    /// let (s, r) = gors_chan::bounded::<i32>(1);
    /// s.send(1).unwrap();
    /// let mut sel = gors_chan::Select::new();
    /// let i = sel.recv(&r);
    /// assert_eq!(sel.ready(), i);
    /// assert_eq!(r.try_recv(), Ok(1));
    /// ```
    #[track_caller]
    pub fn ready(&mut self) -> usize {
        self.assert_some();
        self.observe(Patience::Until(None))
            .expect("without a deadline an operation gets ready")
    }

    /// As [`ready`](Self::ready), for at most `timeout`.
    ///
    /// ```
    /// let (_s, r) = gors_chan::bounded::<i32>(0);
    /// let mut sel = gors_chan::Select::new();
    /// sel.recv(&r);
    /// assert!(sel.ready_timeout(std::time::Duration::from_millis(2)).is_err());
    /// ```
    pub fn ready_timeout(&mut self, timeout: Duration) -> Result<usize, ReadyTimeoutError> {
        self.observe(Patience::Until(deadline_in(timeout)))
            .ok_or(ReadyTimeoutError)
    }

    /// As [`ready`](Self::ready), until `deadline`.
    ///
    /// ```
    /// let (_s, r) = gors_chan::bounded::<i32>(0);
    /// let mut sel = gors_chan::Select::new();
    /// sel.recv(&r);
    /// assert!(sel.ready_deadline(std::time::Instant::now()).is_err());
    /// ```
    pub fn ready_deadline(&mut self, deadline: Instant) -> Result<usize, ReadyTimeoutError> {
        self.observe(Patience::Until(Some(deadline)))
            .ok_or(ReadyTimeoutError)
    }
}

impl Clone for Select<'_> {
    fn clone(&self) -> Self {
        Select {
            arms: self
                .arms
                .iter()
                .map(|arm| Arm::new(arm.core, arm.dir))
                .collect(),
            numbers: self.numbers.clone(),
            list: Vec::new(),
            next: self.next,
            biased: self.biased,
            _handles: PhantomData,
        }
    }
}

impl Default for Select<'_> {
    fn default() -> Self {
        Select::new()
    }
}

impl fmt::Debug for Select<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Select { .. }")
    }
}
