//! The binary, as a user runs it, and the artifacts, as their readers read them.

mod artifacts;
mod dev;
mod diagnostics;
mod drift;
mod project;
mod values;
