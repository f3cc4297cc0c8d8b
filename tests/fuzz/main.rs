//! Input that nobody wrote, for everything that reads some: thousands of cases, each made of pieces of the repository's own
//! specs, dashboards and files.
//!
//! A case is determined by a seed and a number. An ordinary `cargo test` runs the inputs that failed once (`corpus/`) and
//! the first cases of an empty seed; the environment may say otherwise:
//!
//! - `FUZZ_TIMES=100`: so many times the number of cases;
//! - `FUZZ_SEED=text`: other cases;
//! - `FUZZ_CASE=7`: this case alone;
//! - `FUZZ_TRACE=1`: print the name of each case before it runs.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that can't go on fails")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it says what it did")]

mod binary;
mod check;
#[expect(dead_code, reason = "the binary uses the rest")]
mod commands;
mod compose;
mod document;
mod dotenv;
mod import;
mod manifest;
mod project;
mod promql;
mod random;
mod review;
mod run;
mod seeds;
mod spec;
mod text;

#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../gen/project.rs"]
mod disk;
#[path = "../gen/read_back.rs"]
mod read_back;

#[test]
fn spec() {
    run::fuzz(&spec::TARGET);
}

#[test]
fn review() {
    run::fuzz(&review::TARGET);
}

#[test]
fn compose() {
    run::fuzz(&compose::TARGET);
}

#[test]
fn import() {
    run::fuzz(&import::TARGET);
}

#[test]
fn dotenv() {
    run::fuzz(&dotenv::TARGET);
}

#[test]
fn promql() {
    run::fuzz(&promql::TARGET);
}

#[test]
fn manifest() {
    run::fuzz(&manifest::TARGET);
}

#[test]
fn binary() {
    run::fuzz(&binary::TARGET);
}
