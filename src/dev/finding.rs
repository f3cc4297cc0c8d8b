//! Problems that affect running the stack, as data.

/// A problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub what: String,
    /// How to fix it, in one line.
    pub help: String,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The stack may still run.
    Warning,
    /// The stack can't run.
    Error,
}

impl Finding {
    /// A problem that prevents the stack from running.
    pub fn error(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { severity: Severity::Error, what: what.into(), help: help.into() }
    }

    /// A problem that doesn't.
    pub fn warning(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, what: what.into(), help: help.into() }
    }

    /// Whether it prevents the stack from running.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
