//! The types of expressions.

/// Types that an expression can have: one, or several if it depends on the value of a variable.
///
/// <https://prometheus.io/docs/prometheus/latest/querying/basics/#expression-language-data-types>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Types(u8);

impl Types {
    pub(super) const SCALAR: Self = Self(1);
    pub(super) const INSTANT: Self = Self(2);
    pub(super) const RANGE: Self = Self(4);
    pub(super) const TEXT: Self = Self(8);
    /// What most variables and unknown functions are.
    pub(super) const VALUE: Self = Self(3);
    /// What a variable is whose value may come with quotes.
    pub(super) const VALUE_OR_TEXT: Self = Self(11);

    /// Whether one of the types is among the others.
    pub(super) fn may_be(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    /// The likeliest type in words, as in Prometheus' documentation.
    pub(super) fn name(self) -> &'static str {
        if self.may_be(Self::INSTANT) {
            "an instant vector"
        } else if self.may_be(Self::RANGE) {
            "a range vector such as `foo[5m]`"
        } else if self.may_be(Self::SCALAR) {
            "a number"
        } else {
            "a string in quotes"
        }
    }
}
