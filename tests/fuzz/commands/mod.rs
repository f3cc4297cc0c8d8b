//! The reports of the binary, which a library's test can't reach.

#[path = "../../../src/commands/report.rs"]
pub mod report;
pub mod review;
