//! What a kind declares, for one service of it.
//!
//! The texts of a kind refer to `${self}` (the service's name), `${self.<port>}` and `${self.<port>.port}`,
//! `${settings.<name>}` (of a secret: the path of the file that holds it), `${published.<port>}` (its number on the
//! host), `${cluster.name}`, `${cluster.namespace}` (`default`, or the first if there is none of that name), and
//! `${<need>.<endpoint>}` for a service that the kind needs. A variable, a key or an item of a list whose text refers to
//! something missing is left out; a command can't have less meaning by that (`check_command` of the kind).

use super::{Preset, generated, needs};
use crate::diagnostic::{Diagnostic, Span};
use crate::model::Keys;
use crate::model::kind::{File, Secret, Setting, SettingValue};
use crate::model::service::{Command, Metrics, Probe};
use crate::model::text::{Text, Tree, Value};
use crate::resolve::Resolver;
use crate::resolve::clusters::main_namespace;
use crate::spec::decode::{Spanned, listed};
use crate::spec::kind::{self as spec, Declaration, Kind, SettingType};
use crate::spec::service::{self, Service};
use crate::spec::stack::Cluster;
use crate::spec::text::{Part, Text as SpecText, Tree as SpecTree, Value as SpecValue};
use crate::spec::value::Size;

/// What the texts of a kind may refer to.
struct Scope<'a> {
    index: usize,
    name: &'a Spanned<String>,
    /// Whether its texts are in a file of the project.
    is_own: bool,
    cluster: Option<(&'a Spanned<String>, &'a Cluster)>,
    /// The services that it needs, by the names that the kind has for them.
    needs: Vec<(&'a str, &'a str)>,
    settings: Vec<Setting>,
}

impl<'a> Resolver<'a> {
    /// What a kind declares, for one of its services.
    pub(super) fn declared(&mut self, index: usize, kind: &'a Kind) -> Preset {
        let spec = self.spec;
        let (name, service) = &spec.services.entries[index];
        let declaration = kind.declaration();
        let cluster = if declaration.takes(spec::Takes::Cluster) { self.cluster_of(name, service) } else { None };
        let mut scope = Scope { index, name, is_own: kind.is_own(), cluster, needs: Vec::new(), settings: Vec::new() };
        scope.settings = self.settings(declaration, service, &scope);
        let mut preset = Preset {
            decides: (!kind.is_own()).then(|| instead_of_setting(declaration)),
            reads: declaration.reads.clone(),
            aws_home: declaration.aws.as_ref().and_then(|aws| aws.home.clone()),
            always_aws: declaration.aws.as_ref().is_some_and(|aws| aws.always.unwrap_or(false)),
            one_shot: declaration.one_shot.unwrap_or(false),
            ..Preset::default()
        };
        for (need, declared) in declaration.needs.iter() {
            if let Some(found) = self.need(declared, cluster.map(|(name, _)| name), name, service) {
                scope.needs.push((&need.value, found));
                preset.depends_on.extend(declared.condition.map(|condition| needs(found, condition)));
            }
        }
        let description = declaration.description.as_ref().and_then(|text| self.told(text, &scope));
        preset.description = description.map(|text| text.shown());
        for (path, (_, file)) in kind.files_of(&name.value).zip(declaration.files.iter()) {
            preset.mounts.push(generated(&path, &file.target));
            preset.files.push(File { path, text: None, template: None, check: file.verify });
        }
        if let Some(implied) = declaration.implied() {
            self.implied(implied, &scope, &mut preset);
        }
        let secret = |setting: &Setting| match &setting.value {
            SettingValue::Secret(secret) => Some(secret.clone()),
            _ => None,
        };
        preset.secrets = scope.settings.iter().filter_map(secret).collect();
        preset.settings = scope.settings;
        preset
    }

    /// The service that a kind needs; reports it if it is missing.
    fn need(
        &mut self,
        need: &'a spec::Need,
        cluster: Option<&'a Spanned<String>>,
        name: &'a Spanned<String>,
        service: &'a Service,
    ) -> Option<&'a str> {
        if let Some(role) = &need.role {
            let cluster = cluster?;
            let found = self.member(&cluster.value, role.value);
            if found.is_none() {
                self.missing_role(cluster, role.value);
            }
            return found;
        }
        let provided = need.provides.as_ref()?.value.as_str();
        let key = need.setting.as_ref().map_or("", |setting| setting.value.as_str());
        let named = service.settings.as_ref().and_then(|settings| settings.named(key));
        if need.only_if.is_some() && named.is_none() && self.provider_names(provided).is_empty() {
            return None;
        }
        let own = format!("`{}`", name.value);
        let key = format!("settings.{key}");
        self.store((&key, named.as_ref()), provided, need.what.as_deref().unwrap_or(&own), name.span)
    }

    /// The settings of a service, with defaults for those that it leaves out; reports missing required ones.
    fn settings(&mut self, kind: &'a Declaration, service: &Service, scope: &Scope<'a>) -> Vec<Setting> {
        let mut settings = Vec::with_capacity(kind.settings.entries.len());
        for (name, declared) in kind.settings.iter() {
            let written = service.settings.as_ref().and_then(|settings| settings.get(&name.value));
            if written.is_none()
                // Both are a mistake of the kind.
                && declared.default.is_none()
                && let Some(question) = &declared.required
            {
                let question = self.told(question, scope).map(|text| text.shown()).unwrap_or_default();
                let set = format!("set `settings.{}`", name.value);
                self.report_missing(
                    service.sound,
                    Diagnostic::new("missing-key", question, scope.name.span).help(
                        match (&declared.example, declared.kind) {
                            (Some(example), _) => format!("{set}, e.g. `\"{example}\"`"),
                            (None, SettingType::Secret) => format!("{set} to a reference to a secret variable"),
                            (None, _) => set,
                        },
                    ),
                );
            }
            let value = match written {
                Some(Spanned { value: spec::SettingValue::Text(text), span })
                    if declared.kind == SettingType::Secret =>
                {
                    self.check_secret(text, *span);
                    // For its references.
                    self.text(text);
                    Some(SettingValue::Secret(Secret {
                        // No setting has a dash in its name, so this is unique.
                        name: format!("{}-{}", scope.name.value, name.value),
                        variable: text.variable().unwrap_or_default().to_owned(),
                    }))
                }
                Some(written) => {
                    if let (SettingType::Service, spec::SettingValue::String(other)) = (declared.kind, &written.value)
                        // A need says more.
                        && !kind.needs.iter().any(|(_, need)| need.setting.as_ref().is_some_and(|key| key.value == name.value))
                    {
                        if self.index.contains_key(other.as_str()) || self.external.contains_key(other.as_str()) {
                            self.references.service(other);
                        } else {
                            self.unknown_service(other, written.span, Some(&scope.name.value));
                        }
                    }
                    Some(self.setting(&written.value))
                }
                None => match (declared.default_value(), &declared.default_if) {
                    // Its references are the kind's.
                    (Some(spec::SettingValue::Text(text)), _) => self.told(&text, scope).map(SettingValue::Text),
                    (Some(default), _) => Some(self.setting(&default)),
                    (None, Some(fact)) => Some(SettingValue::Boolean(match fact.value {
                        // Every pod of a cluster may reach it.
                        spec::Fact::LoopbackOnly => {
                            !self.is_kubernetes() && self.is_loopback_only(scope.index, service)
                        }
                    })),
                    (None, None) => None,
                },
            };
            settings.extend(value.map(|value| Setting { name: name.value.clone(), value }));
        }
        settings
    }

    fn setting(&mut self, value: &spec::SettingValue) -> SettingValue {
        match value {
            spec::SettingValue::Boolean(value) => SettingValue::Boolean(*value),
            spec::SettingValue::Integer(number) => SettingValue::Integer(*number),
            spec::SettingValue::Duration(duration) => SettingValue::Duration(duration.clone()),
            // Java accepts `256m`, but not `256mb`, which Docker also accepts.
            spec::SettingValue::Size(size) => SettingValue::Size(Size(size.0.trim_end_matches(['b', 'B']).to_owned())),
            spec::SettingValue::String(text) => SettingValue::Text(text.as_str().into()),
            spec::SettingValue::Text(text) => SettingValue::Text(self.text(text)),
            spec::SettingValue::Strings(strings) => {
                SettingValue::Strings(strings.iter().map(|text| text.value.clone()).collect())
            }
            spec::SettingValue::StringsByName(map) => {
                SettingValue::Map(map.iter().map(|(name, text)| (name.value.clone(), text.clone())).collect())
            }
            spec::SettingValue::Ports(map) => {
                SettingValue::Map(map.iter().map(|(name, port)| (name.value.clone(), port.to_string())).collect())
            }
        }
    }

    /// A secret must be a reference to a secret variable: anything else would be committed.
    pub(in crate::resolve) fn check_secret(&mut self, secret: &SpecText, span: Span) {
        let mut named = None;
        let is_secret = match secret.variable() {
            Some(name) => {
                let used = self.variables.get(name);
                named = used.map(|used| used.name.span);
                // A missing or invalid declaration is reported separately.
                used.is_none_or(|used| {
                    !used.variable.sound || used.variable.secret.as_ref().is_some_and(|secret| secret.value)
                })
            }
            None => false,
        };
        if !is_secret {
            let diagnostic = Diagnostic::new("exposed-secret", "the secret would be committed with the outputs", span);
            self.report(match named {
                Some(variable) => diagnostic
                    .also(variable, "this variable is not a secret")
                    .help("add `secret = true` to the variable, and remove its default if it has one"),
                None => diagnostic.help("write a reference to a variable with `secret = true`"),
            });
        }
    }

    /// Turns the service that a kind gives into what it implies: the only place that knows both.
    fn implied(&mut self, service: &'a Service, scope: &Scope<'a>, preset: &mut Preset) {
        preset.command = service.command.as_ref().and_then(|command| self.told_command(&command.value, scope));
        preset.entrypoint = service.entrypoint.as_ref().and_then(|command| self.told_command(&command.value, scope));
        for (name, value) in service.environment.iter() {
            let value = self.told(&value.0, scope);
            preset.environment.extend(value.map(|value| (name.value.clone(), value)));
        }
        let other = service.kubernetes.as_ref().filter(|_| self.is_kubernetes());
        for (name, value) in other.into_iter().flat_map(|workload| workload.environment.iter()) {
            if let Some(value) = self.told(&value.0, scope) {
                preset.environment.retain(|(known, _)| *known != name.value);
                preset.environment.push((name.value.clone(), value));
            }
        }
        for mount in &service.volumes {
            let source = mount.0.source.as_ref().and_then(|text| self.told(text, scope));
            if let (Some(source), Some(target)) = (source, self.told(&mount.0.target, scope)) {
                preset.volumes.push((source.shown(), target.shown()));
            }
        }
        // A port that the kind lacks was reported there.
        let port =
            |this: &Self, name: &str| Some(this.ports[scope.index].iter().find(|port| port.name == name)?.target);
        let probed = service.healthcheck.as_ref().filter(|check| {
            let name = check.tcp.as_ref().or(check.port.as_ref()).map_or(service::HTTP_PORT, |name| &name.value);
            check.test.is_some() || port(self, name).is_some()
        });
        preset.healthcheck = probed.map(|check| self.probe(check, scope));
        if let Some(Spanned { value: service::Scraped::At(metrics), .. }) = service.metrics.as_deref() {
            preset.metrics = port(self, &metrics.port.value).map(|port| Metrics::new(port, metrics));
        }
        let keys = service.compose.iter();
        let keys = keys.filter_map(|(key, value)| Some((key.value.clone(), self.told_tree(value, scope)?)));
        preset.keys = Keys(keys.collect());
    }

    fn probe(&mut self, check: &'a service::Healthcheck, scope: &Scope<'a>) -> Probe {
        let (test, http, tcp) = if let Some(path) = &check.http {
            let path = Spanned { value: path.value.clone(), span: scope.name.span };
            let (test, http) = self.get(scope.index, check, &path);
            (test, http, None)
        } else if let Some(port) = &check.tcp {
            let port = Spanned { value: port.value.clone(), span: scope.name.span };
            let (test, tcp) = self.connect(scope.index, check, &port);
            (test, None, tcp)
        } else {
            (check.test.as_ref().and_then(|test| self.told_command(&test.value, scope)), None, None)
        };
        let time = |time: &Option<Spanned<SpecValue<crate::spec::value::Duration>>>| match &time.as_ref()?.value {
            SpecValue::Is(duration) => Some(Text::Literal(duration.text.clone())),
            SpecValue::Env(_) => None,
        };
        Probe {
            test,
            interval: time(&check.interval),
            timeout: time(&check.timeout),
            retries: check.retries.as_ref().map(is),
            start_period: time(&check.start_period),
            start_interval: time(&check.start_interval),
            enable: false,
            keys: Keys::default(),
            http,
            tcp,
        }
    }

    /// A command; `None` if nothing is left of it.
    fn told_command(&mut self, command: &service::Command, scope: &Scope<'a>) -> Option<Command> {
        match command {
            service::Command::Line(text) => self.told(text, scope).map(Command::Line),
            service::Command::Arguments(texts) => {
                let left: Vec<Text> = texts.iter().filter_map(|text| self.told(text, scope)).collect();
                (!left.is_empty() || texts.is_empty()).then_some(Command::Arguments(left))
            }
        }
    }

    fn told_tree(&mut self, tree: &SpecTree, scope: &Scope<'a>) -> Option<Tree> {
        Some(match tree {
            SpecTree::Text(text) => Tree::Text(self.told(text, scope)?),
            SpecTree::List(items) => Tree::List(items.iter().filter_map(|item| self.told_tree(item, scope)).collect()),
            SpecTree::Table(entries) => {
                let entries = entries.iter();
                let told = entries.filter_map(|(key, value)| Some((key.value.clone(), self.told_tree(value, scope)?)));
                Tree::Table(told.collect())
            }
            scalar => self.tree(scalar),
        })
    }

    /// A text of a kind; `None` if it refers to something missing.
    fn told(&mut self, text: &SpecText, scope: &Scope<'a>) -> Option<Text> {
        let mut found: Vec<Text> = Vec::new();
        for part in text.parts() {
            found.push(match part {
                Part::Literal(literal) => Text::Literal(literal.clone()),
                Part::Env(_) => scope.name.value.as_str().into(),
                Part::Address(address) => {
                    let name = address.endpoint.as_str();
                    let span = if scope.is_own { address.span } else { scope.name.span };
                    match address.service.as_str() {
                        "self" => self.address(&scope.name.value, name, address.number, span)?,
                        "settings" => written(&scope.settings.iter().find(|setting| setting.name == name)?.value)?,
                        "published" => self.published(&scope.name.value, name)?.to_string().into(),
                        "cluster" => match scope.cluster {
                            Some((_, cluster)) if name == "namespace" => main_namespace(cluster).into(),
                            Some((cluster, _)) => cluster.value.as_str().into(),
                            None => "unknown".into(),
                        },
                        need => {
                            let (_, service) = scope.needs.iter().find(|(known, _)| *known == need)?;
                            self.address(service, name, address.number, span)?
                        }
                    }
                }
            });
        }
        Some(Text::concat(found))
    }
}

/// What to do instead of setting what a built-in kind decides.
fn instead_of_setting(kind: &Declaration) -> String {
    if kind.takes(spec::Takes::Cluster) {
        return "remove it, and change what the kind takes it from: its settings, the cluster or [env]".to_owned();
    }
    if kind.settings.is_empty() {
        return "remove it, or describe the service without `kind`".to_owned();
    }
    format!("remove it, and use the settings of the kind: {}", listed(kind.settings.names()))
}

/// A setting as a text, a secret as the path of its file; `None` if it is empty.
fn written(value: &SettingValue) -> Option<Text> {
    Some(match value {
        SettingValue::Boolean(value) => value.to_string().into(),
        SettingValue::Integer(number) => number.to_string().into(),
        SettingValue::Duration(duration) => duration.text.as_str().into(),
        SettingValue::Size(size) => size.0.as_str().into(),
        SettingValue::Text(text) => text.clone(),
        SettingValue::Secret(secret) => secret.path().into(),
        SettingValue::Strings(strings) if strings.is_empty() => return None,
        SettingValue::Strings(strings) => strings.join(",").into(),
        SettingValue::Map(_) => return None,
    })
}

/// A value of a kind: none of them refers to a variable.
fn is<T: Clone + Default>(value: &SpecValue<T>) -> Value<T> {
    match value {
        SpecValue::Is(value) => Value::Is(value.clone()),
        SpecValue::Env(_) => Value::Is(T::default()),
    }
}
