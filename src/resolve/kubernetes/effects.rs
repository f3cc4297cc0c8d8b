//! Keys that would do nothing.

use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, Span};
use crate::model;
use crate::spec::decode::Spanned;
use crate::spec::service::Service;

/// The keys that have no effect without something else, in the order of the spec. A key that several services inherit by
/// `extends` is only reported if it has no effect in any of them.
#[derive(Default)]
pub(super) struct Effects {
    order: Vec<(Span, &'static str)>,
    found: HashMap<(Span, &'static str), Option<Diagnostic>>,
}

impl Effects {
    pub(super) fn add(&mut self, name: &Spanned<String>, written: &Service, service: &model::Service) {
        let Some(own) = written.kubernetes.as_deref() else { return };
        let (data, volume) = (service.has_volumes(), "mount a volume, or remove the key");
        let ends = "remove the key, or the ports of the service: a one-shot has none";
        // Kinds may have an account for another reason.
        let has_account = service.aws || service.kind.is_some();
        let probed = service.healthcheck.is_some();
        let keys = [
            ("storage", own.storage.as_ref().map(|key| key.span), data, "has no volume", volume),
            ("storage_class", own.storage_class.as_ref().map(|key| key.span), data, "has no volume", volume),
            ("effect", own.effect.as_ref().map(|key| key.span), service.one_shot, "does not end by itself", ends),
            (
                "role_arn",
                own.role_arn.as_ref().map(|key| key.span),
                has_account,
                "does not use AWS",
                "add `aws = true` to the service, or remove the key",
            ),
            (
                "liveness",
                own.liveness.as_ref().filter(|key| key.value).map(|key| key.span),
                probed,
                "has no healthcheck",
                "add a `healthcheck`, or remove the key",
            ),
        ];
        for (key, span, has_effect, lacks, help) in keys {
            let Some(span) = span else { continue };
            let diagnostic = || {
                let title = format!("`{key}` has no effect: `{}` {lacks}", name.value);
                Diagnostic::new("contradiction", title, span).help(help)
            };
            let found = self.found.entry((span, key)).or_insert_with(|| {
                self.order.push((span, key));
                Some(diagnostic())
            });
            if has_effect {
                *found = None;
            }
        }
    }

    /// What has no effect anywhere.
    pub(super) fn useless(mut self) -> impl Iterator<Item = Diagnostic> {
        self.order.into_iter().filter_map(move |key| self.found.remove(&key).flatten())
    }
}
