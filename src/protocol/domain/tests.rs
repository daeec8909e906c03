//! How acts of administrators lie on the wire, and what is refused of them.
//!
//! Must never hold: what an act does.

use super::*;

fn read(act: u8, subject: &str, presence: u8) -> Result<Administer, Refusal> {
    Administer::from_body(body::Administer {
        request: 0,
        operation: [9; 16],
        act,
        subject: subject.to_owned(),
        presence,
        messaging: 0,
        recovery_delay: None,
        recovery_shows: None,
        quota: None,
        quota_max: None,
        recipients_keep: None,
    })
}

#[test]
fn each_act_reads_back() {
    let domain = || "d.example".parse().unwrap();
    let principal = || "bob@d.example".parse().unwrap();
    let (presence, messaging) = (Some(false), None);
    let acts = [
        Administration::CreateDomain(domain()),
        Administration::RemoveDomain(domain()),
        Administration::SwitchDomain { domain: domain(), presence, messaging },
        Administration::SwitchServices { principal: principal(), presence, messaging },
        Administration::Suspend(principal()),
        Administration::Resume(principal()),
        Administration::SetRecovery {
            domain: domain(),
            delay: Some(Lifetime::from_ms(5)),
            shows_earlier: Some(true),
        },
        Administration::SetQuota {
            owner: QuotaOwner::Domain(domain()),
            quota: Quota::Stored,
            max: Some(7),
        },
        Administration::SetErasure { domain: domain(), recipients_keep: false },
    ];
    for (number, act) in (1..).zip(acts) {
        let given = Administer { operation: OperationId([9; 16]), act };
        assert_eq!(given.to_body().act, number);
        assert_eq!(Administer::from_body(given.to_body()), Ok(given));
    }
    for wrong in [
        read(0, "d.example", 0),
        read(9, "d.example", 0),
        read(10, "d.example", 0),
        read(3, "d.example", 3),
    ] {
        assert!(matches!(wrong, Err(Refusal::BadField { .. })));
    }
}

#[test]
fn a_quota_is_named_and_of_eight_bytes_or_taken_back() {
    let owner = QuotaOwner::Principal("bob@d.example".parse().unwrap());
    let act = Administration::SetQuota { owner, quota: Quota::Events, max: None };
    let reset = Administer { operation: OperationId([9; 16]), act };
    assert_eq!(Administer::from_body(reset.to_body()), Ok(reset.clone()));
    let nameless = body::Administer { quota: None, ..reset.to_body() };
    let short = Some(Bytes::from_static(&[1; 7]));
    let short = body::Administer { quota_max: short, ..reset.to_body() };
    for wrong in [nameless, short] {
        assert!(matches!(Administer::from_body(wrong), Err(Refusal::BadField { .. })));
    }
}

#[test]
fn terms_of_another_length_are_refused() {
    let told = |wrong: &'static [u8]| {
        RecoveryPolicy::from_wire(Bytes::from_static(wrong)).unwrap_err().to_string()
    };
    for wrong in [&[0; 8][..], &[0; 10]] {
        assert_eq!(told(wrong), "the recovery policy must have 9 bytes; send that many");
    }
    let policy = RecoveryPolicy { shows_earlier: true, ..RecoveryPolicy::default() };
    assert_eq!(RecoveryPolicy::from_wire(policy.to_wire()), Ok(policy));
}

#[test]
fn what_is_not_said_of_a_switch_stays() {
    let administer = read(3, "example.com", 1).unwrap();
    assert_eq!(administer.act.switches(), (Some(false), None));
}

#[test]
fn what_recipients_keep_is_one_byte_and_never_left_out() {
    let domain = "d.example".parse().unwrap();
    let act = Administration::SetErasure { domain, recipients_keep: true };
    let set = Administer { operation: OperationId([9; 16]), act };
    assert_eq!(set.to_body().recipients_keep.as_deref(), Some(&[2][..]));
    for wrong in [None, Some(&[][..]), Some(&[0][..]), Some(&[3][..]), Some(&[1, 1][..])] {
        let recipients_keep = wrong.map(Bytes::copy_from_slice);
        let wrong = body::Administer { recipients_keep, ..set.to_body() };
        assert!(matches!(Administer::from_body(wrong), Err(Refusal::BadField { .. })));
    }
    let elsewhere = body::Administer { act: 1, ..set.to_body() };
    assert!(matches!(Administer::from_body(elsewhere), Err(Refusal::BadField { .. })));
    for (wire, told) in [(&[0][..], Some(false)), (&[1], Some(true)), (&[2], None), (&[], None)] {
        assert_eq!(bool::from_wire(Bytes::from_static(wire)).ok(), told);
    }
}
