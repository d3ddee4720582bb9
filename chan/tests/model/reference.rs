//! What Go's channels do, as a sequential program: buffers and queues of who waits.

use std::collections::VecDeque;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arm {
    Recv(usize),
    Send(usize),
}

/// How long an operation that is not possible waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    Endless,
    /// A `try_` operation, `default`.
    None,
    /// Parks and gives up, `default(timeout)`.
    Short,
}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    One(Arm, Patience),
    Close(usize),
    Len(usize),
    /// Through the builder, or (true) the macro on a fixed shape.
    Select(Vec<Arm>, Patience, bool),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Res {
    Sent,
    SendFailed,
    Got(u64),
    Closed,
    WouldBlock,
    CloseResult(Result<(), &'static str>),
    /// And the capacity.
    Len(usize, usize),
    /// Arm, and what it yielded.
    Arm(usize, Box<Res>),
}

#[derive(Clone, Debug)]
pub(crate) struct Wait {
    pub(crate) actor: usize,
    /// The arm's number if it is a select's.
    pub(crate) arm: Option<usize>,
    pub(crate) value: u64,
}

#[derive(Default, Debug)]
pub(crate) struct Model {
    pub(crate) chans: Vec<MChan>,
}

#[derive(Default, Debug)]
pub(crate) struct MChan {
    pub(crate) cap: usize,
    pub(crate) buf: VecDeque<u64>,
    pub(crate) recvq: VecDeque<Wait>,
    pub(crate) sendq: VecDeque<Wait>,
    pub(crate) closed: bool,
    pub(crate) nil: bool,
}

pub(crate) type Finished = Vec<(usize, Res)>;

impl Model {
    pub(crate) fn finish(&mut self, w: &Wait, res: Res, out: &mut Finished) {
        for c in &mut self.chans {
            c.recvq.retain(|o| o.actor != w.actor);
            c.sendq.retain(|o| o.actor != w.actor);
        }
        let res = match w.arm {
            Some(i) => Res::Arm(i, Box::new(res)),
            None => res,
        };
        out.push((w.actor, res));
    }

    pub(crate) fn can(&self, arm: Arm) -> bool {
        match arm {
            Arm::Recv(c) => {
                let c = &self.chans[c];
                !c.nil && (c.closed || !c.buf.is_empty() || !c.sendq.is_empty())
            }
            Arm::Send(c) => {
                let c = &self.chans[c];
                !c.nil && (c.closed || c.buf.len() < c.cap || !c.recvq.is_empty())
            }
        }
    }

    /// Performs an operation that is possible.
    pub(crate) fn perform(&mut self, w: &Wait, arm: Arm, out: &mut Finished) {
        let res = match arm {
            Arm::Send(c) if self.chans[c].closed => Res::SendFailed,
            Arm::Send(c) => {
                if let Some(r) = self.chans[c].recvq.front().cloned() {
                    self.finish(&r, Res::Got(w.value), out);
                } else {
                    self.chans[c].buf.push_back(w.value);
                }
                Res::Sent
            }
            Arm::Recv(c) => {
                let mut taken = self.chans[c].buf.pop_front();
                if let Some(s) = self.chans[c].sendq.front().cloned() {
                    self.chans[c].buf.push_back(s.value);
                    self.finish(&s, Res::Sent, out);
                    taken = taken.or_else(|| self.chans[c].buf.pop_front());
                }
                taken.map_or(Res::Closed, Res::Got)
            }
        };
        self.finish(w, res, out);
    }

    pub(crate) fn enqueue(&mut self, w: Wait, arm: Arm) {
        match arm {
            Arm::Send(c) | Arm::Recv(c) if self.chans[c].nil => {}
            Arm::Send(c) => self.chans[c].sendq.push_back(w),
            Arm::Recv(c) => self.chans[c].recvq.push_back(w),
        }
    }

    pub(crate) fn close(&mut self, c: usize, out: &mut Finished) -> Result<(), &'static str> {
        if self.chans[c].nil {
            return Err("close of nil channel");
        }
        if std::mem::replace(&mut self.chans[c].closed, true) {
            return Err("close of closed channel");
        }
        while let Some(r) = self.chans[c].recvq.front().cloned() {
            self.finish(&r, Res::Closed, out);
        }
        while let Some(s) = self.chans[c].sendq.front().cloned() {
            self.finish(&s, Res::SendFailed, out);
        }
        Ok(())
    }
}
