//! What the process uses and what the machine has, as far as `/proc` says so.

/// Bytes of memory that are resident now.
pub(crate) fn resident() -> Option<u64> {
    field("/proc/self/status", "VmRSS:")
}

/// The most bytes of memory that were ever resident.
pub(crate) fn resident_peak() -> Option<u64> {
    field("/proc/self/status", "VmHWM:")
}

/// Bytes that the machine can give without swapping.
pub(crate) fn available() -> Option<u64> {
    field("/proc/meminfo", "MemAvailable:")
}

fn field(file: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// Bytes for people: `1.4 GiB`, `312 MiB`, `840 B`.
pub(crate) fn in_words(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    let mut number = bytes as f64;
    let mut units = ["B", "KiB", "MiB", "GiB", "TiB"].into_iter();
    let mut unit = units.next();
    while number >= 1024.0
        && let Some(larger) = units.next()
    {
        number /= 1024.0;
        unit = Some(larger);
    }
    let digits = usize::from(number < 100.0 && unit != Some("B"));
    format!("{number:.digits$} {}", unit.unwrap_or_default())
}
