//! A disk that is full for a while: how long, what is refused meanwhile, and that it is over.
//!
//! Must never hold: how the server finds out.

use adsum::event::Event;
use adsum::log::Room;

use super::plan::{choose, happens};
use super::server::Server;
use super::trace::note;
use super::world::Scene;

/// How long a disk is full at most, mostly.
const FULL_MS: u64 = 3_000;

impl Server {
    /// One moment of the disk's room.
    pub(crate) fn live_with_room(&mut self, scene: &mut Scene) {
        if self.full_until.take_if(|until| scene.is_healing || *until <= scene.now).is_some() {
            note!(scene.trace, "there is room on the disk again");
            self.room = Room::Plenty;
        } else if !scene.is_healing
            && self.room == Room::Plenty
            && happens(&mut scene.rng, self.chances.disk_full)
        {
            self.room = *choose(&mut scene.rng, &[Room::Short, Room::Short, Room::None]);
            self.full_until = Some(scene.now + scene.rng.u64(1..FULL_MS));
            note!(scene.trace, "the disk is full: {:?}", self.room);
            scene.trace.count("full disks");
        }
        self.disk.set_room(self.room);
        scene.oracle.has_room(self.room == Room::Plenty);
    }
}

/// Whether an event is only there because somebody asked for it, and says something new.
pub(crate) fn is_new(event: &Event) -> bool {
    matches!(
        event,
        Event::Published(_)
            | Event::PublicationRefreshed(_)
            | Event::Subscribed(_)
            | Event::MessageAccepted(_)
            | Event::MessageQuarantined(_)
            | Event::DeviceEnrolled(_)
            | Event::InviteIssued(_)
            | Event::GrantGiven(_)
            | Event::AccessRulesAmended(_)
            | Event::DeliveryRulesAmended(_)
            | Event::VisibilityRulesAmended(_)
            | Event::OperationDone(_)
    )
}
