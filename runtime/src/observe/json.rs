//! A file that holds a valid JSON array after each write.
//!
//! What is added goes over the closing bracket, with a new one behind it, in one `pwrite`. So the file
//! is whole however the process ends; what is lost is what was not written yet. (A process that is
//! killed within the write itself, some microseconds, may leave half a line.)

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// See the [module](self).
pub(super) struct JsonArray {
    file: File,
    /// Where the closing bracket is.
    end: u64,
    is_empty: bool,
    /// Elements that were not written yet, each with its separator.
    pending: Vec<u8>,
}

impl JsonArray {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let file = File::create(path)?;
        file.write_all_at(b"[\n]\n", 0)?;
        Ok(Self {
            file,
            end: 2,
            is_empty: true,
            pending: Vec::new(),
        })
    }

    /// Adds an element, which is valid JSON.
    pub(super) fn push(&mut self, element: &str) {
        if !self.is_empty {
            self.pending.extend_from_slice(b",\n");
        }
        self.is_empty = false;
        self.pending.extend_from_slice(element.as_bytes());
    }

    /// Bytes that wait to be written.
    pub(super) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Writes what was added. An error loses it.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let added = self.pending.len() as u64;
        self.pending.extend_from_slice(b"\n]\n");
        // The separator of the next element stands before the line's end, which is overwritten too.
        let written = self.file.write_all_at(&self.pending, self.end);
        self.pending.clear();
        written?;
        self.end += added;
        Ok(())
    }
}

/// `text` as a JSON string, with its quotes.
pub(super) fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if u32::from(c) < 0x20 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches a file that is cut off, or has a comma too many, between two writes.
    #[test]
    fn the_file_is_whole_after_each_write() {
        let path = std::env::temp_dir().join(format!("gors-json-{}", std::process::id()));
        let mut array = JsonArray::create(&path).unwrap();
        let read = || std::fs::read_to_string(&path).unwrap();
        assert_eq!(read(), "[\n]\n");
        array.push("1");
        array.push(&string("a\"\\\n"));
        assert_eq!(read(), "[\n]\n");
        array.flush().unwrap();
        assert_eq!(read(), "[\n1,\n\"a\\\"\\\\\\u000a\"\n]\n");
        array.push("3");
        array.flush().unwrap();
        array.flush().unwrap();
        assert_eq!(read(), "[\n1,\n\"a\\\"\\\\\\u000a\",\n3\n]\n");
        std::fs::remove_file(&path).unwrap();
    }
}
