//! Running the stack: invocations of programs, as data, and the meaning of their output.
//!
//! Nothing here prints or starts a process; the commands of the binary do. Services, images, ports and Terraform's outputs
//! come from the [`model`](crate::model).

pub mod build;
pub mod compose;
pub mod credentials;
pub mod dotenv;
pub mod engine;
pub mod environment;
pub mod finding;
pub mod isolation;
pub mod kubectl;
pub mod ports;
pub mod preflight;
pub mod provider;
pub mod schema;
pub mod services;
pub mod terraform;
pub mod values;

use camino::{Utf8Path, Utf8PathBuf};

pub use environment::Environment;
pub use finding::{Finding, Severity};

/// A program to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// Its name on `PATH`.
    pub program: &'static str,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its working directory: the root of the project, which paths in the arguments are relative to.
    pub dir: Utf8PathBuf,
    /// Variables besides those of this process.
    pub environment: Vec<(String, String)>,
}

impl Invocation {
    /// A program with its first arguments, at the project's root.
    pub fn new<'a>(program: &'static str, root: &Utf8Path, args: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            program,
            args: args.into_iter().map(ToOwned::to_owned).collect(),
            dir: root.to_owned(),
            environment: Vec::new(),
        }
    }

    /// Adds arguments.
    pub fn with(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Adds a value for each of these variables.
    pub fn with_values<'a>(mut self, names: impl IntoIterator<Item = &'a str>, value: &str) -> Self {
        self.environment.extend(names.into_iter().map(|name| (name.to_owned(), value.to_owned())));
        self
    }

    /// Adds an argument if `wanted`.
    pub fn with_flag(self, flag: &str, wanted: bool) -> Self {
        self.with(wanted.then_some(flag))
    }
}
