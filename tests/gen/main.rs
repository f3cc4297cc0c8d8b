//! The binary, as a user runs it, and the artifacts, as their readers read them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]

mod adopt;
mod artifacts;
mod codes;
mod compose;
mod config;
mod dashboards;
mod datasources;
mod dev;
mod diagnostics;
mod drift;
mod editor;
mod eject;
mod explain;
mod extends;
mod external;
mod fields;
mod files;
mod fmt;
mod git;
mod graph;
mod hostile;
mod import;
mod import_compose;
mod init;
mod init_from;
mod kinds;
mod kubernetes;
mod list;
mod mcp;
mod mistakes;
mod new;
mod patches;
#[cfg(unix)]
mod pin;
mod printing;
mod profiles;
mod project;
mod read_back;
mod review;
mod review_more;
mod schema;
mod stacks;
mod trace;
mod untrusted;
mod upgrade;
mod values;
mod verify;
mod watch;
