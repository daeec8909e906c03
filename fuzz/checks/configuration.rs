//! Configuration: a file of settings, or what a client keeps of who it is, ends in what it says or in a fault, and what is written of it
//! reads as the same.
//!
//! Input: the first byte says whose file it is, the rest is the file.
//! Must never hold: a panic of its own for any input, except when a promise is broken.

use std::fs;

use adsum::cli::settings_of;
use adsum::client::Home;

/// The key of the device that the client's file must name.
const KEY: &str = "-----BEGIN PRIVATE KEY-----
MFMCAQEwBQYDK2VwBCIEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
oSMDIQA7aie8zrakLWKjqNAqbw1zZTIVdx3iQ6Y6wEihi1naKQ==
-----END PRIVATE KEY-----
";

/// Takes `data` for a file of settings of a server, or for a client's of who it is.
pub(crate) fn check(data: &[u8]) {
    let Some((&whose, text)) = data.split_first() else { return };
    if whose & 1 == 0 { settings(text) } else { identity(text) }
}

fn settings(text: &[u8]) {
    let Ok(text) = core::str::from_utf8(text) else { return };
    match settings_of(text) {
        Ok(printed) => assert_eq!(settings_of(&printed).as_ref(), Ok(&printed), "from {text}"),
        Err(fault) => assert!(!fault.is_empty(), "it says what is wrong with {text}"),
    }
}

/// Whatever else the file says, its owner may say where its server is from now on.
fn identity(text: &[u8]) {
    let place = tempfile::tempdir().expect("there is room for a folder");
    let home = Home::at(place.path().join("home"));
    let folder = home.path().join("alice@example.com");
    fs::create_dir_all(&folder).expect("there is room for a folder");
    fs::write(folder.join("device.key"), KEY).expect("there is room for a file");
    fs::write(folder.join("identity.toml"), text).expect("there is room for a file");
    let Ok(found) = home.only_identity() else { return };
    let (principal, key) = (found.principal.clone(), found.server_key);
    if home.identity(&principal).is_err() {
        // It stands in the folder of somebody else.
        return;
    }
    let server = "elsewhere.example:2".parse().expect("it is an address");
    home.set_server(&principal, &server).expect("what reads is written");
    let again = home.only_identity().expect("what was written reads");
    assert_eq!((&again.principal, &again.server, again.server_key), (&principal, &server, key));
    assert_eq!(again.credentials().public_key(), found.credentials().public_key());
}
