//! A small, strict XML 1.0 with namespaces: enough to read documents of others and to carry parts of them on.
//!
//! quick-xml cuts the text into tokens; everything it leaves to its caller is checked here: characters, names,
//! attributes, namespaces, entities, depth. What passes is well-formed for any other parser, so that an element may
//! be stored and sent on as it is. There is no DTD and no entity beyond the five that XML predefines.
//! Must never hold: knowledge of a vocabulary, or anything that loads what a text names.

mod chars;
mod element;
mod encoding;
mod reader;
mod scope;
mod tag;
mod tree;

pub(super) use chars::{attribute, is_space, text};
pub(super) use element::{capture, root_value, standalone};
pub(super) use encoding::document_text;
pub(super) use reader::{Reader, Token};
pub(super) use tag::Start;
pub(super) use tree::{Node, document_tree, tree};
