//! A chat: one goroutine knows who is in the room and passes on what is said; each client has a
//! goroutine that reads what comes for it.
//!
//! Go: `examples/go/programs/chat_hub`.

use std::collections::HashMap;

use gors::prelude::*;

type Name = &'static str;

#[derive(Clone)]
struct Client {
    name: Name,
    out: Chan<String>,
}

struct Said {
    by: Name,
    text: &'static str,
}

#[derive(Clone)]
struct Hub {
    entering: Chan<Client>,
    leaving: Chan<Client>,
    messages: Chan<Said>,
}

impl Hub {
    /// The only one that touches the set of clients.
    fn run(self) {
        let mut clients = HashMap::new();
        let broadcast = |clients: &HashMap<Name, Client>, line: String| {
            for c in clients.values() {
                c.out.send(line.clone());
            }
        };
        loop {
            select! {
                recv(self.entering) -> c => {
                    let c = c.unwrap();
                    broadcast(&clients, format!("{} has arrived", c.name));
                    clients.insert(c.name, c.clone());
                    c.out.send(format!("{} others are here", clients.len() - 1));
                }
                recv(self.leaving) -> c => {
                    let c = c.unwrap();
                    clients.remove(c.name);
                    c.out.close();
                    broadcast(&clients, format!("{} has left", c.name));
                }
                recv(self.messages) -> m => {
                    let m = m.unwrap();
                    broadcast(&clients, format!("{}: {}", m.by, m.text));
                }
            }
        }
    }

    /// Enters the room and collects what the client sees there.
    fn join(&self, name: Name) -> (Client, JoinHandle<Vec<String>>) {
        let out = make(0);
        let c = Client { name, out };
        let lines = c.out.clone();
        let seen = spawn(move || lines.into_iter().collect());
        self.entering.send(c.clone());
        (c, seen)
    }
}

#[gors::main]
fn main() {
    let h = Hub {
        entering: make(0),
        leaving: make(0),
        messages: make(0),
    };
    go!(h.clone().run());

    let say = |by, text| h.messages.send(Said { by, text });
    let (a, anna) = h.join("anna");
    let (b, ben) = h.join("ben");
    say("anna", "hello ben");
    let (c, carl) = h.join("carl");
    say("ben", "hello both");
    h.leaving.send(a);
    say("carl", "bye anna");
    h.leaving.send(b);
    h.leaving.send(c);

    for (name, seen) in [("anna", anna), ("ben", ben), ("carl", carl)] {
        println!("{name} saw:");
        for line in seen.join().unwrap() {
            println!("  {line}");
        }
    }
}
