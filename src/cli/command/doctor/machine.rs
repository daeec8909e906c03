//! Checks of the files of this machine's identities.
//!
//! Must never hold: a connection.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::check::Check;
use crate::cli::run::cure;
use crate::client::{Home, Identity};
use crate::model::Principal;

/// What was found.
pub(super) struct Found {
    /// What there is to tell.
    pub(super) checks: Vec<Check>,
    /// The identities that can be used.
    pub(super) identities: Vec<Identity>,
}

/// Checks the folder of identities, and the identity of `wanted`, or all of them. A machine that has a store needs none.
pub(super) fn check(home: &Home, wanted: Option<&Principal>, has_store: bool) -> Found {
    let identities = match wanted {
        Some(principal) => home.identity(principal).map(|identity| vec![identity]),
        None => home.identities(),
    };
    let identities = match identities {
        Ok(identities) => identities,
        Err(error) => {
            return Found {
                checks: vec![Check::fail("identities", cure::of_state(&error))],
                identities: Vec::new(),
            };
        }
    };
    let mut checks = vec![count(home, &identities, has_store)];
    if home.path().exists() {
        checks.push(private("home", home.path()));
    }
    for identity in &identities {
        let name = format!("{} key", identity.principal);
        let folder = identity.folder().unwrap_or_else(|| home.path());
        checks.push(private(&name, &folder.join("device.key")));
    }
    Found { checks, identities }
}

fn count(home: &Home, identities: &[Identity], has_store: bool) -> Check {
    let path = home.path().display();
    if identities.is_empty() && !has_store {
        let cure =
            "run `adsum enroll NAME@DOMAIN --server HOST:PORT`, or name the folder with --home";
        return Check::warn("identities", format!("none in {path}"), cure);
    }
    let names: Vec<String> =
        identities.iter().map(|identity| identity.principal.to_string()).collect();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    Check::ok("identities", format!("{names} in {path}"))
}

/// Whether nobody else can read `path`.
fn private(name: &str, path: &Path) -> Check {
    let shown = path.display();
    let mode = match fs::metadata(path) {
        Ok(found) => found.permissions().mode() & 0o777,
        Err(error) => {
            return Check::fail(
                name,
                format!("cannot read {shown}: {error}; make it yours with chown"),
            );
        }
    };
    let others = mode & 0o077;
    if others == 0 {
        return Check::ok(name, format!("{shown} is for its owner only"));
    }
    let cure = format!("run `chmod go= {shown}`");
    Check::warn(
        name,
        format!("{shown} has mode {mode:o}: others of this machine can get at it"),
        cure,
    )
}

#[cfg(test)]
mod tests {
    use super::super::check::Verdict;
    use super::*;

    #[test]
    fn a_machine_without_identities_is_told_how_to_enroll() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("none"));
        let found = check(&home, None, false);
        assert_eq!(found.checks[0].result, Verdict::Warn);
        let cure =
            "run `adsum enroll NAME@DOMAIN --server HOST:PORT`, or name the folder with --home";
        assert_eq!(found.checks[0].cure.as_deref(), Some(cure));
        assert_eq!(check(&home, None, true).checks[0].result, Verdict::Ok);
    }

    #[test]
    fn a_principal_that_is_not_enrolled_here_is_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let principal = "alice@localhost".parse().unwrap();
        let found = check(&Home::at(folder.path()), Some(&principal), true);
        assert_eq!(found.checks[0].result, Verdict::Fail);
    }

    #[test]
    fn a_file_that_others_can_read_is_told_with_the_cure() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).unwrap();
        let check = private("key", file.path());
        assert_eq!(check.result, Verdict::Warn);
        assert!(check.cure.unwrap().starts_with("run `chmod go= "));
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(private("key", file.path()).result, Verdict::Ok);
        let gone = private("key", Path::new("/none/key"));
        assert_eq!(
            format!("{}; {}", gone.detail, gone.cure.unwrap()),
            "cannot read /none/key: No such file or directory (os error 2); make it yours with chown"
        );
    }
}
