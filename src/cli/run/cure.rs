//! Which command cures what the layers below refuse or cannot do.
//!
//! Below, a message names thing, cause and cure in words that hold for every program. Whoever typed a command is told
//! what to type instead.
//! Must never hold: a thing or a cause; whoever refuses knows them.

use crate::backup::BackupFault;
use crate::client::{ClientError, StateError};
use crate::log::LogFault;
use crate::model::{Quota, Refusal, RefusalCode};
use crate::server::ServerError;

/// The words of `error` for whoever typed a command.
pub(in crate::cli) fn of_client(error: &ClientError) -> String {
    match error {
        ClientError::Refused(refused) => of_code(refused.code, refused.to_string()),
        ClientError::Invalid(refusal) => of_refusal(refusal),
        ClientError::State(error) => of_state(error),
        _ => error.to_string(),
    }
}

/// The words of a refusal that was made before anything was sent.
pub(in crate::cli) fn of_refusal(refusal: &Refusal) -> String {
    of_code(Some(refusal.code()), refusal.to_string())
}

/// The words of what is wrong with the files of identities.
pub(in crate::cli) fn of_state(error: &StateError) -> String {
    let cure = match error {
        StateError::NoIdentity { principal, .. } => format!("run `adsum enroll {principal}`"),
        StateError::Nobody { .. } => "run `adsum enroll NAME@DOMAIN`".to_owned(),
        StateError::NoHome => "name one with --home, or set ADSUM_HOME".to_owned(),
        StateError::AlreadyEnrolled { .. } => {
            "put that identity aside with `adsum enroll --replace`".to_owned()
        }
        StateError::SeveralIdentities { .. } => "say which one with --as".to_owned(),
        StateError::NothingPublished { .. } => {
            "see what stands with `adsum publications`, or publish first".to_owned()
        }
        _ => return error.to_string(),
    };
    instead(&error.to_string(), &cure)
}

/// The words of a fault of the log.
pub(in crate::cli) fn of_log(fault: &LogFault) -> String {
    let cure = match fault {
        LogFault::Checkpoint { .. } => "start with --rebuild-views to fold the log anew",
        LogFault::Locked { .. } => "stop it, or name another --data folder",
        LogFault::NoStore { .. } => "name the folder that `adsum serve --data` uses",
        _ => return fault.to_string(),
    };
    instead(&fault.to_string(), cure)
}

/// The words of what is wrong with a backup.
pub(in crate::cli) fn of_backup(fault: &BackupFault) -> String {
    let cure = match fault {
        BackupFault::HoldsKeys { .. } => {
            "give them again with --with-keys, or take them out with --without-keys"
        }
        _ => return fault.to_string(),
    };
    instead(&fault.to_string(), cure)
}

/// The words of why a server does not start.
pub(in crate::cli) fn of_server(error: &ServerError) -> String {
    let cure = match error {
        ServerError::Log(fault) => return of_log(fault),
        ServerError::Refused(refusal) => return of_refusal(refusal),
        ServerError::NoDomain => "name at least one with --domain",
        ServerError::WhichDomain { .. } => "name the one that is meant with --domain",
        ServerError::Listen { transport: "UDP", .. } => return format!("{error} with --listen"),
        ServerError::Listen { .. } => return format!("{error} with --http"),
        _ => return error.to_string(),
    };
    instead(&error.to_string(), cure)
}

fn of_code(code: Option<RefusalCode>, message: String) -> String {
    let cure = match code {
        _ if message.ends_with(Quota::ASK) => return message,
        Some(RefusalCode::SubscriptionsFull) => "end one with `adsum unwatch`".to_owned(),
        // The message begins with whom it is about.
        Some(RefusalCode::UnknownPrincipal) => {
            format!("run `adsum enroll {}`", message.split(' ').next().unwrap_or_default())
        }
        Some(RefusalCode::InviteNeeded) => {
            "ask an administrator for one, or start the server with --open-enrollment".to_owned()
        }
        Some(RefusalCode::DevicesFull) => "revoke one with `adsum keys revoke`".to_owned(),
        Some(RefusalCode::NoDevice) => "list them with `adsum keys list`".to_owned(),
        Some(RefusalCode::InvitesFull) => {
            "withdraw some with `adsum invites withdraw`, or let them run out".to_owned()
        }
        Some(RefusalCode::NoPublication) => "list them with `adsum publications`".to_owned(),
        Some(RefusalCode::NoInvite) => "list them with `adsum invites`".to_owned(),
        Some(RefusalCode::NoRecovery) => "list them with `adsum recovery`".to_owned(),
        Some(RefusalCode::RecoveryOpen) => {
            "withdraw that one first with `adsum invites withdraw`".to_owned()
        }
        Some(RefusalCode::RecoveryNeeded) => {
            let name = message.split(' ').next().unwrap_or_default();
            format!(
                "run `adsum invite {name} --recover` if its devices are lost, or have one of them make the invite"
            )
        }
        // The message begins with whom it is about.
        Some(RefusalCode::Erased) => {
            let name = message.split(' ').next().unwrap_or_default();
            format!(
                "have an administrator of its domain run `adsum erase {name} --yes` for the certificate"
            )
        }
        Some(RefusalCode::NoMessage) => "list them with `adsum inbox`".to_owned(),
        Some(RefusalCode::Anonymous) => {
            "leave --anonymous out, or start the server with --anonymous".to_owned()
        }
        _ => return message,
    };
    instead(&message, &cure)
}

/// `message` with `cure` behind its last semicolon, where its own cure stands.
fn instead(message: &str, cure: &str) -> String {
    let about = message.rsplit_once("; ").map_or(message, |(about, _)| about);
    format!("{about}; {cure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(refusal: &Refusal, cure: &str) {
        let (below, here) = (refusal.to_string(), of_refusal(refusal));
        assert!(!below.contains("adsum ") && !below.contains("--"), "{below}");
        assert!(here.ends_with(cure), "{here}");
        assert_eq!(here.split("; ").count(), below.split("; ").count(), "{here}");
    }

    #[test]
    fn whoever_typed_a_command_is_told_what_to_type() {
        let over = |quota, max| Refusal::OverQuota { quota, max, retry_after: None };
        told(&over(Quota::Subscriptions, 3), "; end one with `adsum unwatch`");
        told(&over(Quota::Subscriptions, 0), "; ask an administrator of your domain for some");
        let principal = "alice@localhost".to_owned();
        told(&Refusal::UnknownPrincipal { principal }, "; run `adsum enroll alice@localhost`");
        let cure = "ask an administrator for one, or start the server with --open-enrollment";
        told(&Refusal::InviteNeeded, cure);
        told(&Refusal::DevicesFull { max: 3 }, "; revoke one with `adsum keys revoke`");
        told(&Refusal::NoDevice { device: "ab".into() }, "; list them with `adsum keys list`");
        let invite = "ab".to_owned();
        told(&Refusal::NoInvite { invite }, "; list them with `adsum invites`");
        let invite = "ab".to_owned();
        told(&Refusal::NoRecovery { invite }, "; list them with `adsum recovery`");
        let bob = || "bob@localhost".to_owned();
        let cure = "; have an administrator of its domain run `adsum erase bob@localhost --yes` for the certificate";
        told(&Refusal::Erased { principal: bob() }, cure);
        let cure = "; withdraw that one first with `adsum invites withdraw`";
        told(&Refusal::RecoveryOpen { principal: bob() }, cure);
        let cure = "; run `adsum invite bob@localhost --recover` if its devices are lost, or have one of them make the invite";
        told(&Refusal::RecoveryNeeded { principal: bob() }, cure);
        told(
            &over(Quota::Invites, 3),
            "; withdraw some with `adsum invites withdraw`, or let them run out",
        );
        told(
            &Refusal::InvitesFull { max: 3 },
            "; withdraw some with `adsum invites withdraw`, or let them run out",
        );
        let address = "im:alice@localhost".to_owned();
        told(&Refusal::NoMessage { address, sequence: 1 }, "; list them with `adsum inbox`");
        let cure = "; leave --anonymous out, or start the server with --anonymous";
        told(&Refusal::Anonymous { action: "enter here".to_owned() }, cure);
    }

    #[test]
    fn whoever_has_other_files_than_a_command_needs_is_told_which() {
        let checkpoint = LogFault::Checkpoint { key: "k".into(), reason: "cut".into() };
        let which = ServerError::WhichDomain { domains: "a, b".into() };
        let several = StateError::SeveralIdentities { principals: vec!["a@d".into()] };
        for (told, cure) in [
            (of_log(&checkpoint), "; start with --rebuild-views to fold the log anew"),
            (of_server(&which), "; name the one that is meant with --domain"),
            (of_state(&several), "; say which one with --as"),
            (of_state(&StateError::NoHome), "; name one with --home, or set ADSUM_HOME"),
        ] {
            assert!(told.ends_with(cure), "{told}");
        }
    }

    #[test]
    fn what_no_command_cures_stays_as_it_is() {
        let refusal = Refusal::InboxFull { max: 3 };
        assert_eq!(of_refusal(&refusal), refusal.to_string());
        assert_eq!(of_log(&LogFault::Poisoned), LogFault::Poisoned.to_string());
    }

    #[test]
    fn an_operator_is_told_which_flag_helps() {
        let fault = |path: &str| LogFault::Locked { path: path.into() };
        assert_eq!(
            of_log(&fault("/d")),
            "the store /d is in use by another adsum process; stop it, or name another --data folder"
        );
        assert_eq!(of_server(&ServerError::Log(fault("/d"))), of_log(&fault("/d")));
        assert_eq!(
            of_server(&ServerError::NoDomain),
            "no domain is served; name at least one with --domain"
        );
        for (transport, flag) in [("UDP", "--listen"), ("TCP", "--http")] {
            let source = std::io::ErrorKind::AddrInUse.into();
            let address = "127.0.0.1:1".parse().unwrap();
            let told = of_server(&ServerError::Listen { transport, address, source });
            assert!(told.ends_with(&format!("; stop what uses it, or choose another with {flag}")));
        }
    }
}
