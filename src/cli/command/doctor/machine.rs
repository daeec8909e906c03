//! Checks of the files of this machine's identities.
//!
//! Must never hold: a connection.

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
        Some(principal) => home.identity_as_it_is(principal).map(|identity| vec![identity]),
        None => home.identities_as_they_are(),
    };
    // What may be wrong with the files tells why an identity cannot be used, too.
    let files = private(home);
    let identities = match identities {
        Ok(identities) => identities,
        Err(error) => {
            let mut checks = vec![Check::fail("identities", cure::of_state(&error))];
            checks.extend(files);
            return Found { checks, identities: Vec::new() };
        }
    };
    let mut checks = vec![count(home, &identities, has_store)];
    checks.extend(files);
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

/// Whether nobody else of this machine can get at the files.
fn private(home: &Home) -> Vec<Check> {
    if !home.path().exists() {
        return Vec::new();
    }
    Check::of_files(&home.path().display().to_string(), &home.unsafe_files())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

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
    fn a_file_that_others_can_read_is_told_with_the_cure_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        let set_mode = |mode| fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode));
        set_mode(0o700).unwrap();
        assert_eq!(private(&home)[0].result, Verdict::Ok);
        set_mode(0o755).unwrap();
        for _ in 0..2 {
            let checks = private(&home);
            assert_eq!(checks[0].result, Verdict::Warn);
            let cure = format!("run `chmod 700 {}`", folder.path().display());
            assert_eq!(checks[0].cure.as_deref(), Some(cure.as_str()));
        }
        assert!(private(&Home::at(folder.path().join("none"))).is_empty());
    }
}
