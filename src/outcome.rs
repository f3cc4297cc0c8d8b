//! How a command of `gen` ends.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Nothing is to be done.
    Clean,
    /// Drift, or a refusal.
    Findings,
    /// The spec or the command line is wrong.
    Invalid,
    /// The system failed.
    Failed,
    /// A program that was run ended with this code.
    Exit(u8),
}

impl Outcome {
    /// The outcomes with a code of their own, and what the code says.
    pub const OWN: [(Self, &str); 4] = [
        (Self::Clean, "success"),
        (Self::Findings, "drift or findings"),
        (Self::Invalid, "invalid spec or command line"),
        (Self::Failed, "I/O error or missing program"),
    ];

    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::Invalid => 2,
            Self::Failed => 3,
            Self::Exit(code) => code,
        }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        outcome.code().into()
    }
}
