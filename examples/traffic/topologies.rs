//! Who sends to whom, through what.

use gors::chan::{bounded, unbounded};
use gors::prelude::*;

use crate::tally::{Message, Taken, Tally};

/// A topology.
pub(crate) struct Topology {
    pub(crate) name: &'static str,
    shape: Shape,
}

enum Shape {
    /// So many send to one channel, so many receive from it; its buffer.
    Exchange(u32, u32, Option<usize>),
    SelectToReceive,
    SelectToSend,
}

impl Topology {
    const fn new(name: &'static str, shape: Shape) -> Self {
        Self { name, shape }
    }

    /// Sends at least so many messages, checks them, returns how many they were.
    pub(crate) fn run(&self, messages: u64) -> Result<u64, String> {
        match self.shape {
            Shape::Exchange(producers, consumers, cap) => {
                exchange(messages, producers, consumers, cap)
            }
            Shape::SelectToReceive => select_to_receive(messages),
            Shape::SelectToSend => select_to_send(messages),
        }
    }
}

/// All topologies.
pub(crate) const TOPOLOGIES: &[Topology] = &[
    Topology::new("1 to 1, unbuffered", Shape::Exchange(1, 1, Some(0))),
    Topology::new("1 to 1, buffer of 128", Shape::Exchange(1, 1, Some(128))),
    Topology::new("1 to 1, unbounded", Shape::Exchange(1, 1, None)),
    Topology::new("4 to 4, unbuffered", Shape::Exchange(4, 4, Some(0))),
    Topology::new("4 to 4, buffer of 128", Shape::Exchange(4, 4, Some(128))),
    Topology::new("4 to 4, unbounded", Shape::Exchange(4, 4, None)),
    Topology::new(
        "fan-in 16 to 1, buffer of 1",
        Shape::Exchange(16, 1, Some(1)),
    ),
    Topology::new(
        "fan-out 1 to 16, unbuffered",
        Shape::Exchange(1, 16, Some(0)),
    ),
    Topology::new("select of 3 to receive", Shape::SelectToReceive),
    Topology::new("select of 3 to send", Shape::SelectToSend),
];

type Link = (Sender<Message>, Receiver<Message>);

fn link(cap: Option<usize>) -> Link {
    cap.map_or_else(unbounded, bounded)
}

/// Sends the messages of one sender by `send`; what they add up to.
fn produce(sender: u32, count: u64, mut send: impl FnMut(Message)) -> Tally {
    let mut sent = Tally::default();
    for number in 0..count {
        let message = (sender, number);
        sent.add(message);
        send(message);
    }
    sent
}

/// Collects both sides and compares them.
fn compare(
    producers: Vec<JoinHandle<Tally>>,
    consumers: Vec<JoinHandle<Result<Taken, String>>>,
) -> Result<(), String> {
    let (mut sent, mut received) = (Tally::default(), Tally::default());
    for producer in producers {
        sent.merge(&producer.join().map_err(|error| error.to_string())?);
    }
    for consumer in consumers {
        let taken = consumer.join().map_err(|error| error.to_string())??;
        received.merge(&taken.tally);
    }
    if sent == received {
        Ok(())
    } else {
        Err(format!("sent {sent:?}, received {received:?}"))
    }
}

/// Some send to one channel, some receive from it.
fn exchange(
    messages: u64,
    producers: u32,
    consumers: u32,
    cap: Option<usize>,
) -> Result<u64, String> {
    let (sender, receiver) = link(cap);
    let each = messages.div_ceil(u64::from(producers));
    let sending = (0..producers)
        .map(|id| {
            let sender = sender.clone();
            spawn(move || {
                produce(id, each, |message| {
                    sender.send(message).expect("somebody receives");
                })
            })
        })
        .collect();
    drop(sender);
    let receiving = (0..consumers)
        .map(|_| {
            let receiver = receiver.clone();
            spawn(move || {
                let mut taken = Taken::new(producers);
                for message in receiver {
                    taken.take(message)?;
                }
                Ok(taken)
            })
        })
        .collect();
    compare(sending, receiving)?;
    Ok(each * u64::from(producers))
}

/// One receiver of three channels of different kinds, two senders to each.
fn select_to_receive(messages: u64) -> Result<u64, String> {
    let links = [Some(0), Some(16), None].map(link);
    let each = messages.div_ceil(6);
    let mut sending = Vec::new();
    for (at, (sender, _)) in (0..).zip(&links) {
        for id in [2 * at, 2 * at + 1] {
            let sender = sender.clone();
            sending.push(spawn(move || {
                produce(id, each, |message| {
                    sender.send(message).expect("somebody receives");
                })
            }));
        }
    }
    let [(_, a), (_, b), (_, c)] = links.map(|(sender, receiver)| {
        drop(sender);
        ((), receiver)
    });
    let receiving = spawn(move || {
        let mut taken = Taken::new(6);
        let never = gors::chan::never();
        let (mut a, mut b, mut c) = (a, b, c);
        let mut open = 3;
        while open > 0 {
            // A channel that has ended becomes one that is never ready, as a nil channel in Go.
            let message = select! {
                recv(a) -> message => message.map_err(|_| &mut a),
                recv(b) -> message => message.map_err(|_| &mut b),
                recv(c) -> message => message.map_err(|_| &mut c),
            };
            match message {
                Ok(message) => taken.take(message)?,
                Err(ended) => {
                    *ended = never.clone();
                    open -= 1;
                }
            }
        }
        Ok(taken)
    });
    compare(sending, vec![receiving])?;
    Ok(each * 6)
}

/// Two senders that send to whichever of three channels takes it, one receiver of each.
fn select_to_send(messages: u64) -> Result<u64, String> {
    let each = messages.div_ceil(2);
    let links = [0, 0, 16].map(bounded::<Message>);
    let sending = (0..2)
        .map(|id| {
            let [a, b, c] = links.each_ref().map(|(sender, _)| sender.clone());
            spawn(move || {
                produce(id, each, |message| {
                    let sent = select! {
                        send(a, message) -> sent => sent,
                        send(b, message) -> sent => sent,
                        send(c, message) -> sent => sent,
                    };
                    sent.expect("somebody receives");
                })
            })
        })
        .collect();
    let receiving = links
        .map(|(sender, receiver)| {
            drop(sender);
            spawn(move || {
                let mut taken = Taken::new(2);
                for message in receiver {
                    taken.take(message)?;
                }
                Ok(taken)
            })
        })
        .into();
    compare(sending, receiving)?;
    Ok(each * 2)
}
