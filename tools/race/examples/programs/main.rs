//! Small programs for the race detector: those of `racy` have one race each, those of `clean` are their
//! twins that synchronise.
//!
//! ```text
//! cargo gors-race run -p gors-race --example programs -- counter
//! cargo gors-race run -p gors-race --example programs -- --list
//! ```

mod cell;
mod clean;
mod racy;

/// A program and its name.
type Program = (&'static str, fn());

fn main() {
    let name = std::env::args().nth(1).unwrap_or_default();
    if name == "--list" {
        for (name, _) in racy::PROGRAMS {
            println!("racy {name}");
        }
        for (name, _) in clean::PROGRAMS {
            println!("clean {name}");
        }
        return;
    }
    let mut all = racy::PROGRAMS.iter().chain(clean::PROGRAMS);
    let Some((_, program)) = all.find(|(known, _)| *known == name) else {
        eprintln!("no program {name:?}; --list names them");
        std::process::exit(1);
    };
    gors::run(program);
}
