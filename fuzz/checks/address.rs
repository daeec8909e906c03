//! Addresses, tokens and names: what reads is written so that it reads as the same, and one account has one spelling.
//!
//! Must never hold: a panic of its own for any input, except when a promise is broken.

use core::fmt::{Debug, Display};
use core::str::FromStr;

use adsum::client::{InviteToken, KeyHash, ServerAddress};
use adsum::model::{
    DeviceId, Domain, InboxAddress, OperationId, Presentity, Principal, Priority, QuotaOwner,
    Receipts, Rights, TupleId, Who,
};
use adsum::protocol::RulesOwner;
use adsum::server::Network;

/// Takes `data` for each kind of name that people write.
pub(crate) fn check(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else { return };
    reads_back::<Domain>(text);
    tokens_and_names(text);
    for principal in [text.parse().ok(), Principal::recorded(text).ok()].into_iter().flatten() {
        one_account(&principal);
    }
    let written = reads_back::<Principal>(text);
    let presentity = reads_back::<Presentity>(text);
    let inbox = reads_back::<InboxAddress>(text);
    if let (Some(principal), Some(presentity), Some(inbox)) = (written, presentity, inbox) {
        assert_eq!(principal, presentity.principal(), "{text:?} is two accounts");
        assert_eq!(principal, inbox.principal(), "{text:?} is two accounts");
    }
    if let Ok(id) = TupleId::new(text) {
        assert_eq!(id.as_str(), text, "an id is kept as it is");
    }
}

fn tokens_and_names(text: &str) {
    reads_back::<InviteToken>(text);
    reads_back::<ServerAddress>(text);
    reads_back::<KeyHash>(text);
    reads_back::<Network>(text);
    reads_back::<DeviceId>(text);
    reads_back::<OperationId>(text);
    reads_back::<RulesOwner>(text);
    reads_back::<QuotaOwner>(text);
    reads_back::<Who>(text);
    reads_back::<Receipts>(text);
    reads_back::<Rights>(text);
    reads_back::<Priority>(text);
}

fn reads_back<T: FromStr + Display + Eq>(text: &str) -> Option<T>
where
    T::Err: Debug,
{
    let value: T = text.parse().ok()?;
    let written = value.to_string();
    let again = written.parse::<T>();
    assert!(again.is_ok_and(|again| again == value), "{text:?} was written as {written:?}");
    Some(value)
}

/// What is stored of a principal leads back to it, also by way of what belongs to it.
fn one_account(principal: &Principal) {
    let stored = principal.account();
    assert_eq!(Principal::recorded(stored).as_ref(), Ok(principal));
    assert_eq!(stored, format!("{}@{}", principal.local(), principal.domain()));
    assert_eq!(principal.presentity().principal(), *principal);
    assert_eq!(principal.inbox().principal(), *principal);
}
