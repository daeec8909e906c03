//! Where a command reads what it sends: a file, or standard input.
//!
//! Must never hold: bytes that were changed, or a stream without end read to its end.

use std::io::{self, Read};
use std::path::Path;

use crate::cli::run::failure::Failure;

/// The name of standard input among files.
const STDIN: &str = "-";
const STDIN_NAME: &str = "standard input";

/// Reads a file, or standard input if its name is `-`, up to one byte more than `bytes_max`: enough to see that it is
/// too large.
pub(in crate::cli) fn read(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    if is_standard(path) {
        return read_from(io::stdin().lock(), Path::new(STDIN_NAME), bytes_max);
    }
    let file = std::fs::File::open(path).map_err(|error| Failure::io("open", path, &error))?;
    read_from(file, path, bytes_max)
}

/// Whether a file's name is that of standard input.
pub(in crate::cli) fn is_standard(path: &Path) -> bool {
    path == Path::new(STDIN)
}

/// What to call a file in a message to people.
pub(in crate::cli) fn name(path: &Path) -> String {
    if is_standard(path) { STDIN_NAME.to_owned() } else { path.display().to_string() }
}

fn read_from(from: impl Read, path: &Path, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    from.take(bytes_max as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::io("read", path, &error))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_without_end_is_read_one_byte_beyond_the_limit() {
        let bytes = read_from(io::repeat(b'x'), Path::new("f"), 1_000).unwrap();
        assert_eq!(bytes.len(), 1_001);
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let failure = read(Path::new("/nowhere/at-all"), 10).unwrap_err();
        assert_eq!(failure.exit(), 1);
        assert!(failure.message().contains("/nowhere/at-all"), "{failure:?}");
    }
}
