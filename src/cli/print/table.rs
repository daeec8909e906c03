//! Rows under one another: columns as wide as their widest cell for people, one object a line for programs.
//!
//! Must never hold: what a cell says.

use std::fmt;

use serde::{Serialize, Serializer};
use unicode_width::UnicodeWidthStr as _;

use crate::cli::print::output::Output;
use crate::cli::run::failure::Failure;

/// A row that is one of several.
pub(in crate::cli) trait Row: Serialize {
    /// What people read, one text a column. All rows of a table have as many.
    fn cells(&self) -> Vec<String>;
}

/// Prints `rows`, or for people `nothing` if there are none.
pub(in crate::cli) fn print<R: Row>(
    rows: impl IntoIterator<Item = R>,
    nothing: &str,
    output: &mut Output,
) -> Result<(), Failure> {
    let rows: Vec<R> = rows.into_iter().collect();
    if rows.is_empty() {
        return output.remark(nothing);
    }
    let cells: Vec<Vec<String>> = rows.iter().map(Row::cells).collect();
    let widths = widths(&cells);
    rows.iter()
        .zip(&cells)
        .try_for_each(|(row, cells)| output.line(&Aligned { row, cells, widths: &widths }))
}

fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.width()).max().unwrap_or(0)
    };
    (0..columns).map(width).collect()
}

struct Aligned<'a, R> {
    row: &'a R,
    cells: &'a [String],
    widths: &'a [usize],
}

impl<R: Serialize> Serialize for Aligned<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.row.serialize(serializer)
    }
}

impl<R> fmt::Display for Aligned<'_, R> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = String::new();
        // A column that is empty throughout takes no room.
        for (cell, width) in self.cells.iter().zip(self.widths).filter(|(_, width)| **width > 0) {
            line.push_str(cell);
            line.extend(core::iter::repeat_n(' ', width - cell.width() + 2));
        }
        to.write_str(line.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(rows: &[&[&str]]) -> Vec<String> {
        let cells: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect();
        let widths = widths(&cells);
        let line = |cells: &Vec<String>| Aligned { row: &(), cells, widths: &widths }.to_string();
        cells.iter().map(line).collect()
    }

    #[test]
    fn columns_stand_under_one_another_and_empty_ones_take_no_room() {
        assert_eq!(lines(&[&["a", "", "long", "x"], &["é", "", "y", ""]]), ["a  long  x", "é  y"]);
    }

    #[test]
    fn columns_are_as_wide_as_a_terminal_shows_them() {
        for (cell, blanks) in [
            ("東京支店", 2),
            ("ｱｲｳ", 7),
            ("e\u{301}te\u{301}", 7),
            ("\u{200f}שלום\u{200f}", 6),
            ("👩\u{200d}💻", 8),
            ("한국", 6),
        ] {
            let found = lines(&[&[cell, "x"], &["12345678", "x"]]);
            assert_eq!(found, [format!("{cell}{}x", " ".repeat(blanks)), "12345678  x".into()]);
        }
    }
}
