//! Numbers as a row of bars that a terminal shows.
//!
//! Must never hold: what the numbers count.

/// From the lowest to the highest.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A bar for each number, the largest as high as a bar can be. Zero is a blank, anything more at least the lowest bar.
pub(super) fn bars(numbers: &[u64]) -> String {
    let max = numbers.iter().copied().max().unwrap_or_default();
    let height = |number: u64| (u128::from(number) * 8).div_ceil(u128::from(max.max(1)));
    let bar = |number: u64| match height(number) {
        0 => ' ',
        height => BARS[usize::try_from(height - 1).unwrap_or_default()],
    };
    numbers.iter().map(|number| bar(*number)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_number_is_the_highest_bar_and_only_nothing_is_blank() {
        assert_eq!(bars(&[0, 1, 50, 99, 100]), " ▁▄██");
        assert_eq!(bars(&[1, 2]), "▄█");
        assert_eq!(bars(&[0, 0]), "  ");
        assert_eq!(bars(&[]), "");
        assert_eq!(bars(&[u64::MAX, 1]).chars().count(), 2);
    }
}
