//! Memory after a burst, given back on request as with Go's `FreeOSMemory`.

use gors::runtime::free_os_memory;

use super::{Gors, Programs, main};
use crate::shapes::memory;

pub(super) const PROGRAMS: Programs = &[("burst-rest", |task| {
    main(task, |task| {
        memory::burst_rest::<Gors>(task, Some(free_os_memory))
    })
})];
