//! Running the stack: what is to be run, as data, and what the answers mean.
//!
//! Nothing here prints or starts a process; that is up to the commands of the binary. What is run comes from the
//! [`model`](crate::model), like every output: services, images, ports, Terraform's outputs.

pub mod build;
pub mod compose;
pub mod dotenv;
pub mod engine;
pub mod environment;
pub mod finding;
pub mod ports;
pub mod preflight;
pub mod schema;
pub mod services;
pub mod terraform;

use camino::{Utf8Path, Utf8PathBuf};

pub use environment::Environment;
pub use finding::{Finding, Severity};

/// A program to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// Looked for on `PATH`.
    pub program: &'static str,
    /// What it gets.
    pub args: Vec<String>,
    /// Where it runs: the project's root, which paths in the arguments are relative to.
    pub dir: Utf8PathBuf,
}

impl Invocation {
    /// A program with its first arguments, at the project's root.
    #[must_use]
    pub fn new<'a>(program: &'static str, root: &Utf8Path, args: impl IntoIterator<Item = &'a str>) -> Self {
        Self { program, args: args.into_iter().map(ToOwned::to_owned).collect(), dir: root.to_owned() }
    }

    /// Further arguments.
    #[must_use]
    pub fn with(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// An argument, if it is wanted.
    #[must_use]
    pub fn with_flag(self, flag: &str, wanted: bool) -> Self {
        self.with(wanted.then_some(flag))
    }
}
