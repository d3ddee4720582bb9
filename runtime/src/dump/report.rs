//! A snapshot in the form of Go's dumps.

use std::backtrace::Backtrace;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::time::Duration;

use super::snapshot::{Seen, Snapshot};
use super::symbols;
use crate::raw::WaitReason;

/// So many goroutines that do the same are listed one by one.
const ONE_BY_ONE: usize = 10;
/// Numbers that are listed of a group.
const LISTED: usize = 12;

/// Goroutines with equal keys are listed together.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    doing: String,
    created: Option<(&'static str, u32, u32)>,
    stack: Option<usize>,
    name: Option<std::sync::Arc<str>>,
}

/// Writes all, `own` (the goroutine that asked, and where it is) first.
pub(super) fn write(
    mut snapshot: Snapshot,
    leaked: &HashSet<u64>,
    own: Option<(u64, Backtrace)>,
) -> String {
    let mut out = String::new();
    for seen in &mut snapshot.goroutines {
        seen.is_leaked = seen.reason != WaitReason::None && leaked.contains(&seen.id);
    }
    let leaked = snapshot.goroutines.iter().filter(|seen| seen.is_leaked);
    let leaked = leaked.count();
    if leaked != 0 {
        let _ = writeln!(out, "leaked goroutines, which can never wake: {leaked}\n");
    }
    let own_id = own.as_ref().map_or(0, |(id, _)| *id);
    let (first, others): (Vec<_>, Vec<_>) = snapshot
        .goroutines
        .into_iter()
        .partition(|seen| seen.id == own_id);
    if let Some((_, backtrace)) = &own {
        for seen in first {
            headline(&mut out, &seen, "running", None);
            out.push_str(&symbols::own(backtrace));
            footer(&mut out, &[seen]);
        }
    }
    for group in groups(others) {
        let stack = group[0].stack.map_or("", |index| &snapshot.stacks[index]);
        if group.len() <= ONE_BY_ONE {
            for seen in group {
                headline(&mut out, &seen, &doing(&seen), seen.waits_since);
                out.push_str(stack);
                footer(&mut out, &[seen]);
            }
        } else {
            together(&mut out, &group);
            out.push_str(stack);
            footer(&mut out, &group);
        }
    }
    out
}

/// Those that do the same, in order of each group's first number; small groups fall apart.
fn groups(goroutines: Vec<Seen>) -> Vec<Vec<Seen>> {
    let mut places = HashMap::new();
    let mut groups: Vec<Vec<Seen>> = Vec::new();
    for seen in goroutines {
        let key = Key {
            doing: doing(&seen),
            created: seen
                .created
                .map(|place| (place.file(), place.line(), place.column())),
            stack: seen.stack,
            name: seen.name.clone(),
        };
        let place = *places.entry(key).or_insert(groups.len());
        if place == groups.len() {
            groups.push(Vec::new());
        }
        groups[place].push(seen);
    }
    let mut sorted = Vec::new();
    for group in groups {
        if group.len() <= ONE_BY_ONE {
            sorted.extend(group.into_iter().map(|seen| vec![seen]));
        } else {
            sorted.push(group);
        }
    }
    sorted.sort_by_key(|group| group[0].id);
    sorted
}

fn doing(seen: &Seen) -> String {
    let mut text = match seen.reason {
        WaitReason::None if seen.is_new => "runnable",
        WaitReason::None => "running or runnable",
        reason => reason.as_str(),
    }
    .to_owned();
    if seen.is_locked {
        text.push_str(", locked to thread");
    }
    if seen.is_leaked {
        text.push_str(", leaked");
    }
    if let Some(holder) = seen.holder {
        match holder {
            crate::raw::PLAIN_THREAD => text.push_str(", holder: a plain thread"),
            id if id == seen.id => text.push_str(", holder: itself"),
            id => {
                let _ = write!(text, ", holder: goroutine {id}");
            }
        }
    }
    text
}

fn headline(out: &mut String, seen: &Seen, doing: &str, age: Option<Duration>) {
    let _ = write!(out, "goroutine {}", seen.id);
    if let Some(name) = &seen.name {
        let _ = write!(out, " {name:?}");
    }
    let _ = writeln!(out, " [{}]:", with_age(doing, age.and_then(in_words)));
}

/// The age comes after the reason, before what else is said, as in Go.
fn with_age(doing: &str, age: Option<String>) -> String {
    match age {
        None => doing.to_owned(),
        Some(age) => match doing.split_once(", ") {
            Some((reason, more)) => format!("{reason}, {age}, {more}"),
            None => format!("{doing}, {age}"),
        },
    }
}

fn together(out: &mut String, group: &[Seen]) {
    let _ = write!(out, "{} goroutines", group.len());
    if let Some(name) = &group[0].name {
        let _ = write!(out, " {name:?}");
    }
    let ages = group.iter().filter_map(|seen| seen.waits_since);
    let age = match (ages.clone().min(), ages.max()) {
        (Some(least), Some(most)) => match (in_words(least), in_words(most)) {
            (Some(least), Some(most)) if least != most => Some(format!("{least} to {most}")),
            (None, Some(most)) => Some(format!("up to {most}")),
            (_, most) => most,
        },
        _ => None,
    };
    let _ = write!(out, " [{}]:", with_age(&doing(&group[0]), age));
    for seen in group.iter().take(LISTED) {
        let _ = write!(out, " {}", seen.id);
    }
    if let Some(last) = group[LISTED.min(group.len())..].last() {
        let _ = write!(out, " … {}", last.id);
    }
    out.push('\n');
}

fn footer(out: &mut String, group: &[Seen]) {
    if let Some(created) = group[0].created {
        let _ = writeln!(out, "created at {created}");
    }
    let used = group.iter().filter_map(|seen| seen.used);
    let least = used.clone().map(|(used, _)| used).min();
    if let (Some(least), Some((most, size))) = (least, used.max()) {
        // What is known is known to a page.
        let [least, most, size] =
            [least, most, size].map(|bytes| bytes.next_multiple_of(4096) >> 10);
        let _ = if least == most {
            writeln!(out, "stack used: {most} of {size} KiB")
        } else {
            writeln!(out, "stack used: {least} to {most} of {size} KiB")
        };
    }
    out.push('\n');
}

/// How long something lasts; nothing if that is hardly anything.
pub(super) fn in_words(age: Duration) -> Option<String> {
    let seconds = age.as_secs();
    match seconds {
        0 if age.as_millis() == 0 => None,
        0 => Some(format!("{} ms", age.as_millis())),
        1..10 => Some(format!("{:.1} s", age.as_secs_f64())),
        10..60 => Some(format!("{seconds} s")),
        60..120 => Some("1 minute".to_owned()),
        _ => Some(format!("{} minutes", seconds / 60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_said_in_few_words() {
        let say = |ms| in_words(Duration::from_millis(ms));
        assert_eq!(in_words(Duration::from_micros(999)), None);
        assert_eq!(say(540).as_deref(), Some("540 ms"));
        assert_eq!(say(1540).as_deref(), Some("1.5 s"));
        assert_eq!(say(59_999).as_deref(), Some("59 s"));
        assert_eq!(say(60_000).as_deref(), Some("1 minute"));
        assert_eq!(say(7_300_000).as_deref(), Some("121 minutes"));
        assert_eq!(
            with_age(
                "chan receive, locked to thread",
                Some("2 minutes".to_owned())
            ),
            "chan receive, 2 minutes, locked to thread"
        );
    }
}
