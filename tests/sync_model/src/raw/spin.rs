//! Spinning: perhaps a round, perhaps none.

use shuttle::rand::Rng;

pub(super) struct Spins(u32);

impl Spins {
    pub(super) const fn new() -> Self {
        Self(0)
    }

    pub(super) const fn close() -> Self {
        Self(0)
    }

    pub(super) const fn away() -> Self {
        Self(0)
    }

    pub(super) fn worthwhile(&self) -> bool {
        self.0 < 2 && shuttle::rand::thread_rng().gen_bool(0.3)
    }

    pub(super) fn spin(&mut self) {
        self.0 += 1;
        shuttle::thread::yield_now();
    }
}

pub(super) fn doze(_: super::WaitReason) {
    shuttle::thread::yield_now();
}
