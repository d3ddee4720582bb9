//! What stands beside every published number: machine, versions, commit.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::golang;

/// Where and of what the figures are.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// The processor's name.
    pub cpu: String,
    /// CPUs this process may use.
    pub cpus: usize,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Operating system and kernel.
    pub kernel: String,
    /// `transparent_hugepage`, which changes memory figures.
    pub huge_pages: String,
    /// The compiler of the Rust contenders.
    pub rustc: String,
    /// The compiler of the Go programs.
    pub go: Option<String>,
    /// The commit of this repository.
    pub commit: Option<String>,
    /// Were there changes on top of it?
    pub modified: bool,
    /// Versions of the peers.
    pub peers: BTreeMap<String, String>,
    /// When the run began, in seconds since 1970.
    pub unix_time: u64,
}

impl Machine {
    /// Looks around.
    pub(crate) fn here(cpus: usize) -> Self {
        Self {
            cpu: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned()),
            cpus,
            memory_mib: memory_kib("MemTotal") / 1024,
            kernel: command("uname", &["-srm"]).unwrap_or_else(|| "unknown".to_owned()),
            huge_pages: fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled")
                .map(|text| text.trim().to_owned())
                .unwrap_or_default(),
            rustc: env!("GORS_COMPARE_RUSTC").to_owned(),
            go: golang::version(),
            commit: command("git", &["rev-parse", "--short=12", "HEAD"]),
            modified: command("git", &["status", "--porcelain"])
                .is_some_and(|text| !text.is_empty()),
            peers: peer_versions(),
            unix_time: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |now| now.as_secs()),
        }
    }

    /// One paragraph for a report.
    pub(crate) fn sentence(&self) -> String {
        let commit = self.commit.as_deref().unwrap_or("no commit");
        let modified = if self.modified { " with changes" } else { "" };
        let peers: Vec<String> = self
            .peers
            .iter()
            .map(|(name, version)| format!("{name} {version}"))
            .collect();
        format!(
            "{}, {} CPUs, {} GiB, {}, transparent huge pages {}; {}; {}; gors {commit}{modified}; {}",
            self.cpu,
            self.cpus,
            self.memory_mib.div_ceil(1024),
            self.kernel,
            self.huge_pages,
            self.rustc,
            self.go.as_deref().unwrap_or("no Go"),
            peers.join(", "),
        )
    }
}

/// A line of `/proc/meminfo`, in KiB.
pub(crate) fn memory_kib(name: &str) -> u64 {
    field("/proc/meminfo", name)
        .and_then(|text| {
            text.split_whitespace()
                .next()
                .and_then(|number| number.parse().ok())
        })
        .unwrap_or(0)
}

/// The value behind the first `name :` in a file of such lines.
fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

/// What a command prints, run in this crate's folder.
fn command(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The peers' versions from the lock file that is nearest above this crate.
fn peer_versions() -> BTreeMap<String, String> {
    const PEERS: [&str; 5] = ["crossbeam-channel", "flume", "kanal", "may", "tokio"];
    let lock = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .find_map(|folder| fs::read_to_string(folder.join("Cargo.lock")).ok())
        .unwrap_or_default();
    let quoted = |line: &str, key: &str| -> Option<String> {
        Some(line.strip_prefix(key)?.trim().trim_matches('"').to_owned())
    };
    let mut versions = BTreeMap::new();
    let mut lines = lock.lines();
    while let Some(line) = lines.next() {
        let Some(name) = quoted(line, "name = ") else {
            continue;
        };
        if !PEERS.contains(&name.as_str()) {
            continue;
        }
        if let Some(version) = lines.next().and_then(|line| quoted(line, "version = ")) {
            versions.insert(name, version);
        }
    }
    versions
}
