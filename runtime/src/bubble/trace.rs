//! What a bubble chose: a hash that tells two runs apart, and the last steps in words.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::panic::Location;

use super::Point;
use crate::random;
use crate::raw::WaitReason;

/// Why the one with the turn stopped.
#[derive(Clone, Copy)]
pub(super) enum Stop {
    /// It waits, for this [`WaitReason`].
    Wait(u8),
    /// It yielded, or was preempted where it may change its thread.
    Yield,
    /// It was preempted here.
    At(Point),
    /// It has ended.
    End,
}

impl Stop {
    fn code(self) -> u64 {
        match self {
            Self::Wait(reason) => u64::from(reason),
            Self::Yield => 0x100,
            Self::At(point) => 0x200 + point as u64,
            Self::End => 0x300,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Wait(reason) => WaitReason::from_u8(reason).as_str(),
            Self::Yield => "yield",
            Self::At(point) => point.as_str(),
            Self::End => "end",
        }
    }
}

/// Steps that are kept.
const KEPT: usize = 200;

/// See the [module](self).
pub(super) struct Trace {
    hash: u64,
    steps: u64,
    /// The last steps: who ran, and why it stopped.
    last: VecDeque<(u32, Stop)>,
    /// By number of the member: the line that made it.
    made: Vec<Option<&'static Location<'static>>>,
}

impl Trace {
    pub(super) const fn new() -> Self {
        Self {
            hash: 0,
            steps: 0,
            last: VecDeque::new(),
            made: Vec::new(),
        }
    }

    pub(super) fn made(&mut self, created: Option<&'static Location<'static>>) {
        self.made.push(created);
    }

    /// Member `index` ran and stopped, when so many others were ready.
    pub(super) fn step(&mut self, index: u32, stop: Stop, others: usize) {
        self.steps += 1;
        self.mix(u64::from(index) | stop.code() << 32 | (others as u64) << 48);
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back((index, stop));
    }

    /// The clock was set to so many nanoseconds since the beginning.
    pub(super) fn time(&mut self, nanos: u64) {
        self.mix(nanos);
    }

    fn mix(&mut self, n: u64) {
        self.hash = random::mix(self.hash.rotate_left(5) ^ n);
    }

    pub(super) fn hash(&self) -> u64 {
        self.hash
    }

    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    /// The last steps and who made them, for people.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::from("who ran, and until what:\n");
        let left_out = self.steps - self.last.len() as u64;
        if left_out > 0 {
            let _ = writeln!(text, "  ({left_out} earlier steps)");
        }
        let mut at = 0;
        while let Some(&(index, stop)) = self.last.get(at) {
            let alike = self
                .last
                .range(at..)
                .take_while(|(other, last)| *other == index && last.code() == stop.code())
                .count();
            let _ = write!(text, "  {:<6} {}", name(index), stop.as_str());
            let _ = match alike {
                1 => writeln!(text),
                n => writeln!(text, " ({n} times)"),
            };
            at += alike;
        }
        for (index, created) in self.made.iter().enumerate().take(KEPT) {
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            if let Some(created) = created {
                let _ = writeln!(text, "  {:<6} was created at {created}", name(index));
            }
        }
        text
    }
}

fn name(index: u32) -> String {
    match index {
        0 => "main".to_owned(),
        n => format!("#{n}"),
    }
}
