use proptest::prelude::*;

use super::tokens::Kind;
use super::{check, excerpt, tokens};

/// Queries that Prometheus accepts once Grafana has put values into them.
const GOOD: &[&str] = &[
    // Without variables.
    "up",
    "job:requests:rate5m",
    "1 + 2 * -3 ^ 2 % 4",
    "0x1F + 1_000 + 1e-3 + .5 + Inf - NaN + 5m",
    "time() - process_start_time_seconds",
    "a+1-1.5e-3",
    "vector(1) or absent(up{job=\"api\"})",
    "sum without (instance, pod,) (up)",
    "sum(up) by (job)",
    "SUM BY (job) (RATE_up)",
    "count_values(\"version\", build_info)",
    "quantile(0.9, up) > bool 1",
    "{__name__=~\"temporal_.+\", job!=\"\"}",
    "{\"http.requests\", \"label.name\"=\"x\"}",
    "up{origin=\"a\", or=\"b\"}",
    "a * on (pod) group_left (node) b",
    "a / ignoring (code) group_right b",
    "a and on () b unless c or d atan2 e",
    "foo offset -5m + foo offset 1d12h + foo offset 0s",
    "foo @ end() - foo @ 1609746000 - foo @ start() offset 5m",
    "max_over_time(rate(foo[5m])[1h:])",
    "min_over_time((a - b)[1h:30s] offset 1d)",
    "label_join(up, \"all\", \"-\", \"job\", \"instance\")",
    "up{a='single', b=`raw \\d+`, c=\"\\u00e4 \\x41 \\101 \\\"\", d=~`(a|b)\\.c`}",
    "label_replace(up, `dst`, \"$1\", 'src', \"(\\\\d+)'\")",
    "up{a=\"\\U0001F600\"}",
    "count_values(`a\\q`, up)",
    "{`a\\q`=\"b\", \"c\\\"d\"=\"e\"}",
    "rate(foo[500ms])",
    "up{a=`two\nlines`, b=~\"\\\\(\"}",
    "up{path=~\"/api/v[0-9]+(/.*)?\", code!~\"2..|3..\", x=~\"[^[]+\"}",
    "histogram_quantile(0.9, rate(native_seconds[5m]))",
    "histogram_avg(rate(native_seconds[5m])) + histogram_fraction(0, 0.2, native_seconds) + histogram_stddev(native_seconds)",
    "sort_by_label_desc(limitk(3, up), \"job\")",
    "double_exponential_smoothing(up[1h], 0.5, 0.5)",
    "# total\nsum( # of all\n  up{ # here\n    job=\"a\" # and there\n  }\r\n)\n# end",
    // Durations.
    "rate(foo[$__rate_interval])",
    "increase(foo_total{ns=\"$ns\"}[${__range}])",
    "avg_over_time(foo[[[window]]])",
    "rate(foo[${n}m])",
    "rate(foo[5$unit])",
    "max_over_time(sum(rate(foo[$__rate_interval]))[$__range:$__interval])",
    "max_over_time(foo[${__range_s}s:])",
    "max_over_time(sum(foo)[$subquery])",
    "foo offset $shift - foo offset -${shift}",
    "foo @ $__from",
    // In strings.
    "up{namespace=~\"$namespace\"}",
    "up{namespace=~\"${namespace:regex}\", pod!~\"[[pod]]\"}",
    "up{pod=~\"$app-(a|$b).*\", x=~\"${x:pipe}|y\"}",
    "up{pod=~`$pod\\d`}",
    "sum by (le) (rate(foo{a=\"${a:doublequote}\"}[5m]))",
    "label_replace(up, \"$dst\", \"$1-${2}\", \"src\", \"(.*)-(.*)\")",
    "up{pod=${pod:doublequote}, job=${job:singlequote}}",
    // Names, and parts of them.
    "$metric",
    "rate($metric[5m])",
    "${metric}{job=\"a\"} offset 5m",
    "${prefix}_total + foo_$suffix + a_${b}_c + $level:foo:$op",
    "sum by ($group) (up)",
    "sum by (le, ${group:csv}, [[other]]) (up)",
    "sum(up) without ($group)",
    "a * on ($id) group_left ($extra) b",
    "up{$label=\"x\", ${prefix}_name=~\"y\"}",
    // Label matchers as a whole.
    "up{$filters}",
    "up{job=\"a\", $filters, ${more:raw}}",
    // Numbers and expressions.
    "topk($n, sum by (job) (rate(foo[$__rate_interval])))",
    "histogram_quantile($q, sum by (le) (rate(foo_bucket[$__rate_interval])))",
    "histogram_quantile($q / 100, sum($metric) by (le))",
    "rate(foo[5m]) > $threshold",
    "topk($n, x) > $t + bottomk($k, $y)",
    "clamp_max($metric, $limit) * [[factor]]",
    "clamp($metric, -$limit, $limit + $more)",
    "quantile_over_time($q, $metric[5m])",
    "$a > $b",
    "($query) / scalar($total)",
    "label_replace($query, ${dst:doublequote}, \"$1\", \"src\", \"(.*)\")",
    "sum_over_time((foo > bool $limit)[$__range:1m]) / $__range_s",
    // Functions, operators, modifiers.
    "$aggregation(rate(foo[5m]))",
    "$aggregation by (job) (foo)",
    "$aggregation(foo) by (job)",
    "sum(${function}(foo[5m]))",
    "${function}_over_time(foo[5m])",
    "$parametrized(0.9, foo)",
    "foo $operator bar",
    "foo $operator on (a) (bar)",
    "sum(foo) $operator bar",
    "foo * on (a) $metric",
    "foo{a=\"b\"} $offset",
    "foo $offset > 1 and bar $offset",
    "sum $by (foo)",
    // What binds more tightly.
    "a ^ on (b) 2 ^ c",
    "a == bool 1 + 2 * 3 ^ 4",
    "a and on () b == bool 2",
    // Names that are also keywords.
    "sum + by - offset * fill / end",
    "sum by (bool, on, group_left) (and)",
    "a + fill (-1) b - on (c) group_left fill_left (1) fill_right (2) d",
    "a * ON (b) GROUP_LEFT () c OFFSET 5m",
    "foo[5m] offset 1d @ 5",
    "foo offset 1d [5m:]",
    "rate(foo[5m:])",
];

#[test]
fn good_queries_pass() {
    assert!(GOOD.len() > 40);
    for query in GOOD {
        assert_eq!(check(query), Ok(()), "{query}");
    }
}

/// A query, the part that is wrong, and what is.
const BAD: &[(&str, &str, &str)] = &[
    // Tokens.
    ("", "", "the query is empty"),
    (" # nothing\n", " # nothing\n", "the query is empty"),
    ("up{job=\"$job}", "\"$job}", "the string has no closing `\"`"),
    ("up{job=\"a\n\"}", "\"a", "the string has no closing `\"`"),
    ("up{job=~\"\\d+\"}", "\\d", "unknown escape sequence `\\d`: write `\\\\` for a backslash"),
    ("up{job=\"\\u12\"}", "\\u", "`\\u` needs 4 digits"),
    ("sum(rate(up[5m])", "(", "`(` is never closed"),
    ("up)", ")", "`)` has no opening bracket"),
    ("rate(up[5m)", ")", "expected `]`, found `)`"),
    ("up{job=\"a\"(", "(", "expected `}`, found `(`"),
    ("a & b", "&", "unknown character `&`"),
    ("a\u{a0}b", "\u{a0}", "unknown character `\\u{a0}`"),
    ("a + .", ".", "unknown character `.`"),
    ("0x", "0x", "invalid number or duration `0x`"),
    ("0xfg", "0xfg", "invalid number or duration `0xfg`"),
    ("a + $1", "$", "unknown character `$`"),
    ("up =~ \"a\"", "=~", "`=~` only compares labels, inside `{…}`"),
    ("rate(up[5min])", "5min", "invalid number or duration `5min`"),
    ("1m1h", "1m1h", "invalid number or duration `1m1h`"),
    // Label matchers.
    ("up{job}", "}", "expected `=`, `!=`, `=~` or `!~`, found `}`"),
    ("up{job=}", "}", "expected a string in quotes, found `}`"),
    ("up{job==\"a\"}", "==", "expected `=`, `!=`, `=~` or `!~`, found `==`"),
    ("up{job=api}", "api", "expected a string in quotes, found `api`"),
    ("up{job=$job}", "$job", "expected a string in quotes, found `$job`"),
    ("up{job=a${job:doublequote}}", "a${job:doublequote}", "expected a string in quotes, found `a${job:doublequote}`"),
    ("up{code=500}", "500", "expected a string in quotes, found `500`"),
    ("up{a=\"1\" b=\"2\"}", "b", "expected `,` or `}`, found `b`"),
    ("up{a=\"1\" or b=\"2\"}", "or", "expected `,` or `}`, found `or`"),
    ("up{,}", ",", "expected a label's name, found `,`"),
    ("up{a:b=\"c\"}", "a:b", "expected a label's name, found `a:b`"),
    ("up{a=~\"(b|$c\"}", "\"(b|$c\"", "the regular expression has an unclosed `(`"),
    ("up{a=~\"*\"}", "\"*\"", "the regular expression has nothing before `*` to repeat"),
    // Ranges.
    ("rate(up[])", "]", "expected a duration such as `5m`, found `]`"),
    ("rate(up[:5m])", ":", "expected a duration such as `5m`, found `:`"),
    ("rate(up[-5m])", "-", "expected a duration such as `5m`, found `-`"),
    ("rate(up[$a * 2])", "*", "expected `]` or `:`, found `*`"),
    ("rate(up[5m:1m:1m])", ":", "expected `]`, found `:`"),
    ("rate(up[0s])", "0s", "the duration must be longer than 0"),
    // Grammar.
    ("foo bar", "bar", "expected an operator, found `bar`"),
    ("rate(up[5m]) up{a=\"b\"}", "up", "expected an operator, found `up`"),
    ("a {b=\"c\"} {d=\"e\"}", "{", "expected an operator, found `{`"),
    ("a + * b", "*", "expected an expression, found `*`"),
    ("a = 1", "=", "expected an operator, found `=`"),
    ("sum by (a b) (c)", "b", "expected `,` or `)`, found `b`"),
    ("sum by a (c)", "a", "expected `(`, found `a`"),
    ("sum by (\"a\", 1) (c)", "1", "expected a label's name or `)`, found `1`"),
    ("clamp_max(a 1)", "1", "expected an operator, `,` or `)`, found `1`"),
    ("abs(a,)", ")", "expected an expression, found `)`"),
    ("(a + b", "(", "`(` is never closed"),
    ("a, b", ",", "expected an operator, found `,`"),
    ("a +", "+", "expected an expression after this, found the end of the query"),
    ("sum by (a)", ")", "expected `(` after this, found the end of the query"),
    ("a offset", "offset", "expected a duration such as `5m` after this, found the end of the query"),
    ("a offset b", "b", "expected a duration such as `5m`, found `b`"),
    ("a offset inf", "inf", "expected a duration such as `5m`, found `inf`"),
    ("a @ b", "b", "expected a number, found `b`"),
    ("a * group_left (b) c", "group_left", "expected an expression, found `group_left`"),
    ("sum(* 1)", "*", "expected an expression or `)`, found `*`"),
    ("(a b)", "b", "expected an operator or `)`, found `b`"),
    ("sum(foo bar)", "bar", "expected an operator, `,` or `)`, found `bar`"),
    ("a and sum(b, c, on)", "on", "expected an expression, found `on`"),
    ("a[5m] * on inf", "inf", "expected `(`, found `inf`"),
    ("sum by (inf) (a)", "inf", "expected a label's name or `)`, found `inf`"),
    ("sum by (a:b) (c)", "a:b", "expected a label's name or `)`, found `a:b`"),
    ("a by (b)", "by", "expected an operator, found `by`"),
    ("sum by (a) (b) by (c)", "by", "expected an operator, found `by`"),
    ("a + fill (b) c", "b", "expected a number, found `b`"),
    ("a @ end(", "(", "`(` is never closed"),
    ("a @ end", "end", "expected `(` after this, found the end of the query"),
    ("a @ start(1)", "1", "expected `)`, found `1`"),
    ("[5m]", "[", "expected an expression, found `[`"),
    ("sum(rate(a)) b", "b", "expected an operator, found `b`"),
    // Types.
    ("sum(rate(foo))", "foo", "`rate` expects a range vector such as `foo[5m]`, found an instant vector"),
    (
        "avg_over_time(foo[[window]])",
        "foo[[window]]",
        "`avg_over_time` expects a range vector such as `foo[5m]`, found an instant vector",
    ),
    (
        "1 + histogram_quantile($q, sum by (le) (increase($metric)))",
        "$metric",
        "`increase` expects a range vector such as `foo[5m]`, found an instant vector",
    ),
    ("abs(a[5m])", "a[5m]", "`abs` expects an instant vector, found a range vector such as `foo[5m]`"),
    ("abs(-1)", "-1", "`abs` expects an instant vector, found a number"),
    ("clamp_max(a, (b > 2) * 2)", "(b > 2) * 2", "`clamp_max` expects a number, found an instant vector"),
    ("topk(\"3\", a)", "\"3\"", "`topk` expects a number, found a string in quotes"),
    ("a + rat(b[5m])", "rat", "unknown function `rat`"),
    ("SUM(a) + ABS(b)", "ABS", "unknown function `ABS`"),
    ("max(round(a, 1, 2), 3)", "round(a, 1, 2)", "`round` expects at most 2 arguments, found 3"),
    ("label_join(a, \"b\")", "label_join(a, \"b\")", "`label_join` expects at least 3 arguments, found 2"),
    ("b + sum(a, b)", "sum(a, b)", "`sum` expects 1 argument, found 2"),
    ("topk(sum(a))", "topk(sum(a))", "`topk` expects 2 arguments, found 1"),
    ("time(1)", "time(1)", "`time` expects 0 arguments, found 1"),
    ("min(sum(a)[5m])", "sum(a)[5m]", "only a selector can have a range, a subquery has a colon: `[5m:]`"),
    ("rate(a offset 1d [5m])", "a offset 1d [5m]", "the range must come before `offset` and `@`"),
    (
        "rate(a[5m][1h:])",
        "a[5m][1h:]",
        "only an instant vector can have a subquery, found a range vector such as `foo[5m]`",
    ),
    ("a[5m][5m]", "a[5m][5m]", "only a selector can have a range, a subquery has a colon: `[5m:]`"),
    (
        "rate(foo[5m])[5m:1m] + 1",
        "rate(foo[5m])[5m:1m]",
        "operators need numbers or instant vectors, found a range vector such as `foo[5m]`",
    ),
    ("-a[5m]", "a[5m]", "operators need numbers or instant vectors, found a range vector such as `foo[5m]`"),
    ("1 + \"a\"", "\"a\"", "operators need numbers or instant vectors, found a string in quotes"),
    ("a and 1", "a and 1", "`and` needs an instant vector on each side"),
    ("a or on (b) group_left c", "a or on (b) group_left c", "`or` can't have `group_left` or `group_right`"),
    ("a + on (b) 1", "a + on (b) 1", "`on` and `ignoring` need an instant vector on each side"),
    ("a + (1 > 2)", "1 > 2", "comparisons between numbers must use `bool`"),
    ("2 ^ 2 * 2 >= 4 and a", "2 ^ 2 * 2 >= 4", "comparisons between numbers must use `bool`"),
    ("a + bool b", "a + bool b", "`bool` can only be used on comparison operators"),
    ("a or {}", "{}", "vector selector must contain at least one non-empty matcher"),
    (
        "a or {job=~\".*\", b!=\"c\"}",
        "{job=~\".*\", b!=\"c\"}",
        "vector selector must contain at least one non-empty matcher",
    ),
    ("a{\"__name__\"=\"b\"}", "a{\"__name__\"=\"b\"}", "the metric's name is given twice"),
    ("a{__name__=\"b\"}", "a{__name__=\"b\"}", "the metric's name is given twice"),
    ("a{\"b\"}", "a{\"b\"}", "the metric's name is given twice"),
    (
        "a * on (b) group_left (b) c",
        "a * on (b) group_left (b) c",
        "label `b` must not occur in `on` and `group_…` at once",
    ),
    ("sum(a) offset 5m", "sum(a) offset 5m", "only a selector, a range or a subquery can have `offset`"),
    ("a @ 1 @ 2", "a @ 1 @ 2", "`@` is given twice"),
];

#[test]
fn what_is_wrong_is_said_where_it_is() {
    assert!(BAD.len() > 25);
    for (query, excerpt, message) in BAD {
        let problem = check(query).expect_err(query);
        assert_eq!((&query[problem.range], problem.message.as_str()), (*excerpt, *message), "{query}");
    }
}

#[test]
fn the_first_token_of_too_many_is_shown() {
    let query = format!("{}$a", "1+".repeat(1_000));
    let problem = check(&query).unwrap_err();
    assert_eq!((problem.range, problem.message.as_str()), (2_000..2_001, "the query has more than 2000 tokens"));
}

#[test]
fn only_a_long_excerpt_is_cut() {
    let long = "a".repeat(40);
    assert_eq!(excerpt(&long), long);
    assert_eq!(excerpt(&format!("{long}b")), format!("{long}…"));
}

#[test]
fn every_function_of_prometheus_is_known() {
    // https://prometheus.io/docs/prometheus/latest/querying/functions/
    for query in [
        "abs(a)",
        "absent_over_time(a[1m])",
        "acosh(a)",
        "atanh(a)",
        "ceil(a)",
        "changes(a[1m])",
        "day_of_month()",
        "day_of_week(a)",
        "day_of_year()",
        "days_in_month()",
        "delta(a[1m])",
        "deriv(a[1m])",
        "exp(a)",
        "floor(a)",
        "histogram_count(a)",
        "histogram_stdvar(a)",
        "histogram_sum(a)",
        "hour()",
        "idelta(a[1m])",
        "info(a)",
        "irate(a[1m])",
        "ln(a)",
        "log10(a)",
        "log2(a)",
        "minute()",
        "month()",
        "pi()",
        "predict_linear(a[1m], 3)",
        "rad(a)",
        "deg(a)",
        "resets(a[1m])",
        "round(a)",
        "sgn(a)",
        "sort_desc(a)",
        "sqrt(a)",
        "tanh(a)",
        "timestamp(a)",
        "year()",
        "last_over_time(a[1m])",
        "first_over_time(a[1m])",
        "mad_over_time(a[1m])",
        "present_over_time(a[1m])",
        "stddev_over_time(a[1m])",
        "stdvar_over_time(a[1m])",
        "count_over_time(a[1m])",
        "ts_of_max_over_time(a[1m])",
        "sort_by_label(a, \"b\")",
        "limit_ratio(0.1, a)",
        "stddev(a)",
        "stdvar(a)",
        "group(a)",
    ] {
        assert_eq!(check(query), Ok(()), "{query}");
    }
}

/// Long and deep queries, on a thread with a stack as small as they come.
#[test]
fn hostile_queries_are_refused_soon() {
    let long = 1 << 20;
    let repeated = |part: &str, times: usize| part.repeat(times);
    let queries = [
        (false, repeated("(", long)),
        (false, repeated("{", long)),
        (false, repeated("-", long)),
        (false, repeated("a+", long / 2)),
        (false, repeated("$a ", long / 3)),
        (true, repeated("$a", long / 2)),
        (true, repeated("[[a]]", long / 5)),
        (false, repeated("\"", long)),
        (false, repeated("\\", long)),
        (false, repeated("# a\n", long / 4)),
        (true, repeated(":", long)),
        (true, repeated("9", long)),
        (false, repeated("ä", long / 2)),
        (true, format!("up{{{}}}", repeated("a=~\"(b|c)*\",", 490))),
        (true, format!("up{{a=~\"{}\"}}", repeated("(b|c)*", long / 6))),
        (true, format!("{}1", repeated("-", 1_990))),
        (true, format!("{}1", repeated("1^", 990))),
        (true, format!("{}1", repeated("1+", 990))),
        (false, format!("{}1 1", repeated("1+", 400))),
        (true, format!("{}a{}", repeated("sum(", 90), repeated(")", 90))),
        (false, format!("{}a b{}", repeated("sum(", 90), repeated(")", 90))),
        (false, format!("{}rate(a){}", repeated("sum(1 + ", 90), repeated(")", 90))),
        (false, format!("{} rate(a)", repeated("abs(a) + ", 300))),
        (false, format!("max({} a)", repeated("$f($a, $b),", 200))),
        (false, format!("{} rate(a)", repeated("topk($n, $m) + ", 200))),
        (true, format!("a[{}]", repeated("9", 400))),
        (true, format!("a offset {}y", repeated("9", 400))),
        (true, "rate(a[1e400]) + a offset 1e30 + a @ 1e300".into()),
        (false, "a offset -nan".into()),
    ];
    let check_all = move || {
        for (passes, query) in &queries {
            let excerpt: String = query.chars().take(20).collect();
            assert_eq!(check(query).is_ok(), *passes, "{excerpt}");
        }
    };
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(check_all).unwrap();
    thread.join().unwrap();
}

fn is_well_placed(query: &str) -> bool {
    match check(query) {
        Ok(()) => true,
        Err(problem) => {
            !problem.message.is_empty()
                && !problem.message.contains(char::is_control)
                && query.get(problem.range).is_some()
        }
    }
}

#[test]
fn a_good_query_cut_anywhere_is_judged() {
    for query in GOOD {
        for (at, _) in query.char_indices() {
            assert!(is_well_placed(&query[..at]), "{}", &query[..at]);
            assert!(is_well_placed(&query[at..]), "{}", &query[at..]);
        }
    }
}

#[test]
fn a_good_query_without_a_token_is_judged() {
    for query in GOOD {
        for token in tokens::read(query).unwrap() {
            let (before, after) = (&query[..token.range.start], &query[token.range.end..]);
            assert!(is_well_placed(&format!("{before}{after}")), "{query} without {token:?}");
            if token.kind == Kind::Close {
                assert!(check(&format!("{before}{after}")).is_err(), "{query} without {token:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn a_good_query_with_another_token_is_judged(
        query in proptest::sample::select(GOOD),
        at in any::<proptest::sample::Index>(),
        token in "[(){}\\[\\],:+=@#\"'`\\\\$]| by | offset | inf |\\$x|\\$\\{x:y\\}|\\[\\[x\\]\\]|5m|ä|\n| sum| fill| on ",
    ) {
        let tokens = tokens::read(query).unwrap();
        let at = at.get(&tokens).range.start;
        let query = format!("{}{token}{}", &query[..at], &query[at..]);
        prop_assert!(is_well_placed(&query), "{query}");
    }

    #[test]
    fn any_text_is_judged(
        query in "(a|b|sum|rate|topk|\\$x|\\$\\{y:raw\\}|\\[5m\\]|\\[\\$x:\\]|\\{a=\"b\"\\}|\\(|\\)|,| by | on | offset |-|@|1|inf|\"s\"|\\+|==| bool | and |#|\n| |ä)*",
    ) {
        prop_assert!(is_well_placed(&query), "{query}");
    }
}
