//! Keys that would do nothing.

use super::Resolver;
use crate::diagnostic::Diagnostic;
use crate::model;
use crate::spec::decode::Spanned;
use crate::spec::service::Service;

impl Resolver<'_> {
    /// Reports what only has an effect together with something that the service lacks.
    pub(super) fn check_effects(&mut self, name: &Spanned<String>, written: &Service, service: &model::Service) {
        let Some(own) = written.kubernetes.as_deref() else { return };
        if let Some(port) = &own.members
            && let Some(&index) = self.index.get(service.name.as_str())
        {
            self.port_of(index, &port.value, port.span, &[]);
        }
        let span = own.storage.as_ref().map(|size| size.span);
        let span = span.or(own.storage_class.as_ref().map(|class| class.span));
        let useless = [
            ("storage", span.filter(|_| !service.has_volumes()), "has no volume", "mount a volume, or remove the key"),
            (
                "effect",
                own.effect.as_ref().map(|effect| effect.span).filter(|_| !service.one_shot),
                "does not end by itself",
                "remove the key, or the ports of the service: a one-shot has none",
            ),
            (
                "role_arn",
                own.role_arn.as_ref().map(|role| role.span).filter(|_| !service.aws),
                "does not use AWS",
                "add `aws = true` to the service, or remove the key",
            ),
            (
                "liveness",
                own.liveness.as_ref().filter(|own| own.value && service.healthcheck.is_none()).map(|own| own.span),
                "has no healthcheck",
                "add a `healthcheck`, or remove the key",
            ),
        ];
        for (key, span, lacks, help) in useless {
            if let Some(span) = span {
                let title = format!("`{key}` has no effect: `{}` {lacks}", name.value);
                self.report(Diagnostic::new("contradiction", title, span).help(help));
            }
        }
    }
}
