//! What happens when there is no stack to be had: `Builder` says so, `go!` waits, and if none can ever
//! come free the program ends like one that is deadlocked.

#[path = "support/child.rs"]
mod child;

use std::io;
use std::process::Command;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use gors::prelude::*;

/// Limits a resource of this process, as `ulimit` does.
fn limit(resource: libc::__rlimit_resource_t, bytes: u64) {
    let limit = libc::rlimit {
        rlim_cur: bytes,
        rlim_max: bytes,
    };
    // SAFETY: the structure is valid for the call.
    let code = unsafe { libc::setrlimit(resource, &raw const limit) };
    assert_eq!(code, 0, "{}", io::Error::last_os_error());
}

/// Goroutines that wait at one gate.
#[derive(Clone, Default)]
struct Crowd {
    gate: Option<Chan<()>>,
    done: WaitGroup,
    /// How many of them have a stack.
    running: Arc<AtomicUsize>,
}

impl Crowd {
    fn new() -> Self {
        Self {
            gate: Some(make(0)),
            ..Self::default()
        }
    }

    fn body(&self) -> impl FnOnce() + Send + use<> {
        let (gate, running) = (self.gate.clone(), Arc::clone(&self.running));
        let done = self.done.clone();
        done.add(1);
        let done = Done(done);
        move || {
            let _done = done;
            running.fetch_add(1, Ordering::Relaxed);
            gate.expect("there is a gate").recv();
        }
    }

    /// Makes goroutines with `Builder` until there are `most` or it refuses one.
    fn build(&self, most: usize) -> (usize, Option<io::Error>) {
        for made in 0..most {
            if let Err(error) = gors::Builder::new().name("one of many").go(self.body()) {
                return (made, Some(error));
            }
        }
        (most, None)
    }

    fn go(&self, count: usize) {
        for _ in 0..count {
            let body = self.body();
            go!(body());
        }
    }

    /// Waits until that many run.
    fn await_running(&self, count: usize) {
        while self.running.load(Ordering::Relaxed) < count {
            gors::time::sleep(Duration::from_millis(1));
        }
    }

    /// Opens the gate and waits until all have ended.
    fn end(self) -> usize {
        self.gate.as_ref().expect("there is a gate").close();
        self.done.wait();
        self.running.load(Ordering::Relaxed)
    }
}

/// Counted when the goroutine ends, and when it is not made.
struct Done(WaitGroup);

impl Drop for Done {
    fn drop(&mut self) {
        self.0.done();
    }
}

/// Catches a reservation that takes the address space the program needs, an error that comes too late or
/// never, a promise that is not kept, and one that is not given back.
#[test]
fn a_limited_address_space_is_used_up_with_an_error() {
    let ended = child::run(
        "a_limited_address_space_is_used_up_with_an_error",
        &[("GOMAXPROCS", "2")],
        || {
            limit(libc::RLIMIT_AS, 2 << 30);
            gors::run(|| {
                let error = gors::Builder::new()
                    .stack_size(512 << 20)
                    .go(|| {})
                    .expect_err("there is no room for that");
                assert!(error.to_string().contains("ulimit -v"), "{error}");
                let mut before = 0;
                for round in 0..3 {
                    let crowd = Crowd::new();
                    let (made, error) = crowd.build(100_000);
                    let error = error.expect("there is no room for so many").to_string();
                    assert!(error.contains("address space"), "{error}");
                    assert!(made > 100, "only {made}");
                    // A worker keeps some for itself, hence the margin.
                    assert!(made + 200 > before, "round {round}: {made} after {before}");
                    before = before.max(made);
                    crowd.await_running(made);
                    // These wait for the first ones.
                    crowd.go(500);
                    assert_eq!(crowd.end(), made + 500);
                }
            });
        },
    );
    ended.assert_success();
    let warnings = ended.stderr.matches("goroutines wait until").count();
    // None if the gate opened before any of them had come to wait.
    assert!(warnings <= 1, "{ended:#?}");
}

/// Catches an error group that panics where there is no room for one more stack, and is not whole then.
#[test]
fn an_error_group_waits_for_stacks() {
    let name = "an_error_group_waits_for_stacks";
    let ended = child::run(name, &[("GOMAXPROCS", "2")], || {
        limit(libc::RLIMIT_AS, 2 << 30);
        gors::run(|| {
            let group = gors::sync::errgroup::Group::<()>::new();
            let gate = make::<()>(0);
            for _ in 0..20_000 {
                let gate = gate.clone();
                group.go(move || {
                    gate.recv();
                    Ok(())
                });
            }
            gate.close();
            assert_eq!(group.wait(), Ok(()));
        });
    });
    ended.assert_success();
}

/// Catches stacks that take all of a limit on data, so that the program's next allocation ends it.
#[test]
fn limited_data_is_shared_with_the_program() {
    let ended = child::run(
        "limited_data_is_shared_with_the_program",
        &[("GOMAXPROCS", "2")],
        || {
            limit(libc::RLIMIT_DATA, 512 << 20);
            gors::run(|| {
                for _ in 0..2 {
                    let crowd = Crowd::new();
                    let (made, error) = crowd.build(100_000);
                    let error = error.expect("there is no room for so many").to_string();
                    assert!(error.contains("ulimit -d"), "{error}");
                    assert!(made > 100, "only {made}");
                    crowd.await_running(made);
                    let heap = vec![1_u8; 100 << 20];
                    crowd.go(500);
                    assert_eq!(crowd.end(), made + 500);
                    drop(heap);
                }
            });
        },
    );
    ended.assert_success();
}

/// Catches a builder that is refused, or a goroutine that waits for ever, because a trim has the stacks in
/// its hands just then.
#[test]
fn a_trim_hides_no_stacks() {
    let ended = child::run("a_trim_hides_no_stacks", &[("GOMAXPROCS", "2")], || {
        limit(libc::RLIMIT_AS, 4 << 30);
        let is_over = Arc::new(AtomicBool::new(false));
        let trims = {
            let is_over = Arc::clone(&is_over);
            std::thread::spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    gors::runtime::free_os_memory();
                }
            })
        };
        gors::run(|| {
            let crowd = Crowd::new();
            let (most, _) = crowd.build(100_000);
            crowd.await_running(most);
            assert_eq!(crowd.end(), most);
            // Workers keep a few for themselves.
            let many = most - 150;
            for round in 0..200 {
                let crowd = Crowd::new();
                if round % 2 == 0 {
                    let (made, error) = crowd.build(many);
                    assert_eq!(made, many, "round {round}: {error:?}");
                } else {
                    crowd.go(many);
                }
                crowd.await_running(many);
                assert_eq!(crowd.end(), many);
            }
        });
        is_over.store(true, Ordering::Relaxed);
        trims.join().expect("trims do not panic");
    });
    ended.assert_success();
}

/// Catches goroutines that are forgotten if they ask for a stack while a long trim has them all: when it
/// ends, nothing else happens that would serve them.
#[test]
fn who_waits_for_a_trim_gets_a_stack() {
    let name = "who_waits_for_a_trim_gets_a_stack";
    let small = [("GOMAXPROCS", "2"), ("GORS_STACK_SIZE", "40K")];
    let ended = child::run(name, &small, || {
        limit(libc::RLIMIT_AS, 32 << 30);
        gors::run(|| {
            for _ in 0..5 {
                let crowd = Crowd::new();
                let (most, _) = crowd.build(100_000);
                crowd.await_running(most);
                assert_eq!(crowd.end(), most);
                let cached = || gors::runtime::stats().stacks_cached;
                let before = cached();
                let trim = std::thread::spawn(gors::runtime::free_os_memory);
                // Until it has taken them, or the runtime did.
                while cached() >= before.max(1) && !trim.is_finished() {
                    std::hint::spin_loop();
                }
                let crowd = Crowd::new();
                // More than workers keep for themselves.
                crowd.go(1_000);
                crowd.await_running(1_000);
                assert_eq!(crowd.end(), 1_000);
                trim.join().expect("trims do not panic");
            }
        });
    });
    ended.assert_success();
}

/// Catches a limit so low that nothing fits, which must be said.
#[test]
fn an_address_space_without_room_for_stacks_is_named() {
    let ended = child::run(
        "an_address_space_without_room_for_stacks_is_named",
        &[],
        || {
            limit(libc::RLIMIT_AS, 160 << 20);
            let error = gors::Builder::new()
                .spawn(|| {})
                .expect_err("there is no room");
            assert!(error.to_string().contains("ulimit -v"), "{error}");
        },
    );
    ended.assert_success();
}

/// Uses mappings up until the kernel gives no more.
fn exhaust_mappings() {
    let page = 4096;
    let count = 200_000;
    // SAFETY: a fresh mapping, of which every other page changes its access. Nobody uses it.
    unsafe {
        let start = libc::mmap(
            ptr::null_mut(),
            count * page,
            libc::PROT_NONE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        );
        assert_ne!(start, libc::MAP_FAILED);
        for index in (1..count).step_by(2) {
            if libc::mprotect(start.byte_add(index * page), page, libc::PROT_READ) != 0 {
                return;
            }
        }
    }
    panic!("this machine allows more mappings than the test makes");
}

/// Catches a crash, an unguarded stack, or a goroutine that is lost when the process has no mapping left.
#[test]
fn an_exhausted_map_count_is_an_error() {
    let most: usize = std::fs::read_to_string("/proc/sys/vm/max_map_count")
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .expect("Linux has it");
    if most > 150_000 {
        eprintln!("left out: vm.max_map_count is {most}");
        return;
    }
    let name = "an_exhausted_map_count_is_an_error";
    let by_mprotect = child::run(
        name,
        &[("GORS_GUARDS", "mprotect"), ("GOMAXPROCS", "2")],
        || {
            gors::run(|| {
                let crowd = Crowd::new();
                let (made, error) = crowd.build(1_000);
                assert!(error.is_none(), "{error:?}");
                crowd.await_running(made);
                exhaust_mappings();
                let (more, error) = crowd.build(10_000);
                let error = error.expect("a guard needs mappings").to_string();
                assert!(error.contains("vm.max_map_count"), "{error}");
                crowd.go(1_000);
                assert_eq!(crowd.end(), made + more + 1_000);
            });
        },
    );
    by_mprotect.assert_success();
}

/// Catches stacks that cost mappings although there are guard markers.
#[test]
fn markers_need_no_mappings() {
    let ended = child::run("markers_need_no_mappings", &[("GOMAXPROCS", "2")], || {
        gors::run(|| {
            let crowd = Crowd::new();
            crowd.go(1);
            crowd.await_running(1);
            let mappings = || {
                let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux has it");
                maps.lines().count()
            };
            let before = mappings();
            crowd.go(20_000);
            crowd.await_running(20_001);
            let more = mappings() - before;
            // With `mprotect` it would be 40,000. The heap takes some.
            if more < 39_000 {
                assert!(more < 500, "{more} mappings for 20,000 stacks");
            }
            crowd.end();
        });
    });
    ended.assert_success();
}

/// Catches a crash, or a missing guard, where the kernel refuses markers because memory is locked.
#[test]
fn locked_memory_is_guarded_too() {
    let ended = child::run(
        "locked_memory_is_guarded_too",
        &[("GOMAXPROCS", "2")],
        || {
            // SAFETY: changes how memory of the process is kept.
            if unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE) } != 0 {
                eprintln!("left out: {}", io::Error::last_os_error());
                return;
            }
            gors::run(|| {
                let crowd = Crowd::new();
                let (made, error) = crowd.build(500);
                assert!(error.is_none() || made > 10, "{error:?}");
                crowd.await_running(made);
                assert_eq!(crowd.end(), made);
                gors::runtime::free_os_memory();
                let crowd = Crowd::new();
                assert!(
                    crowd.build(made).1.is_none(),
                    "stacks that were there before"
                );
                assert_eq!(crowd.end(), made);
            });
        },
    );
    ended.assert_success();
}

/// Catches free stacks that a worker keeps for itself while its thread waits in place, and a goroutine, for
/// which that thread waits, that gets none. There is address space for 1,024 stacks of a gigabyte.
#[test]
fn a_thread_that_waits_in_place_keeps_no_stacks() {
    let name = "a_thread_that_waits_in_place_keeps_no_stacks";
    let environment = [("GOMAXPROCS", "1"), ("GORS_STACK_SIZE", "1G")];
    child::run(name, &environment, || {
        gors::run(|| {
            let gate = make::<()>(0);
            let wg = WaitGroup::new();
            for _ in 0..40 {
                let gate = gate.clone();
                wg.go(move || assert_eq!(gate.recv(), None::<()>));
            }
            // Until each has a stack.
            while gors::runtime::stats().goroutines_waiting < 40 {
                gosched();
            }
            gate.close();
            wg.wait();
            gors::lock_os_thread();
            let (never, answer) = (make::<()>(0), make(0));
            for _ in 0..1_000 {
                go!(never.clone().recv());
            }
            let asked = answer.clone();
            go!(asked.send(7));
            // It does not run next.
            go!(gosched());
            assert_eq!(answer.recv(), Some(7));
        });
    })
    .assert_success();
}

/// Catches a hang when all that have a stack wait for one that has none.
#[test]
fn when_no_stack_can_come_free_the_program_ends() {
    let ended = child::wait(
        Command::new(child::example("deadlock"))
            .arg("stacks")
            .env("GORS_STACK_SIZE", "1G"),
    );
    ended.assert_fatal("fatal error: out of stacks");
    ended.assert_fatal("goroutines wait until a stack comes free");
    ended.assert_fatal("[sync.WaitGroup.Wait");
    // With stacks enough the same program ends.
    child::wait(Command::new(child::example("deadlock")).arg("stacks")).assert_success();
}
