//! A broker passes each message on to all who have subscribed to its topic.
//!
//! Go: `examples/go/programs/pub_sub`.

use std::collections::HashMap;

use gors::prelude::*;
use gors::sync::RwLock;

type Message = &'static str;
type Topic = &'static str;

#[derive(Default)]
struct Broker(RwLock<Topics>);

#[derive(Default)]
struct Topics {
    subscribers: HashMap<Topic, Vec<Chan<Message>>>,
    closed: bool,
}

impl Broker {
    /// A channel with room for a few messages.
    fn subscribe(&self, topic: Topic) -> Receiver<Message> {
        let mut topics = self.0.write();
        let c = make(4);
        let subscription = c.receiver();
        topics.subscribers.entry(topic).or_default().push(c);
        subscription
    }

    /// Tells how many have got the message.
    fn publish(&self, topic: Topic, message: Message) -> usize {
        let topics = self.0.read();
        if topics.closed {
            return 0;
        }
        let Some(subscribers) = topics.subscribers.get(topic) else {
            return 0;
        };
        for c in subscribers {
            c.send(message);
        }
        subscribers.len()
    }

    /// Ends all subscriptions.
    fn close(&self) {
        let mut topics = self.0.write();
        if topics.closed {
            return;
        }
        topics.closed = true;
        for c in topics.subscribers.values().flatten() {
            c.close();
        }
    }
}

struct Reader {
    name: &'static str,
    topics: &'static [Topic],
}

impl Reader {
    /// Collects what comes for one reader, topic by topic.
    fn read(&self, subscriptions: Vec<Receiver<Message>>, done: Chan<Vec<String>>) {
        let mut lines = Vec::new();
        for (topic, c) in self.topics.iter().zip(subscriptions) {
            for message in c {
                lines.push(format!("{} reads in {topic}: {message}", self.name));
            }
        }
        done.send(lines);
    }
}

static READERS: [Reader; 3] = [
    Reader {
        name: "ann",
        topics: &["go", "rust"],
    },
    Reader {
        name: "bob",
        topics: &["go"],
    },
    Reader {
        name: "cid",
        topics: &["rust"],
    },
];

#[gors::main]
fn main() {
    let b = Broker::default();
    let mut done = Vec::new();
    for r in &READERS {
        let subscriptions = r.topics.iter().map(|topic| b.subscribe(topic)).collect();
        let c = make(0);
        done.push(c.clone());
        go!(r.read(subscriptions, c));
    }

    let publish = |topic, message| {
        println!("{message:?} goes to {}", b.publish(topic, message));
    };
    for message in ["generics", "iterators", "synctest"] {
        publish("go", message);
    }
    publish("rust", "let chains");
    publish("zig", "comptime");
    b.close();
    publish("go", "too late");

    for c in done {
        for line in c.recv().unwrap() {
            println!("{line}");
        }
    }
}
