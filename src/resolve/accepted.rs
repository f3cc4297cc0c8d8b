//! `[accepted]`: findings of a scanner, and changes of a review, that are accepted here.

use std::collections::HashMap;

use super::Resolver;
use crate::diagnostic::{Diagnostic, Span};
use crate::model::Service;
use crate::spec::accepted::{Acceptance, Id, Names};
use crate::spec::decode::{Spanned, shown};

/// What is accepted, with reasons.
#[derive(Default)]
pub(super) struct Accepted {
    /// The ids of checks.
    pub findings: Vec<(String, String)>,
    /// The ids of changes and what they are about, as in the spec.
    pub changes: Vec<(String, String)>,
}

impl Resolver<'_> {
    /// The ids of checks, and the changes, each with its reason.
    pub(super) fn accepted(&mut self, services: &[Service]) -> Accepted {
        let spec = self.spec;
        let services: HashMap<&str, &Service> =
            services.iter().map(|service| (service.name.as_str(), service)).collect();
        let mut accepted = Accepted::default();
        for (id, acceptance) in spec.accepted.iter() {
            match acceptance {
                Acceptance::Finding(reason) => {
                    self.check_finding(id);
                    self.check_reason(&id.value, reason);
                    accepted.findings.push((id.value.clone(), reason.value.clone()));
                }
                Acceptance::Changes(subjects) => {
                    let known = Id::of(&id.value);
                    if known.is_none() {
                        let title = format!("unknown change `{}`", shown(&id.value));
                        let names = || Id::ALL.iter().map(|id| id.as_str());
                        self.report(Diagnostic::new("unknown-change", title, id.span).suggest_of(
                            self.diagnostics,
                            &id.value,
                            names(),
                            || "write the ID that `gen review` prints in brackets, e.g. `engine-socket`".to_owned(),
                        ));
                    }
                    for (subject, reason) in subjects.iter() {
                        if let Some(id) = known {
                            self.check_subject(id, subject, &services);
                        }
                        self.check_reason(&subject.value, reason);
                        accepted.changes.push((format!("{}.{}", id.value, subject.value), reason.value.clone()));
                    }
                }
            }
        }
        accepted
    }

    fn check_finding(&mut self, id: &Spanned<String>) {
        // checkov 3: `CKV_AWS_18`, `CKV2_DOCKER_1`.
        let number = id.value.rsplit_once('_').map_or("", |(_, number)| number);
        let plain = id.value.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        let is_check =
            plain && id.value.starts_with("CKV") && !number.is_empty() && number.chars().all(|c| c.is_ascii_digit());
        if is_check {
            return;
        }
        let help = match Id::of(&id.value) {
            Some(change) => format!("write what the change is about, too: `{}.<name> = \"…\"`", change.as_str()),
            None => "write the ID as checkov does, e.g. `CKV_AWS_18`".to_owned(),
        };
        let title = format!("invalid check ID `{}`", shown(&id.value));
        self.report(Diagnostic::new("invalid-name", title, id.span).help(help));
    }

    fn check_reason(&mut self, of: &str, reason: &Spanned<String>) {
        if reason.value.trim().is_empty() {
            let title = format!("missing reason to accept `{}`", shown(of));
            self.report(
                Diagnostic::new("missing-reason", title, reason.span)
                    .at("must not be empty")
                    .help("write why it is acceptable, for reviewers"),
            );
        }
    }

    /// Checks that what a change is about exists: a service, or a port of one.
    fn check_subject(&mut self, id: Id, subject: &Spanned<String>, services: &HashMap<&str, &Service>) {
        // What follows says which of several paths or capabilities.
        let name = subject.value.split(':').next().unwrap_or_default();
        let (name, port) = match id.names() {
            Names::Other => return,
            Names::Service => (name, None),
            Names::Port => name.split_once('.').map_or((name, None), |(service, port)| (service, Some(port))),
        };
        // A profile may have removed it, and a service that can't be resolved was reported.
        if self.removes() || !self.spec.sound {
            return;
        }
        let Some(service) = services.get(name) else {
            let names = self.spec.services.names();
            return self.unknown(("unknown-service", "service", name), subject.span, names);
        };
        if let Some(port) = port
            && service.port(port).is_none()
        {
            self.unknown(
                ("unknown-port", "port", port),
                subject.span,
                service.ports.iter().map(|port| port.name.as_str()),
            );
        }
    }

    fn unknown<'n>(
        &mut self,
        (code, what, name): (&'static str, &str, &str),
        span: Span,
        names: impl Iterator<Item = &'n str>,
    ) {
        let title = format!("unknown {what} `{}`", shown(name));
        let help = || format!("name a {what}, or remove the acceptance");
        self.report(Diagnostic::new(code, title, span).suggest_of(self.diagnostics, name, names, help));
    }
}
