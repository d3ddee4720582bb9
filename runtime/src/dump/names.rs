//! The names of goroutines, for those who look from outside: what a running goroutine owns it may free
//! at any moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::shim::Mutex;

static NAMES: Mutex<BTreeMap<u64, Arc<str>>> = Mutex::new(BTreeMap::new());

/// A goroutine gets a name.
#[inline(never)]
pub(crate) fn insert(id: u64, name: Arc<str>) {
    NAMES.lock().insert(id, name);
}

/// A goroutine that may have a name ends.
#[inline(never)]
pub(crate) fn remove(id: u64) {
    NAMES.lock().remove(&id);
}

/// The name of a goroutine, if it has one.
#[inline(never)]
pub(crate) fn get(id: u64) -> Option<Arc<str>> {
    NAMES.lock().get(&id).cloned()
}
