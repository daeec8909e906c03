//! The folder that a command writes to.
//!
//! Must never hold: what is written there.

use std::fs;
use std::path::Path;

use super::failure::Failure;

/// Whether nothing is in the way in `path`: it is not there, or an empty folder.
pub(in crate::cli) fn check_empty(path: &Path) -> Result<(), Failure> {
    if !path.exists() {
        return Ok(());
    }
    let mut listed = fs::read_dir(path).map_err(|error| Failure::io("list", path, &error))?;
    if listed.next().is_none() {
        return Ok(());
    }
    let folder = path.display();
    let message = format!("{folder} is not empty; name another folder");
    Err(Failure::failed("not-empty", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_something_in_it_is_in_the_way() {
        let folder = tempfile::tempdir().unwrap();
        check_empty(folder.path()).unwrap();
        check_empty(&folder.path().join("none")).unwrap();
        fs::write(folder.path().join("x"), "x").unwrap();
        let folder_name = folder.path().display();
        let told = format!("{folder_name} is not empty; name another folder");
        assert_eq!(check_empty(folder.path()).unwrap_err().message(), told);
    }
}
