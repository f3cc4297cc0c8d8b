//! `gen dev` with a real engine: a small stack, images from scratch, no stub. See CONTRIBUTING.md.
//!
//! Nothing is measured by a clock of the test: what happened when, the engine and the services' logs say.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]
#![expect(clippy::print_stdout, reason = "the metrics that were seen")]

mod change;
mod fail;
mod isolated;
mod local;
#[path = "../gen/project.rs"]
#[expect(dead_code, reason = "the other tests use the rest")]
mod project;
mod run;
mod stack;
