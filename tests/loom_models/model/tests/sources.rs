//! What the models rest on: that the sources take their atomics from `shim`.

use std::path::Path;

/// Catches a file whose atomics, locks or pauses no model can replace.
#[test]
fn atomics_come_from_the_shim() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let mut others = Vec::new();
    let mut folders = vec![root.join("runtime/src"), root.join("chan/src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") && !path.ends_with("shim.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                for (index, line) in text.lines().enumerate() {
                    let code = line.split("//").next().unwrap_or_default();
                    let names = [
                        "std::sync::atomic",
                        "core::sync::atomic",
                        "hint::spin_loop",
                        "parking_lot",
                    ];
                    if names.iter().any(|name| code.contains(name))
                        && !code.contains("shim::")
                        && !text[..text.find(line).unwrap_or(0)].contains("#[cfg(test)]")
                    {
                        others.push(format!("{}:{}: {line}", path.display(), index + 1));
                    }
                }
            }
        }
    }
    assert!(
        others.is_empty(),
        "not from the shim:\n{}",
        others.join("\n")
    );
}
