//! `[accepted]`: findings of a scanner that are accepted here.

use super::Resolver;
use crate::diagnostic::Diagnostic;
use crate::spec::decode::shown;

impl Resolver<'_> {
    /// The ids of checks, each with its reason.
    pub(super) fn accepted(&mut self) -> Vec<(String, String)> {
        let spec = self.spec;
        for (id, reason) in spec.accepted.iter() {
            // checkov 3: `CKV_AWS_18`, `CKV2_DOCKER_1`.
            let number = id.value.rsplit_once('_').map_or("", |(_, number)| number);
            let plain = id.value.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
            if !plain
                || !id.value.starts_with("CKV")
                || number.is_empty()
                || !number.chars().all(|c| c.is_ascii_digit())
            {
                self.report(
                    Diagnostic::new("invalid-name", format!("invalid check ID `{}`", shown(&id.value)), id.span)
                        .help("write the ID as checkov does, e.g. `CKV_AWS_18`"),
                );
            }
            if reason.value.trim().is_empty() {
                self.report(
                    Diagnostic::new(
                        "missing-reason",
                        format!("missing reason to accept `{}`", shown(&id.value)),
                        reason.span,
                    )
                    .at("must not be empty")
                    .help("write why the finding is acceptable, for reviewers"),
                );
            }
        }
        spec.accepted.iter().map(|(id, reason)| (id.value.clone(), reason.value.clone())).collect()
    }
}
