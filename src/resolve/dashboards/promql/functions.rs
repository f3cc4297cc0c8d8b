//! The functions and aggregations of `PromQL`.

use super::types::Types;

/// What a function or an aggregation takes.
pub(super) struct Signature {
    /// The types of its arguments; the last one is also that of further ones.
    pub(super) arguments: &'static [Types],
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) result: Types,
}

const S: Types = Types::SCALAR;
const I: Types = Types::INSTANT;
const R: Types = Types::RANGE;
const T: Types = Types::TEXT;

/// No limit: the limit of tokens holds.
const ANY: usize = usize::MAX;

/// A signature, and the names of what has it.
type Row = (&'static [Types], [usize; 2], Types, &'static str);

/// `Functions` in `promql/parser/functions.go` of Prometheus in 2026, experimental ones included.
const FUNCTIONS: &[Row] = &[
    (&[], [0, 0], S, "end pi range start step time"),
    (&[I], [0, 1], I, "day_of_month day_of_week day_of_year days_in_month hour minute month year"),
    (&[I], [1, 1], S, "scalar"),
    (
        &[I],
        [1, 1],
        I,
        "abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor histogram_avg \
            histogram_count histogram_stddev histogram_stdvar histogram_sum ln log10 log2 rad sgn \
            sin sinh sort sort_desc sqrt start_timestamp tan tanh timestamp",
    ),
    (&[I, I], [1, 2], I, "info"),
    (&[I, S], [1, 2], I, "round"),
    (&[I, S], [2, 2], I, "clamp_max clamp_min"),
    (&[I, S, S], [3, 3], I, "clamp"),
    (&[I, T], [1, ANY], I, "sort_by_label sort_by_label_desc"),
    (&[I, T, S], [3, 12], I, "histogram_quantiles"),
    (&[I, T, T], [3, ANY], I, "label_join"),
    (&[I, T, T, T, T], [5, 5], I, "label_replace"),
    (
        &[R],
        [1, 1],
        I,
        "absent_over_time avg_over_time changes count_over_time delta deriv first_over_time \
            idelta increase irate last_over_time mad_over_time max_over_time min_over_time \
            present_over_time rate resets stddev_over_time stdvar_over_time sum_over_time \
            ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time",
    ),
    (&[R, S], [1, 2], I, "integral"),
    (&[R, S], [2, 2], I, "predict_linear"),
    (&[R, S, S], [3, 3], I, "double_exponential_smoothing"),
    (&[S], [1, 1], I, "vector"),
    (&[S, I], [2, 2], I, "histogram_quantile"),
    (&[S, R], [2, 2], I, "quantile_over_time"),
    (&[S, S], [2, 2], S, "max_of min_of"),
    (&[S, S, I], [3, 3], I, "histogram_fraction"),
];

/// <https://prometheus.io/docs/prometheus/latest/querying/operators/#aggregation-operators>
const AGGREGATIONS: &[Row] = &[
    (&[I], [1, 1], I, "avg count group max min stddev stdvar sum"),
    (&[S, I], [2, 2], I, "bottomk limit_ratio limitk quantile topk"),
    (&[T, I], [2, 2], I, "count_values"),
];

pub(super) fn function(name: &str) -> Option<Signature> {
    find(FUNCTIONS, |candidate| candidate == name)
}

/// In any case, unlike a function.
pub(super) fn aggregation(name: &str) -> Option<Signature> {
    find(AGGREGATIONS, |candidate| candidate.eq_ignore_ascii_case(name))
}

fn find(rows: &'static [Row], is: impl Fn(&str) -> bool) -> Option<Signature> {
    let (arguments, [least, most], result, _) = rows.iter().find(|row| row.3.split(' ').any(&is))?;
    Some(Signature { arguments, least: *least, most: *most, result: *result })
}
