//! What ends by itself. Expiry is an event like any other, so that replay reads no clock.
//!
//! Must never hold: when it is checked.

use crate::event::{
    Event, InviteCause, InviteEnded, MessageCause, MessageEnded, PublicationCause,
    PublicationEnded, SubscriptionEnded,
};
use crate::model::EndReason;
use crate::view::{Due, Views};

/// The event that ends what is due.
pub(in crate::service) fn end_of(views: &Views, due: &Due) -> Event {
    match due {
        Due::Invite(invite) => {
            Event::InviteEnded(InviteEnded { invite: *invite, cause: InviteCause::Expired })
        }
        Due::Publication(presentity, publication) => {
            let view = views
                .presentity(presentity)
                .expect("what is due exists: due times mirror the entities");
            Event::PublicationEnded(PublicationEnded {
                presentity: presentity.clone(),
                publication: publication.clone(),
                cause: PublicationCause::Expired,
                previous: view.changed_at,
                others: view.documents_at(publication),
            })
        }
        Due::Subscription(watcher, presentity) => Event::SubscriptionEnded(SubscriptionEnded {
            watcher: watcher.clone(),
            presentity: presentity.clone(),
            reason: EndReason::Timeout,
        }),
        Due::Message(inbox, sequence) => Event::MessageEnded(MessageEnded {
            inbox: inbox.clone(),
            sequence: *sequence,
            cause: MessageCause::Expired,
        }),
    }
}
