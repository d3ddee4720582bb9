//! gors beside Go and its Rust peers: the same work in one run, in one table.
//!
//! `gors-compare` starts a process for every row, permit count, contender and
//! round: itself, with a hidden subcommand, for the Rust contenders, and a
//! binary built from `go/` for Go. It pins the process to as many CPUs as there
//! are permits, interleaves the contenders, and reports medians, ratios and
//! memory as tables, JSON and charts. `README.md` says how to run and read it.
//!
//! The way of a number: [`rows`] says what is measured, [`contenders`] have the
//! programs, [`measure`] is what they measure with, [`child`] runs one of them,
//! [`runner`] runs all of them, [`results`] compares, [`report`] shows.

mod child;
mod cli;
mod contenders;
mod golang;
mod machine;
mod measure;
mod report;
mod results;
mod rows;
mod runner;
mod shapes;
mod stats;
mod tasks;

use std::error::Error;
use std::fs;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command, Options};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match &cli.command {
        Some(Command::Child(request)) => child::run_here(request),
        None if cli.options.list => {
            cli::list();
            Ok(())
        }
        None => compare(&cli.options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gors-compare: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A whole run, from the build of the Go programs to the report; or with
/// `--from` the report alone.
fn compare(options: &Options) -> Result<(), Box<dyn Error>> {
    let out = options.out_dir();
    fs::create_dir_all(&out)?;
    if cfg!(debug_assertions) && options.from.is_none() {
        eprintln!("gors-compare: this is a debug build; figures mean nothing without --release");
    }
    let mut results = match &options.from {
        Some(file) => report::json::read(file)?,
        None => runner::run(options, &out)?,
    };
    let mut differ = Vec::new();
    if let Some(earlier) = &options.against {
        differ = report::agreement::mark(&mut results, &report::json::read(earlier)?);
    }
    report::write(&results, &out)?;
    if let Some(document) = &options.docs {
        report::docs::update(&results, document)?;
    }
    if options.json {
        println!("{}", report::json::text(&results)?);
    } else {
        report::terminal::print(&results);
        println!(
            "results.json, tables.md and charts are in {}",
            out.display()
        );
    }
    for line in differ {
        eprintln!("{line}");
    }
    if let Some(agreement) = &results.agreement {
        eprintln!("{agreement}");
    }
    // A peer that fails is a result; gors failing is a fault.
    let failures = results.gors_failures();
    if !failures.is_empty() {
        return Err(format!("gors failed in\n  {}", failures.join("\n  ")).into());
    }
    Ok(())
}
