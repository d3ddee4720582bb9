//! One call for all who want the same at the same time.

use std::any::Any;
use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use gors_chan::{Receiver, Sender, bounded};
use gors_runtime::raw;

use super::{Mutex, WaitGroup};

/// Runs a function once for all who ask for the same key while it runs.
///
/// Go: `golang.org/x/sync/singleflight`.
///
/// ```
/// use gors::sync::singleflight::Group;
///
/// let group = Group::new();
/// let (page, shared) = group.work("/", || String::from("expensive"));
/// assert_eq!(page, "expensive");
/// assert!(!shared);
/// ```
pub struct Group<K, V> {
    calls: Arc<Calls<K, V>>,
}

/// Those that run.
type Calls<K, V> = Mutex<HashMap<K, Arc<Call<V>>>>;

struct Call<V> {
    ended: WaitGroup,
    state: Mutex<State<V>>,
}

struct State<V> {
    outcome: Outcome<V>,
    /// How many besides the first asked.
    joined: usize,
    channels: Vec<Sender<(V, bool)>>,
}

enum Outcome<V> {
    Running,
    Returned(V),
    Panicked(String),
    Goexit,
}

/// The end of a call. It reaches those who wait on every way out: where the function has swallowed or begun
/// a `goexit`, a lock that is not free raises it, and the clone of a value for a channel may panic.
struct Ending<'a, K: Eq + Hash, V> {
    calls: &'a Calls<K, V>,
    key: &'a K,
    call: &'a Arc<Call<V>>,
    outcome: Outcome<V>,
    is_closed: bool,
}

impl<K: Eq + Hash, V> Ending<'_, K, V> {
    /// From now on nobody joins the call. Says how many have, and who of them gets a message.
    fn close(&mut self) -> (usize, Vec<Sender<(V, bool)>>) {
        let mut calls = self.calls.lock();
        let listed = calls.get(self.key);
        if listed.is_some_and(|now| Arc::ptr_eq(now, self.call)) {
            calls.remove(self.key);
        }
        drop(calls);
        let mut state = self.call.state.lock();
        self.is_closed = true;
        (state.joined, std::mem::take(&mut state.channels))
    }
}

impl<K: Eq + Hash, V> Drop for Ending<'_, K, V> {
    fn drop(&mut self) {
        if !self.is_closed {
            // It unwinds, so the locks raise nothing.
            self.close();
        }
        let outcome = std::mem::replace(&mut self.outcome, Outcome::Running);
        self.call.state.lock().outcome = outcome;
        self.call.ended.done();
    }
}

impl<V> Call<V> {
    fn new() -> Arc<Self> {
        let call = Self {
            ended: WaitGroup::new(),
            state: Mutex::new(State {
                outcome: Outcome::Running,
                joined: 0,
                channels: Vec::new(),
            }),
        };
        call.ended.add(1);
        Arc::new(call)
    }
}

/// Runs a function: how it ended, for the others, and for the caller.
fn run<V: Clone>(f: impl FnOnce() -> V) -> (Outcome<V>, std::thread::Result<V>) {
    let result = catch_unwind(AssertUnwindSafe(|| {
        let value = f();
        (value.clone(), value)
    }));
    match result {
        Ok((copy, value)) => (Outcome::Returned(copy), Ok(value)),
        Err(payload) if raw::is_goexit(&*payload) => (Outcome::Goexit, Err(payload)),
        Err(payload) => (Outcome::Panicked(text_of(&*payload)), Err(payload)),
    }
}

/// What a panic said.
fn text_of(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "singleflight: the function has panicked".to_owned())
}

impl<K: Eq + Hash + Clone, V: Clone> Group<K, V> {
    /// No call is running.
    #[must_use]
    pub fn new() -> Self {
        Self {
            calls: Arc::new(Mutex::new(HashMap::new())),
        }
    }

    /// Runs `f` and returns its result; if a call for `key` is running, waits for that one's result
    /// instead. The second value says whether the result was given to more than one caller.
    ///
    /// # Panics
    ///
    /// If the function panics, all who wait for it panic. If it ends by [`goexit`](crate::goexit), all
    /// their goroutines end. Those who wait at a channel of [`work_chan`](Self::work_chan) cannot be
    /// told: if there is one, a panic ends the process as that of a `go!` goroutine, whoever would
    /// catch it here.
    ///
    /// Go: `Do`.
    ///
    /// ```
    /// use gors::sync::singleflight::Group;
    /// let group = Group::new();
    /// assert_eq!(group.work("k", || 1), (1, false));
    /// // Nobody asks at the same time: it runs again.
    /// assert_eq!(group.work("k", || 2), (2, false));
    /// ```
    pub fn work(&self, key: K, f: impl FnOnce() -> V) -> (V, bool) {
        let mut calls = self.calls.lock();
        if let Some(call) = calls.get(&key) {
            let call = Arc::clone(call);
            call.state.lock().joined += 1;
            drop(calls);
            call.ended.wait();
            let state = call.state.lock();
            return match &state.outcome {
                Outcome::Returned(value) => (value.clone(), true),
                Outcome::Panicked(text) => {
                    let text = text.clone();
                    drop(state);
                    panic!("{text}")
                }
                Outcome::Goexit => {
                    drop(state);
                    crate::goexit()
                }
                Outcome::Running => unreachable!("an ended call has an outcome"),
            };
        }
        let call = Call::new();
        calls.insert(key.clone(), Arc::clone(&call));
        drop(calls);
        let (outcome, result) = run(f);
        let (shared, untold) =
            Self::finish(&self.calls, &key, &call, outcome, result.as_ref().ok());
        match result {
            Ok(value) => (value, shared),
            Err(payload) if untold.is_empty() => resume_unwind(payload),
            Err(payload) => {
                let text = text_of(&*payload);
                let applied = WaitGroup::new();
                applied.go(move || resume_unwind(payload));
                applied.wait();
                // Panics are isolated, or this would not run on.
                drop(untold);
                resume_unwind(Box::new(text))
            }
        }
    }

    /// As [`work`](Self::work), in a goroutine of its own; the result comes through a channel. Does not
    /// wait for the function; may block while somebody else asks or forgets. If the function panics, the
    /// process ends as by the panic of a `go!` goroutine. Where the
    /// [panic policy](crate::runtime::set_panic_policy) says otherwise, and if the function ends by
    /// [`goexit`](crate::goexit), the channel ends without a value.
    ///
    /// Go: `DoChan`.
    ///
    /// ```
    /// use gors::sync::singleflight::Group;
    /// let group = Group::new();
    /// let result = group.work_chan("k", || 1);
    /// assert_eq!(result.recv(), Ok((1, false)));
    /// ```
    #[track_caller]
    pub fn work_chan(&self, key: K, f: impl FnOnce() -> V + Send + 'static) -> Receiver<(V, bool)>
    where
        K: Send + 'static,
        V: Send + 'static,
    {
        let (sender, receiver) = bounded(1);
        let mut calls = self.calls.lock();
        if let Some(call) = calls.get(&key) {
            let mut state = call.state.lock();
            state.joined += 1;
            state.channels.push(sender);
            return receiver;
        }
        let call = Call::new();
        call.state.lock().channels.push(sender);
        calls.insert(key.clone(), Arc::clone(&call));
        drop(calls);
        let calls = Arc::clone(&self.calls);
        gors_runtime::__private::go(move || {
            let (outcome, result) = run(f);
            let (_, untold) = Self::finish(&calls, &key, &call, outcome, result.as_ref().ok());
            if let Err(payload) = result {
                raw::apply_panic_policy(payload);
            }
            drop(untold);
        });
        receiver
    }

    /// Hands the outcome to all who wait; true if it goes to more than one. If the function has
    /// panicked it gives back the channels, whose receivers must not run on before that has had its
    /// consequences.
    fn finish(
        calls: &Calls<K, V>,
        key: &K,
        call: &Arc<Call<V>>,
        outcome: Outcome<V>,
        value: Option<&V>,
    ) -> (bool, Vec<Sender<(V, bool)>>) {
        let panicked = matches!(outcome, Outcome::Panicked(_));
        let mut ending = Ending {
            calls,
            key,
            call,
            outcome,
            is_closed: false,
        };
        let (joined, channels) = ending.close();
        let shared = joined > 0;
        if panicked {
            return (shared, channels);
        }
        if let Some(value) = value {
            for channel in channels {
                // Room for one, and one is sent. A receiver that has gone does not want it.
                let _ = channel.try_send((value.clone(), shared));
            }
        }
        (shared, Vec::new())
    }

    /// Forgets the call for `key`: the next one who asks runs its own function, even while this one
    /// runs. May block while somebody else asks or forgets.
    ///
    /// Go: `Forget`.
    ///
    /// ```
    /// use gors::sync::singleflight::Group;
    /// let group = Group::<String, i32>::new();
    /// group.forget("k");
    /// ```
    pub fn forget<Q>(&self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let forgotten = self.calls.lock().remove(key);
        drop(forgotten);
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Default for Group<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V> fmt::Debug for Group<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").finish_non_exhaustive()
    }
}
