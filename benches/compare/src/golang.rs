//! Builds the Go programs, or says why not.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds `go/` into `out` and returns the binary, or the reason that stands in
/// Go's column instead.
pub(crate) fn build(out: &Path) -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("go");
    // The command runs in the source folder, so the output must be absolute.
    let binary = std::path::absolute(out.join("gors-compare-go"))
        .map_err(|error| format!("{}: {error}", out.display()))?;
    let output = Command::new("go")
        .args(["build", "-o"])
        .arg(&binary)
        .arg(".")
        .current_dir(&source)
        // Only the standard library is used: nothing is ever downloaded.
        .env("GOFLAGS", "-trimpath")
        .env("GOPROXY", "off")
        .env("GOTOOLCHAIN", "local")
        .output();
    match output {
        Ok(output) if output.status.success() => Ok(binary),
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr);
            Err(format!(
                "`go build` failed: {}",
                text.lines().last().unwrap_or("no message")
            ))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err("no `go` on PATH: install Go 1.27 from https://go.dev/dl".to_owned())
        }
        Err(error) => Err(format!("`go build` did not start: {error}")),
    }
}

/// What `go version` says.
pub(crate) fn version() -> Option<String> {
    let output = Command::new("go")
        .arg("version")
        .env("GOTOOLCHAIN", "local")
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().trim_start_matches("go version ").to_owned())
}
