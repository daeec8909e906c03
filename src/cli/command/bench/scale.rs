//! How a count is made smaller or larger than its default.
//!
//! Must never hold: a default.

/// `count` multiplied by `factor`, at least one.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of a bench are far below 2^52, and factors are positive"
)]
pub(super) fn scaled(count: usize, factor: f64) -> usize {
    ((count as f64 * factor).round() as usize).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_factor_leaves_one_of_everything() {
        assert_eq!((scaled(200, 1.0), scaled(200, 0.5), scaled(200, 0.000_1)), (200, 100, 1));
    }
}
