//! What the system says about the threads of this process.

#![allow(dead_code, reason = "no test file uses all of it")]

use std::fs;

/// The system's number of the calling thread, asked for anew at each call: nothing here remembers
/// it.
#[inline(never)]
pub(crate) fn current() -> u64 {
    let link = fs::read_link("/proc/thread-self").expect("/proc is mounted");
    let number = link.file_name().expect("the link names a task");
    number
        .to_string_lossy()
        .parse()
        .expect("tasks have numbers")
}

/// One thread of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Thread {
    pub(crate) id: u64,
    pub(crate) name: String,
    /// Context switches, of its own will and not.
    pub(crate) switches: u64,
    /// CPU time used, in clock ticks.
    pub(crate) cpu: u64,
}

/// All threads of the process.
pub(crate) fn all() -> Vec<Thread> {
    let mut threads: Vec<_> = fs::read_dir("/proc/self/task")
        .expect("/proc is mounted")
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let id = entry.file_name().to_string_lossy().parse().ok()?;
            // A thread that ends meanwhile has no files any more.
            let status = fs::read_to_string(entry.path().join("status")).ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            Some(Thread {
                id,
                name: field(&status, "Name:")?.to_owned(),
                switches: field(&status, "voluntary_ctxt_switches:")?
                    .parse::<u64>()
                    .ok()?
                    + field(&status, "nonvoluntary_ctxt_switches:")?
                        .parse::<u64>()
                        .ok()?,
                cpu: cpu(&stat)?,
            })
        })
        .collect();
    threads.sort_by_key(|thread| thread.id);
    threads
}

/// The threads that the runtime has started.
pub(crate) fn of_the_runtime() -> Vec<Thread> {
    let mut threads = all();
    threads.retain(|thread| thread.name.starts_with("gors"));
    threads
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .map(str::trim)
}

/// User and system time: the 12th and 13th field behind the name, which may hold spaces.
fn cpu(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse::<u64>);
    Some(times.next()?.ok()? + times.next()?.ok()?)
}
