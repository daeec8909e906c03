//! What ends by itself. Expiry is an event like any other, so that replay reads no clock.
//!
//! Must never hold: when things are due (see `view`).

use super::message::Removal;
use super::{message, rules};
use crate::event::{
    Event, InviteCause, InviteEnded, MessageCause, PublicationCause, PublicationEnded,
    PublicationKey, SubscriptionEnded, SubscriptionMoved,
};
use crate::model::{
    EndReason, Moment, Presentity, Principal, ReceiptKind, SubscriptionState, Timestamp,
};
use crate::service::case::Case;
use crate::view::Due;

/// The events that end what is due at `at`, in elapsed time.
pub(in crate::service) fn end_of(case: Case<'_>, due: &Due, at: Timestamp) -> Vec<Event> {
    match due {
        Due::Invite(invite) => {
            let ended = InviteEnded { invite: *invite, cause: InviteCause::Expired };
            vec![Event::InviteEnded(ended)]
        }
        Due::Publication(presentity, publication) => {
            vec![publication_expired(case, presentity, publication)]
        }
        Due::Subscription(watcher, presentity) => {
            vec![subscription_expired(case, watcher, presentity)]
        }
        Due::Message(inbox, sequence) => {
            let end =
                Removal { cause: MessageCause::Expired, receipt: ReceiptKind::Expired, reason: "" };
            message::removed(case, inbox, [*sequence], &end)
        }
        Due::Rules(principal) => vec![rules::reviewed(principal, case.ahead.shown(at))],
    }
}

fn publication_expired(
    case: Case<'_>,
    presentity: &Presentity,
    publication: &PublicationKey,
) -> Event {
    let view = case.views.presentity(presentity);
    let view = view.expect("what is due exists: due times mirror the entities");
    Event::PublicationEnded(PublicationEnded {
        presentity: presentity.clone(),
        publication: publication.clone(),
        cause: PublicationCause::Expired,
        previous: view.changed_at,
        others: view.documents_at(publication),
    })
}

/// A subscription ran out. A request to watch that nobody decided is kept for the presentity, until that runs out too.
fn subscription_expired(case: Case<'_>, watcher: &Principal, presentity: &Presentity) -> Event {
    let view = case.views.watcher(watcher).and_then(|view| view.live(presentity));
    let view = view.expect("what is due exists: due times mirror the entities");
    let (watcher, presentity) = (watcher.clone(), presentity.clone());
    let give_up_at = view.requested_at.after(case.config.request_lifetime);
    let reason = match view.state {
        SubscriptionState::Pending if view.expires_at < give_up_at => {
            return Event::SubscriptionMoved(SubscriptionMoved {
                watcher,
                presentity,
                state: SubscriptionState::Waiting,
                expires_at: give_up_at,
                is_visible: true,
                shown_at: Moment::ZERO,
            });
        }
        SubscriptionState::Pending | SubscriptionState::Waiting => EndReason::GiveUp,
        _ => EndReason::Timeout,
    };
    Event::SubscriptionEnded(SubscriptionEnded { watcher, presentity, reason })
}
