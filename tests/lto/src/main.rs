//! Goroutines that migrate at every park, in a program whose optimiser sees everything at once.
//!
//! A compiler may keep the address of a `thread_local!` across calls, and a goroutine changes
//! threads in calls. The runtime therefore must find worker and goroutine anew after every switch,
//! which is easiest to get wrong when all of it is inlined into one function: `lto = "fat"`, one
//! codegen unit.
//!
//! ```text
//! cargo run --release --manifest-path tests/lto/Cargo.toml
//! ```
//!
//! What is checked after every wait, in loops that the optimiser may unroll and hoist from:
//!
//! * the goroutine is itself: number, goroutine-local value, name;
//! * a thread-local value that is read by the runtime's accessor rule belongs to the thread that
//!   the system says runs;
//! * what is spawned and woken there arrives, once: a submission into another worker's queue would
//!   race with its owner;
//! * the thread does not think that it panics.
//!
//! The run counts only if goroutines did migrate.

use std::cell::Cell;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use gors::prelude::*;
use gors::sync::Mutex;
use gors::time::sleep;
use gors::{Builder, Parker, goroutine_name};

const GOROUTINES: u64 = 64;
const TURNS: u64 = 2_000;
/// Migrations without which nothing was tested.
const ENOUGH: u64 = 1_000;

static MIGRATIONS: AtomicU64 = AtomicU64::new(0);
static WAITS: AtomicU64 = AtomicU64::new(0);
static CHILDREN: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// The system's number of the thread, remembered by it.
    static THREAD: Cell<u64> = const { Cell::new(0) };
}

goroutine_local! {
    static MINE: Cell<u64> = Cell::new(0);
}

/// The system's number of the calling thread, asked for anew.
#[inline(never)]
fn thread_says_the_system() -> u64 {
    let link = std::fs::read_link("/proc/thread-self").expect("/proc is mounted");
    let number = link
        .file_name()
        .expect("the link names a task")
        .to_string_lossy();
    number.parse().expect("tasks have numbers")
}

/// The number that the calling thread remembers, read by the rule: never inlined, volatile, a value
/// and no reference.
#[inline(never)]
fn thread_remembers() -> u64 {
    std::hint::black_box(());
    let number = THREAD.get();
    if number != 0 {
        return number;
    }
    let number = thread_says_the_system();
    THREAD.set(number);
    number
}

/// Who the goroutine is, to be compared after every wait.
struct Me {
    id: u64,
    name: String,
    thread: u64,
}

impl Me {
    fn new(mine: u64) -> Self {
        MINE.with(|cell| cell.set(mine));
        Self {
            id: goid(),
            name: goroutine_name().unwrap_or_default(),
            thread: thread_says_the_system(),
        }
    }

    /// After a wait: everything is as before, except perhaps the thread.
    #[inline(always)]
    fn check(&mut self, mine: u64, wait: &str) {
        let thread = thread_says_the_system();
        assert_eq!(
            thread_remembers(),
            thread,
            "after {wait}: another thread's thread-local state"
        );
        assert_eq!(goid(), self.id, "after {wait}: another goroutine's number");
        assert_eq!(
            MINE.with(Cell::get),
            mine,
            "after {wait}: another goroutine's value"
        );
        assert!(
            !thread::panicking(),
            "after {wait}: another goroutine's panic"
        );
        WAITS.fetch_add(1, Ordering::Relaxed);
        if thread != self.thread {
            self.thread = thread;
            MIGRATIONS.fetch_add(1, Ordering::Relaxed);
            assert_eq!(goroutine_name().unwrap_or_default(), self.name);
        }
    }
}

/// Waits in every way there is, and looks around after each.
fn wander(mine: u64, values: Chan<u64>, back: Chan<u64>, shared: Arc<Mutex<u64>>) {
    let mut me = Me::new(mine);
    let parker = Parker::new();
    for turn in 0..TURNS {
        gosched();
        me.check(mine, "gosched");

        values.send(turn);
        me.check(mine, "send");
        back.recv();
        me.check(mine, "recv");

        {
            let mut guard = shared.lock();
            me.check(mine, "lock");
            let before = *guard;
            if turn % 16 == 0 {
                gosched();
                me.check(mine, "gosched under a lock");
            }
            *guard = before + 1;
        }

        let unparker = parker.unparker().clone();
        go!(move || {
            CHILDREN.fetch_add(1, Ordering::Relaxed);
            unparker.unpark();
        });
        parker.park();
        me.check(mine, "park");

        select! {
            send(values, turn) -> _ => { back.recv(); }
            default(Duration::from_micros(1)) => {}
        }
        me.check(mine, "select");

        if turn % 64 == 0 {
            sleep(Duration::from_micros(50));
            me.check(mine, "sleep");
            blocking(thread::yield_now);
            me.check(mine, "blocking");
            assert!(spawn(|| panic_quietly()).join().is_err());
            me.check(mine, "join");
        }
    }
}

/// Unwinds, without the panic hook.
fn panic_quietly() {
    std::panic::resume_unwind(Box::new(()));
}

/// Sends everything back.
fn echo(values: Chan<u64>, back: Chan<u64>) {
    let mut me = Me::new(0);
    for value in values {
        me.check(0, "range");
        back.send(value);
        me.check(0, "send back");
    }
}

#[gors::main]
fn main() -> ExitCode {
    let before = gomaxprocs(4);
    let shared = Arc::new(Mutex::new(0));
    let wg = WaitGroup::new();
    for n in 1..=GOROUTINES {
        let (values, back) = (make((n % 3) as usize), make((n % 2) as usize));
        go!(echo(values.clone(), back.clone()));
        let (shared, wg) = (Arc::clone(&shared), wg.clone());
        wg.add(1);
        Builder::new()
            .name(format!("wanderer {n}"))
            .go(move || {
                defer!(wg.done());
                wander(n, values.clone(), back, shared);
                values.close();
            })
            .expect("there are stacks");
    }
    // Permits that come and go push everybody about.
    let resizer = spawn(|| {
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..2_000 {
            gomaxprocs(random.usize(1..=8));
            sleep(Duration::from_micros(200));
        }
    });
    wg.wait();
    resizer.join().expect("resizing does not panic");
    gomaxprocs(before);

    let (waits, migrations) = (
        WAITS.load(Ordering::Relaxed),
        MIGRATIONS.load(Ordering::Relaxed),
    );
    println!("{waits} waits, {migrations} of them ended on another thread");
    let turns = GOROUTINES * TURNS;
    assert_eq!(
        (*shared.lock(), CHILDREN.load(Ordering::Relaxed)),
        (turns, turns)
    );
    if migrations < ENOUGH {
        eprintln!("too few migrations to have tested anything: {migrations} of {ENOUGH}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
