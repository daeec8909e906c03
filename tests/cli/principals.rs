//! `adsum principals`, against a real server.
//!
//! Must never hold: a rule of the service that has a test of its own below the command line.

use serde_json::json;

use crate::processes::Site;

#[test]
fn an_administrator_lists_who_has_a_name_and_others_are_told_whom_to_ask() {
    let site = Site::administered();
    let lines = site.run("admin", &["principals"]).lines();
    let of = |name: &str| lines.iter().find(|line| line["principal"] == name).unwrap();
    let bob = of("bob@localhost");
    assert_eq!((&bob["type"], &bob["role"]), (&json!("principal"), &json!("user")));
    assert_eq!((&bob["devices"], &bob["suspended"]), (&json!(1), &json!(false)));
    assert_eq!(of("admin@localhost")["role"], "administrator");
    assert_eq!(site.run("admin", &["principals", "localhost"]).lines(), lines);
    let refused = site.run("bob", &["principals"]);
    assert_eq!(refused.error(1), "forbidden");
    assert!(refused.stderr.contains("ask an administrator of localhost"), "{}", refused.stderr);
}
