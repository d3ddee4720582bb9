//! Who wants which signals.
//!
//! A signal is caught while a channel wants it. `stop` first lets the signal do what it did before,
//! and takes the channel away only when everything that had arrived was sent: a signal at that moment
//! either is sent or does what it does without us, but is never swallowed.

use gors_chan::Chan;
use gors_runtime::raw::signal as raw;

use super::Signal;
use crate::sync::Mutex;

struct Registry {
    channels: Vec<Wish>,
    /// Being stopped: get what had arrived.
    stopping: Vec<Wish>,
    /// What [`ignore`] was told, and [`reset`] has not undone. One that a channel wants is ignored
    /// again when none does.
    ignored: Set,
}

struct Wish {
    chan: Chan<Signal>,
    signals: Set,
}

/// A set of signals: one bit for each.
#[derive(Clone, Copy, Default)]
struct Set(u128);

impl Set {
    fn has(self, signal: Signal) -> bool {
        self.0 & Self::bit(signal) != 0
    }

    fn insert(&mut self, signal: Signal) {
        self.0 |= Self::bit(signal);
    }

    fn remove(&mut self, signal: Signal) {
        self.0 &= !Self::bit(signal);
    }

    fn bit(signal: Signal) -> u128 {
        1 << signal.as_raw()
    }

    fn iter(self) -> impl Iterator<Item = Signal> {
        (1..raw::SIGNALS as i32)
            .filter_map(Signal::from_raw)
            .filter(move |signal| self.has(*signal))
    }
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry {
    channels: Vec::new(),
    stopping: Vec::new(),
    ignored: Set(0),
});

impl Registry {
    fn is_wanted(&self, signal: Signal) -> bool {
        self.channels.iter().any(|wish| wish.signals.has(signal))
    }

    fn forget(&mut self, signal: Signal) {
        for wish in &mut self.channels {
            wish.signals.remove(signal);
        }
        self.channels.retain(|wish| wish.signals.0 != 0);
    }
}

/// On the thread that passes signals on.
fn pass_on(number: i32, times: u32) {
    let Some(signal) = Signal::from_raw(number) else {
        return;
    };
    let registry = REGISTRY.lock();
    for wish in registry.channels.iter().chain(&registry.stopping) {
        if wish.signals.has(signal) {
            for _ in 0..times {
                // Full or closed: missed, as documented.
                if wish.chan.try_send(signal).is_err() {
                    break;
                }
            }
        }
    }
}

/// The signals that a call means.
fn meant(signals: &[Signal]) -> Vec<Signal> {
    if signals.is_empty() {
        Signal::all().collect()
    } else {
        signals.to_vec()
    }
}

pub(super) fn notify(chan: &Chan<Signal>, signals: &[Signal]) {
    assert!(!chan.is_nil(), "os/signal: Notify using nil channel");
    raw::start(pass_on).expect("a thread for signals");
    let mut registry = REGISTRY.lock();
    for signal in meant(signals) {
        if !registry.is_wanted(signal)
            && let Err(error) = raw::catch(signal.as_raw())
        {
            panic!("signal {signal} cannot be caught: {error}");
        }
        let known = registry
            .channels
            .iter_mut()
            .find(|wish| wish.chan.same_channel(chan));
        match known {
            Some(wish) => wish.signals.insert(signal),
            None => {
                let mut set = Set::default();
                set.insert(signal);
                registry.channels.push(Wish {
                    chan: chan.clone(),
                    signals: set,
                });
            }
        }
    }
}

pub(super) fn stop(chan: &Chan<Signal>) {
    let mut registry = REGISTRY.lock();
    let Some(at) = registry
        .channels
        .iter()
        .position(|wish| wish.chan.same_channel(chan))
    else {
        return;
    };
    let wish = registry.channels.swap_remove(at);
    for signal in wish.signals.iter() {
        if !registry.is_wanted(signal) {
            // It was caught, so it can be restored.
            let _ = raw::release(signal.as_raw(), registry.ignored.has(signal));
        }
    }
    registry.stopping.push(wish);
    drop(registry);
    raw::wait_idle();
    let mut registry = REGISTRY.lock();
    if let Some(at) = registry
        .stopping
        .iter()
        .position(|wish| wish.chan.same_channel(chan))
    {
        let wish = registry.stopping.swap_remove(at);
        drop(registry);
        // Dropping a channel may drop values: not under the lock.
        drop(wish);
    }
}

pub(super) fn ignore(signals: &[Signal]) {
    let mut registry = REGISTRY.lock();
    for signal in meant(signals) {
        let caught = registry.is_wanted(signal);
        if let Err(error) = raw::ignore(signal.as_raw(), caught) {
            panic!("signal {signal} cannot be ignored: {error}");
        }
        registry.ignored.insert(signal);
        registry.forget(signal);
    }
}

pub(super) fn reset(signals: &[Signal]) {
    let mut registry = REGISTRY.lock();
    for signal in meant(signals) {
        let caught = registry.is_wanted(signal);
        // One that was never changed needs no restoring, and an invalid one never was.
        let _ = raw::restore(signal.as_raw(), caught);
        registry.ignored.remove(signal);
        registry.forget(signal);
    }
}
