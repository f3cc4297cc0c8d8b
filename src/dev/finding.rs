//! What stands in the way of running the stack, as data.

/// Something that is wrong, or might be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong: one line.
    pub what: String,
    /// What to do about it: one line.
    pub help: String,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The stack may run all the same.
    Warning,
    /// The stack can't run.
    Error,
}

impl Finding {
    /// What keeps the stack from running.
    pub fn error(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { severity: Severity::Error, what: what.into(), help: help.into() }
    }

    /// What doesn't.
    pub fn warning(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, what: what.into(), help: help.into() }
    }

    /// Whether the stack can't run.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
