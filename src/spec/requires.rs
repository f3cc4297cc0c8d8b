//! `[stack] requires`: the versions of `gen` that a spec is for. Another one may know other keys, so nothing else of the spec
//! is reported then.

use semver::{Version, VersionReq};

use super::decode::shown;
use super::tree::{Node, Table, Value};
use crate::diagnostic::Diagnostic;

/// The version of this `gen`.
const OWN: &str = env!("CARGO_PKG_VERSION");

/// Why this `gen` can't read a spec.
pub fn refusal(spec: &Table<'_>) -> Option<Diagnostic> {
    let Node { span, value: Value::String(text) } = spec.at(&["stack", "requires"])? else { return None };
    let Ok(wanted) = VersionReq::parse(text) else {
        let title = format!("invalid version requirement `{}`", shown(text));
        return Some(
            Diagnostic::new("invalid-version", title, *span).help("write for example `>=0.1` or `>=0.1, <0.3`"),
        );
    };
    let own = Version::parse(OWN).ok().filter(|own| !wanted.matches(own))?;
    let title = format!("this spec requires gen `{wanted}`, but this is gen {own}");
    let help = "install a version of gen that the spec is for, or change `requires` and fix what it reports then";
    Some(Diagnostic::new("unsupported-version", title, *span).help(help))
}
