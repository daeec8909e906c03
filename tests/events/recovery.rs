//! Events about recoveries of names.
//!
//! Must never hold: anything random or taken from a clock; golden files are made of these.

use adsum::event::{
    DeviceConfined, Event, InviteCause, InviteEnded, RecoveryAnnounced, RecoveryPolicyChanged,
    RecoveryStarted,
};
use adsum::model::{
    ContentType, InboxSequence, InviteId, Lifetime, MessageId, Payload, RECOVERY_TYPE,
    RecoveryPolicy, Role, Sequence,
};

use super::{alice, at, bob, device};

/// One or more of every kind.
pub(super) fn samples() -> Vec<(&'static str, Event)> {
    let invite = InviteId([0xab; 32]);
    let started = RecoveryStarted {
        invite,
        principal: bob(),
        role: Role::User,
        by: Some(alice()),
        device: Some(device()),
        effective_at: at(100),
        expires_at: at(250),
        shows_earlier: false,
    };
    let operated = RecoveryStarted {
        role: Role::Administrator,
        by: None,
        device: None,
        shows_earlier: true,
        ..started.clone()
    };
    let announced = RecoveryAnnounced {
        inbox: bob().inbox(),
        sequence: InboxSequence::new(300),
        sender: alice(),
        id: MessageId::new("recovery-abababababababab").unwrap(),
        content_type: ContentType::new(RECOVERY_TYPE).unwrap(),
        body: Payload::text("a recovery of your name was started"),
    };
    let confined =
        DeviceConfined { principal: bob(), device: device(), before: Sequence::new(300) };
    let (former, former_until) = (RecoveryPolicy::default(), at(100));
    let policy = RecoveryPolicy { delay: Lifetime::from_ms(3_600_000), shows_earlier: true };
    let domain = "example.com".parse().unwrap();
    let changed = RecoveryPolicyChanged { domain, policy, former, former_until, by: alice() };
    let cause = InviteCause::Refused { by: bob(), device: device() };
    vec![
        ("started", Event::RecoveryStarted(started)),
        ("operated", Event::RecoveryStarted(operated)),
        ("announced", Event::RecoveryAnnounced(announced)),
        ("confined", Event::DeviceConfined(confined)),
        ("changed", Event::RecoveryPolicyChanged(changed)),
        ("refused", Event::InviteEnded(InviteEnded { invite, cause })),
    ]
}
