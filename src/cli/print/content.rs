//! What people see of a body: its text, and of what is no text its type and size.
//!
//! Must never hold: text that could steer a terminal.

use crate::cli::print::text::{indented, visible_line};
use crate::format::mime::Piece;

/// The lines for `pieces`, each behind two blanks; `cure` says how to get what is not shown.
pub(in crate::cli) fn lines(pieces: &[Piece], cure: &str) -> Vec<String> {
    pieces.iter().flat_map(|piece| piece_lines(piece, cure)).collect()
}

fn piece_lines(piece: &Piece, cure: &str) -> Vec<String> {
    match piece {
        // Plain text needs no word about it; other text is shown as its source.
        Piece::Text { kind, text } if kind == "text/plain" => vec![indented(text)],
        Piece::Text { kind, text } => vec![format!("  ({})", visible_line(kind)), indented(text)],
        Piece::Other { kind, bytes, reason } => {
            let reason = if reason.is_empty() {
                String::new()
            } else {
                format!(" {}", visible_line(reason))
            };
            vec![format!("  ({}, {bytes} bytes{reason}; {cure})", visible_line(kind))]
        }
    }
}
