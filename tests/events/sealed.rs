//! Events of devices, whose names are what people wrote; and one as it is stored, once that is sealed.
//!
//! Must never hold: anything random or taken from a clock; golden files are made of these.

use adsum::event::{DeviceEnrolled, Ended, Event, PrincipalErased};
use adsum::model::{InviteId, Payload, PublicKey, Role};

use super::{alice, at};

fn enrolled() -> DeviceEnrolled {
    DeviceEnrolled {
        principal: alice(),
        key: PublicKey([7; 32]),
        label: Payload::text("phone"),
        role: Role::User,
        invite: Some(InviteId([0xab; 32])),
    }
}

/// One or more of every kind.
pub(super) fn samples() -> Vec<(&'static str, Event)> {
    let open = DeviceEnrolled { role: Role::Administrator, invite: None, ..enrolled() };
    let ended = Ended {
        devices: 1,
        publications: 2,
        subscriptions: 3,
        watchers: 4,
        grants: 5,
        invites: 6,
        rules: 7,
        received: 8,
        sent: 300,
    };
    let erased = PrincipalErased { principal: alice(), by: None, name_free_at: at(9), ended };
    let by_itself = PrincipalErased { by: Some(alice()), ..erased.clone() };
    vec![
        ("invited", Event::DeviceEnrolled(enrolled())),
        ("open", Event::DeviceEnrolled(open)),
        ("erased", Event::PrincipalErased(erased)),
        ("by itself", Event::PrincipalErased(by_itself)),
    ]
}

/// What no log gives back: a reader opens it.
pub(super) fn stored() -> Vec<(&'static str, Event)> {
    let label = Payload::Sealed(vec![0x5e; 64].into());
    vec![("sealed", Event::DeviceEnrolled(DeviceEnrolled { label, ..enrolled() }))]
}
