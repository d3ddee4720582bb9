//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::contenders;
use crate::rows::{self, Row};

/// gors beside Go, tokio, may and the channel crates.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Cli {
    /// Never typed by hand.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What to run.
    #[command(flatten)]
    pub options: Options,
}

/// Hidden subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs one program of one contender in this process.
    #[command(hide = true)]
    Child(Request),
}

/// What a child is to run; the parent writes it, [`Request::words`].
#[derive(Clone, Debug, Args)]
pub(crate) struct Request {
    /// The contender's name.
    pub contender: String,
    /// The program's name.
    pub program: String,
    /// Permits.
    pub procs: usize,
    /// Size, 0 for a timed row.
    pub n: u64,
    /// Target time of a timed row, in milliseconds.
    pub target_ms: u64,
    /// First parameter.
    pub a: u64,
    /// Second parameter.
    pub b: u64,
}

impl Request {
    /// The words that a Rust child is started with.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words = vec![
            "child".to_owned(),
            self.contender.clone(),
            self.program.clone(),
        ];
        words.push(self.procs.to_string());
        words.extend([self.n, self.target_ms, self.a, self.b].map(|number| number.to_string()));
        words
    }

    /// The words that the Go binary is started with.
    pub(crate) fn go_words(&self) -> Vec<String> {
        let mut words = vec![self.program.clone()];
        words.extend([self.n, self.target_ms, self.a, self.b].map(|number| number.to_string()));
        words
    }
}

/// What to run and where to write it.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Rows to run: names, chapters, or a prefix with `*`
    #[arg(long, value_name = "ROW", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Contenders to run
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub contender: Vec<String>,
    /// Small sizes, at most five minutes
    #[arg(long)]
    pub quick: bool,
    /// Permits (GOMAXPROCS) to run with; default 1,2 as far as there are CPUs
    #[arg(long, value_name = "N", value_delimiter = ',')]
    pub procs: Vec<usize>,
    /// Rounds for every row, instead of 5 for short rows and 2 for long ones
    #[arg(long, value_name = "N")]
    pub rounds: Option<usize>,
    /// Minutes after which no further round begins; default 50, quick 4, none with --rounds
    #[arg(long, value_name = "N")]
    pub minutes: Option<u64>,
    /// Seconds after which a child counts as hanging; default 15 to 60 by the row, quick 10
    #[arg(long, value_name = "SECONDS")]
    pub limit: Option<u64>,
    /// Folder for results.json, tables.md and the charts
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// List rows and contenders and stop
    #[arg(long)]
    pub list: bool,
    /// Print results.json instead of tables
    #[arg(long)]
    pub json: bool,
    /// Say how far an earlier results.json agrees, and mark the rows that do not as noisy
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// Run nothing and report this results.json
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// Put the tables between the markers of this Markdown file, and the charts into the folder of its name
    #[arg(long, value_name = "FILE")]
    pub docs: Option<PathBuf>,
}

impl Options {
    /// Where the results go.
    pub(crate) fn out_dir(&self) -> PathBuf {
        self.out.clone().unwrap_or_else(|| {
            let target =
                std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
            target.join("compare")
        })
    }

    /// The rows asked for, or what is wrong with the request.
    pub(crate) fn rows(&self) -> Result<Vec<Row>, String> {
        let all = rows::all();
        for wanted in &self.only {
            if !all.iter().any(|row| matches(row, wanted)) {
                return Err(format!("no row `{wanted}`; --list shows all"));
            }
        }
        let chosen =
            |row: &Row| self.only.is_empty() || self.only.iter().any(|wanted| matches(row, wanted));
        Ok(all.into_iter().filter(chosen).collect())
    }

    /// The contenders asked for, in the order of the tables.
    pub(crate) fn contenders(&self) -> Result<Vec<&'static contenders::Contender>, String> {
        for name in &self.contender {
            if contenders::by_name(name).is_none() {
                return Err(format!("no contender `{name}`; --list shows all"));
            }
        }
        let chosen = |name: &str| {
            self.contender.is_empty() || self.contender.iter().any(|wanted| wanted == name)
        };
        Ok(contenders::ALL
            .iter()
            .filter(|contender| chosen(contender.name))
            .collect())
    }

    /// The permit counts asked for, given the number of CPUs.
    pub(crate) fn procs(&self, cpus: usize) -> Result<Vec<usize>, String> {
        if self.procs.is_empty() {
            return Ok((1..=cpus.min(2)).collect());
        }
        match self.procs.iter().find(|&&procs| procs == 0 || procs > cpus) {
            Some(procs) => Err(format!("--procs {procs}: this process may use {cpus} CPUs")),
            None => Ok(self.procs.clone()),
        }
    }
}

/// Does the word of `--only` mean this row?
fn matches(row: &Row, wanted: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(prefix) => row.name.starts_with(prefix),
        None => row.name == wanted || row.area.slug() == wanted,
    }
}

/// `--list`.
pub(crate) fn list() {
    println!("contenders");
    for contender in &contenders::ALL {
        println!("  {:24} {}", contender.name, contender.about);
    }
    let mut area = None;
    for row in rows::all() {
        if area != Some(row.area) {
            area = Some(row.area);
            println!("{}", row.area.slug());
        }
        println!("  {:24} {}", row.name, row.op);
    }
}
