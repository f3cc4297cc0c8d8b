//! `[accepted]`: findings of a scanner that are no mistake here.

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
                    Diagnostic::new("invalid-name", format!("`{}` is no id of a check", shown(&id.value)), id.span)
                        .help("write the id as checkov does, e.g. `CKV_AWS_18`"),
                );
            }
            if reason.value.trim().is_empty() {
                self.report(
                    Diagnostic::new("missing-reason", format!("why is `{}` accepted?", shown(&id.value)), reason.span)
                        .at("says nothing")
                        .help("write the reason, for whoever reviews it"),
                );
            }
        }
        spec.accepted.iter().map(|(id, reason)| (id.value.clone(), reason.value.clone())).collect()
    }
}
