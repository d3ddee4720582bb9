//! Runs models, and mutants of the sources under them, each in a process of its own: a model that
//! fails leaves loom in no state to go on, and two cores run two at a time.
//!
//! ```text
//! cargo test --manifest-path tests/loom_models/Cargo.toml [-- WORD…] [--mutants none] [--list]
//! ```
//!
//! A word selects the models whose names contain it. A mutant that its model does not notice is a failure.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::mutant::Mutant;
use crate::once;

/// A model.
#[derive(Clone, Copy)]
pub struct Model {
    pub name: &'static str,
    /// What it checks, in a line.
    pub property: &'static str,
    pub body: fn(),
    /// Preemptions a thread may suffer in an execution; `None`: all executions there are.
    pub preemptions: Option<usize>,
    pub mutants: &'static [Mutant],
}

impl Model {
    /// As the table of docs/reliability.md has it.
    fn row(&self) -> String {
        let mutants = self.mutants.len();
        format!("| {} | {} | {mutants} |", self.name, self.property)
    }
}

/// The table shall say what is run.
fn not_in_the_table(models: &[Model]) -> Vec<String> {
    let path = root().join("docs/reliability.md");
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    models
        .iter()
        .map(Model::row)
        .filter(|row| !text.lines().any(|line| line == row))
        .map(|row| format!("not in {}: {row}", path.display()))
        .collect()
}

/// A child that runs for longer has not shown anything.
const LIMIT: Duration = Duration::from_secs(240);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

/// Explores the model in this process.
fn explore(model: &Model) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(model.preemptions);
    builder.max_branches = 5_000;
    let executions = std::sync::Arc::new(AtomicUsize::new(0));
    let count = executions.clone();
    let body = model.body;
    builder.check(move || {
        let number = count.fetch_add(1, Ordering::Relaxed);
        if std::env::var_os("MODEL_TRACE").is_some() {
            println!("execution {number}");
        }
        once::next_execution();
        body();
    });
    println!("{} executions", executions.load(Ordering::Relaxed));
}

struct Job {
    model: usize,
    mutant: Option<usize>,
}

/// The `main` of a test that consists of models.
pub fn main(models: &[Model]) -> ExitCode {
    let mut words = Vec::new();
    let (mut with_mutants, mut child) = (true, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--mutants" => with_mutants = arguments.next().as_deref() != Some("none"),
            "--child" => child = arguments.next(),
            "--list" => {
                for model in models {
                    println!("{}", model.row());
                }
                return ExitCode::SUCCESS;
            }
            option if option.starts_with('-') => {}
            _ => words.push(argument),
        }
    }
    if let Some(job) = child {
        return run_child(models, &job);
    }
    let mut jobs = Vec::new();
    for (index, model) in models.iter().enumerate() {
        if !words.is_empty() && !words.iter().any(|word| model.name.contains(word.as_str())) {
            continue;
        }
        jobs.push(Job {
            model: index,
            mutant: None,
        });
        let mutants = if with_mutants { model.mutants.len() } else { 0 };
        jobs.extend((0..mutants).map(|mutant| Job {
            model: index,
            mutant: Some(mutant),
        }));
    }
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(not_in_the_table(models));
    let workers = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(jobs.len());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(failure) = run(&models[job.model], job) {
                        failures.lock().unwrap().push(failure);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    for failure in &failures {
        println!("\n---- {failure}");
    }
    println!("\nmodels: {} runs, {} failed", jobs.len(), failures.len());
    if failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn run_child(models: &[Model], job: &str) -> ExitCode {
    let (name, mutant) = job.split_once('/').expect("MODEL/MUTANT");
    let model = models
        .iter()
        .find(|model| model.name == name)
        .expect("a model");
    if let Ok(index) = mutant.parse::<usize>()
        && let Err(error) = model.mutants[index].activate(&root())
    {
        println!("{error}");
        return ExitCode::from(2);
    }
    explore(model);
    ExitCode::SUCCESS
}

fn run(model: &Model, job: &Job) -> Result<(), String> {
    let mutant = job.mutant.map(|index| &model.mutants[index]);
    let what = match mutant {
        None => model.name.to_owned(),
        Some(mutant) => format!(
            "{} without {}: {} {:?}",
            model.name,
            mutant.file,
            mutant.line.trim(),
            mutant.change
        ),
    };
    if let Some(Err(error)) = mutant.map(|mutant| mutant.line(&root())) {
        return Err(error);
    }
    let begin = Instant::now();
    let id = job.mutant.map_or("-".to_owned(), |index| index.to_string());
    let log =
        std::env::temp_dir().join(format!("model-{}-{}-{id}", std::process::id(), model.name));
    let output = std::fs::File::create(&log).map_err(|error| error.to_string())?;
    let mut child = Command::new(std::env::current_exe().map_err(|error| error.to_string())?)
        .args(["--child", &format!("{}/{id}", model.name)])
        .stdout(output.try_clone().map_err(|error| error.to_string())?)
        .stderr(output)
        .env(
            "RUST_BACKTRACE",
            std::env::var("MODEL_BACKTRACE").unwrap_or("0".to_owned()),
        )
        .stdin(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            break Some(status);
        }
        if begin.elapsed() > LIMIT {
            let _ = child.kill();
            let _ = child.wait();
            break None;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let text = std::fs::read_to_string(&log).unwrap_or_default();
    let _ = std::fs::remove_file(&log);
    let took = begin.elapsed().as_secs_f32();
    let Some(status) = status else {
        return Err(format!("{what}: not done after {took:.0} s"));
    };
    match (mutant, status.success()) {
        (None, true) => {
            println!(
                "model {what} ... ok, {} ({took:.1} s)",
                text.trim().lines().last().unwrap_or("")
            );
            Ok(())
        }
        (None, false) => Err(format!("{what}: {status}\n{text}")),
        (Some(_), true) => Err(format!("{what}: not noticed ({took:.1} s)")),
        (Some(_), false) if text.contains("Is the model fully deterministic") => {
            Err(format!("{what}: {status}\n{text}"))
        }
        (Some(_), false) => {
            let why = text
                .lines()
                .find(|line| {
                    let about = ["thread ", "gors: "].iter().any(|it| line.starts_with(it));
                    !about && !line.trim().is_empty()
                })
                .unwrap_or("");
            println!("mutant {what} ... noticed: {why} ({took:.1} s)");
            Ok(())
        }
    }
}
