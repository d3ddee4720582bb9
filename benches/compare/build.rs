//! Records the compiler that builds the contenders, for the report.

use std::env;
use std::process::Command;

fn main() {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = Command::new(rustc)
        .arg("--version")
        .output()
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .unwrap_or_else(|| "unknown rustc".to_owned());
    println!("cargo::rustc-env=GORS_COMPARE_RUSTC={}", version.trim());
    println!(
        "cargo::rustc-env=GORS_COMPARE_PROFILE={}",
        env::var("PROFILE").unwrap_or_default()
    );
    println!("cargo::rerun-if-changed=build.rs");
}
