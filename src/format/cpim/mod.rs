//! The message format of RFC 3862 (`message/cpim`): headers of its own around content with MIME headers.
//!
//! Nobody between sender and reader may change a byte of it, so [`Cpim`] keeps the bytes as they came and shows what
//! they say; what a server knows beside it (receive time, authenticated sender) is told beside it, never inside.
//! Must never hold: a way to change a message. To say more, wrap it in a new one.

mod address;
mod compose;
mod content;
mod escape;
mod header;
mod imdn;
mod mend;
mod message;
mod namespace;
mod parse;
mod stored;

pub use address::{Address, Party};
pub use compose::Draft;
pub use content::ContentHeader;
pub use header::{Header, Parameter};
pub use imdn::{IMDN, MESSAGE_ID};
pub use mend::{Mend, Mended, mend};
pub use message::{CONTENT_TYPE, Cpim, Subject};
pub use namespace::{CORE, Name};
pub use parse::parse;
pub use stored::{is_cpim, stored};
