//! The binary, as a user runs it, and the artifacts, as their readers read them.

mod diagnostics;
mod profiles;
mod project;
