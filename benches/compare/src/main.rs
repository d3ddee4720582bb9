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

/// A whole run, from the build of the Go programs to the report.
fn compare(options: &Options) -> Result<(), Box<dyn Error>> {
    let out = options.out_dir();
    fs::create_dir_all(&out)?;
    if cfg!(debug_assertions) {
        eprintln!("gors-compare: this is a debug build; figures mean nothing without --release");
    }
    let results = runner::run(options, &out)?;
    report::write(&results, &out)?;
    if options.json {
        println!("{}", report::json::text(&results)?);
    } else {
        report::terminal::print(&results);
        println!(
            "results.json, tables.md and charts are in {}",
            out.display()
        );
    }
    if let Some(earlier) = &options.against {
        report::agreement::print(&results, earlier)?;
    }
    Ok(())
}
