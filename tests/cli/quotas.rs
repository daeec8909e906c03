//! `adsum quota` and what the doctor says of quotas, against a real server.
//!
//! Must never hold: a rule of the service that has a test of its own below the command line.

use serde_json::{Value, json};

use crate::processes::Site;

/// The line about `quota` among those that `arguments` list for `who`.
fn line(site: &Site, who: &str, arguments: &[&str], quota: &str) -> Value {
    let listed = site.run(who, &[&["quota"], arguments].concat()).lines();
    listed.into_iter().find(|line| line["quota"] == quota).unwrap()
}

#[test]
fn quotas_are_set_and_seen_with_one_command() {
    let mut site = Site::administered();
    let set = |site: &Site, who: &str, arguments: &[&str]| {
        site.run(who, &[&["quota"], arguments].concat())
    };
    let subscriptions = json!({
        "type": "quota", "quota": "subscriptions", "max": 1_000, "used": 0, "source": "operator",
    });
    assert_eq!(line(&site, "bob", &[], "subscriptions"), subscriptions);
    let changed = set(&site, "admin", &["set", "@localhost", "subscriptions", "5"]).line();
    assert_eq!(changed["type"], "changed");
    let of_domain = line(&site, "admin", &["list", "@localhost"], "subscriptions");
    assert_eq!((&of_domain["max"], &of_domain["source"]), (&json!(5), &json!("domain")));
    set(&site, "admin", &["set", "bob@localhost", "subscriptions", "0"]).line();
    let watch = ["watch", "pres:admin@localhost", "--until-caught-up"];
    let refused = site.run("bob", &watch);
    assert_eq!(refused.error(1), "subscriptions-full");
    assert!(refused.stderr.contains("ask an administrator of your domain"), "{}", refused.stderr);
    site.kill();
    site.start_again(&[]);
    let own = line(&site, "bob", &["list"], "subscriptions");
    assert_eq!((&own["max"], &own["source"]), (&json!(0), &json!("principal")));
    set(&site, "admin", &["reset", "bob@localhost", "subscriptions"]).line();
    assert_eq!(line(&site, "bob", &[], "subscriptions")["max"], 5);

    assert_eq!(
        set(&site, "bob", &["set", "bob@localhost", "subscriptions", "9"]).error(1),
        "forbidden"
    );
    assert_eq!(set(&site, "bob", &["list", "admin@localhost"]).error(1), "forbidden");
    assert_eq!(
        set(&site, "admin", &["set", "@localhost", "subscriptions", "1001"]).error(1),
        "too-large"
    );
    assert_eq!(set(&site, "admin", &["set", "@localhost", "feeds", "1"]).error(2), "usage");
    let acts = site.run("bob", &["domain", "acts"]).lines();
    assert_eq!(
        (&acts[0]["act"], &acts[0]["about"]),
        (&json!("set-quota"), &json!("subscriptions 0"))
    );
}

#[test]
fn the_doctor_tells_of_quotas_and_warns_when_one_is_nearly_taken() {
    let site = Site::administered();
    let quotas = |site: &Site| {
        let checks = site.run("bob", &["doctor"]).lines();
        checks.into_iter().find(|check| check["name"] == "bob@localhost quotas").unwrap()
    };
    let check = quotas(&site);
    let detail = check["detail"].as_str().unwrap();
    assert_eq!(check["result"], "ok");
    assert!(
        detail.contains("subscriptions 0 of 1000, ") && detail.contains("at most 1000"),
        "{detail}"
    );
    site.run("bob", &["publish", "open"]).line();
    site.run("admin", &["quota", "set", "bob@localhost", "log-bytes-a-day", "1"]).line();
    let check = quotas(&site);
    assert_eq!(check["result"], "warn");
    assert!(check["cure"].as_str().unwrap().starts_with("do less of log-bytes-a-day, or ask"));
}
