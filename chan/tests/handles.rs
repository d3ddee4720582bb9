//! Handles as values: what a channel is equal to, hashes to, prints as.

use std::collections::{HashMap, HashSet};
use std::panic::{RefUnwindSafe, UnwindSafe};

use gors_chan::{Chan, Receiver, Sender, bounded, make, never, unbounded};

/// Catches a handle that is compared by anything but the channel behind it.
#[test]
fn equality_is_identity() {
    let (a, b) = (make::<i32>(1), make::<i32>(1));
    assert_eq!(a, a.clone());
    assert_ne!(a, b);
    a.send(1);
    assert_eq!(a, a.clone(), "what is queued does not count");
    assert_eq!(a.sender(), a.sender());
    assert_eq!(a.receiver(), Receiver::from(&a));
    assert_ne!(a.sender(), b.sender());
    let (s, r) = unbounded::<i32>();
    assert!(s == s.clone() && r == r.clone());
    assert_ne!(r, unbounded().1);
    assert_eq!(never::<i32>(), never());
}

/// As Go's nil channels, which are equal, and equal to the zero value.
#[test]
fn nil_is_nil() {
    assert_eq!(Chan::<i32>::nil(), Chan::default());
    assert_ne!(Chan::nil(), make::<i32>(0));
    assert!(Chan::<i32>::default().is_nil());
}

/// A map keyed by channels, as a Go program's set of subscribers.
#[test]
fn channels_are_keys() {
    let subscribers: HashMap<Chan<i32>, &str> = [(make(0), "first"), (make(0), "second")].into();
    let names: HashSet<_> = subscribers.values().collect();
    assert_eq!(names.len(), 2);
    for (c, name) in &subscribers {
        assert_eq!(subscribers.get(&c.clone()), Some(name));
    }
    assert_eq!(subscribers.get(&make(0)), None);
    let (s, r) = bounded::<i32>(0);
    assert!(HashSet::from([s.clone()]).contains(&s));
    assert!(HashSet::from([r.clone()]).contains(&r));
}

/// Catches clones that print as different channels, or values that must be printable to print the
/// channel.
#[test]
fn printing() {
    struct Mute;
    let (c, d) = (make::<Mute>(0), make::<Mute>(0));
    assert_eq!(format!("{c:p}"), format!("{:p}", c.clone()));
    assert_eq!(format!("{c:p}"), format!("{:p}", c.receiver()));
    assert_eq!(format!("{c:p}"), format!("{:p}", c.sender()));
    assert_ne!(format!("{c:p}"), format!("{d:p}"));
    assert_eq!(format!("{:p}", Chan::<Mute>::nil()), "0x0");
    let texts = (
        format!("{c:?}"),
        format!("{:?}", c.sender()),
        format!("{:?}", c.receiver()),
    );
    let expected = ("Chan { .. }", "Sender { .. }", "Receiver { .. }");
    assert_eq!((&*texts.0, &*texts.1, &*texts.2), expected);
}

/// What handles are whatever they carry.
#[test]
fn marker_traits() {
    fn check<H: Clone + Eq + std::hash::Hash + Unpin + UnwindSafe + RefUnwindSafe>() {}
    fn is_send<H: Send + Sync>() {}
    check::<Chan<*const u8>>();
    check::<Sender<*const u8>>();
    check::<Receiver<*const u8>>();
    // Values go from thread to thread one at a time: they need not be `Sync`.
    is_send::<Chan<std::cell::Cell<u8>>>();
    is_send::<Sender<std::cell::Cell<u8>>>();
    is_send::<Receiver<std::cell::Cell<u8>>>();
}
