//! `[datasources.<uid>]`.

use std::collections::HashMap;

use super::dashboards::LONGEST_UID;
use super::{DASHBOARDS, Resolver};
use crate::diagnostic::{Diagnostic, Span};
use crate::model::kind::Secret;
use crate::model::text::{Reference, Segment, Text, Tree};
use crate::model::{Address, Datasource, Keys};
use crate::spec::decode::{Spanned, shown};
use crate::spec::external::External;
use crate::spec::service::HTTP_PORT;
use crate::spec::stack::{Addressed, Datasource as Written, DatasourceType, Queried};
use crate::spec::text::{Text as SpecText, Tree as SpecTree};

/// The ID of a trace in a line of a log, as JSON or logfmt.
const TRACE_ID: &str = r#"trace_?[iI][dD]"?[=:]\s*"?(\w+)"#;

impl<'a> Resolver<'a> {
    /// What Grafana queries; one datasource is the default.
    pub(super) fn datasources(&mut self) -> Vec<Datasource> {
        let spec = self.spec;
        let mut sources = Vec::with_capacity(spec.datasources.entries.len());
        let mut default = None;
        let mut titles: HashMap<&str, Span> = HashMap::new();
        for (uid, source) in spec.datasources.iter() {
            if uid.value.len() > LONGEST_UID {
                self.report(
                    Diagnostic::new("invalid-uid", format!("invalid UID `{}`", shown(&uid.value)), uid.span)
                        .help(format!("use at most {LONGEST_UID} characters: Grafana refuses a longer one")),
                );
            }
            // Grafana finds a datasource by its title when it reads the file.
            if let Some(first) = titles.insert(&source.title.value, source.title.span) {
                let title = format!("duplicate datasource title `{}`", shown(&source.title.value));
                self.report(
                    Diagnostic::new("title-clash", title, source.title.span)
                        .also(first, "the other one")
                        .help("change one of them: in Grafana, the second datasource would replace the first"),
                );
            }
            let (address, port) = self.queried(uid, source);
            if let Some(flag) = source.default.as_ref().filter(|flag| flag.value) {
                match default {
                    None => default = Some(flag.span),
                    Some(first) => self.report(
                        Diagnostic::new("two-defaults", "duplicate default datasource", flag.span)
                            .also(first, "the other one")
                            .help("remove one of the two: Grafana has one default per organization"),
                    ),
                }
            }
            sources.push(Datasource {
                uid: uid.value.clone(),
                title: source.title.value.clone(),
                kind: source.kind.value.clone(),
                url: self.url(source, address.as_ref()),
                user: source.user.as_ref().map(|user| of_grafana(self.text(user))),
                json: self.json(source, address.as_ref(), port.as_deref()),
                secure: secrets(uid, source).map(|(key, _, secret)| (key.to_owned(), secret)).collect(),
                address,
                default: source.default.as_ref().is_some_and(|flag| flag.value),
            });
            for (_, text, _) in secrets(uid, source) {
                self.check_secret(text, text.span);
            }
        }
        sources
    }

    /// The service that is queried and the name of its port; reports what is missing or doesn't fit.
    fn queried(&mut self, uid: &Spanned<String>, source: &Written) -> (Option<Address>, Option<String>) {
        let kind = &source.kind.value;
        let facts = if let Queried::Known(kind) = kind { Some(kind.plugin()) } else { None };
        let is_aws = kind.addressed() == Addressed::Aws;
        let span = |text: &Option<Spanned<SpecText>>| text.as_ref().map(|text| text.span);
        let name = |name: &Option<Spanned<String>>| name.as_ref().map(|name| name.span);
        let (service, port) = (("service", name(&source.service)), ("port", name(&source.port)));
        let (url, user) = (("url", span(&source.url)), ("user", span(&source.user)));
        let of_type = format!("with the type `{}`", kind.as_str());
        let (unfit, why) = match kind.addressed() {
            Addressed::Aws => (vec![service, port, url, user], of_type.as_str()),
            Addressed::Settings => (vec![url], of_type.as_str()),
            _ if source.url.is_some() => (vec![service, port], "with `url`"),
            _ if source.service.is_none() => (vec![port], "without `service`"),
            _ => (Vec::new(), ""),
        };
        let has_database = facts.as_ref().is_some_and(|facts| facts.database.is_some());
        let database = ("database", span(&source.database).filter(|_| !has_database));
        let unfit = unfit.into_iter().map(|unfit| (unfit, why)).chain([(database, of_type.as_str())]);
        for ((key, span), why) in unfit {
            let Some(span) = span else { continue };
            let title = format!("`{key}` cannot be used {why}");
            self.report(Diagnostic::new("contradiction", title, span).help(format!("remove `{key}`")));
        }
        if is_aws {
            self.check_grafana_credentials(uid);
        }
        let is_elsewhere = source.url.is_some() || source.json_data.get("host").is_some();
        if is_aws || is_elsewhere || (facts.is_none() && source.service.is_none()) {
            return (None, None);
        }
        let what = format!("datasource `{}`", uid.value);
        if let Some(provided) = facts.and_then(|facts| facts.provided)
            && source.port.is_none()
            && source.service.as_ref().is_none_or(|service| {
                let name = service.value.as_str();
                let exists = self.index.contains_key(name) || self.external.contains_key(name);
                // What a built-in kind serves is known.
                let is_known = self.kind_of(name).is_some_and(|(kind, _)| !kind.is_own());
                !exists || is_known || self.find_store(Some(service), provided).is_some()
            })
        {
            let service = self.store(("service", source.service.as_ref()), provided, &what, source.span);
            return (
                service.and_then(|service| self.provided(service, provided, |provision| provision.query.as_ref())),
                None,
            );
        }
        let Some(service) = &source.service else {
            let title = format!("missing key `service` in datasource `{}`", uid.value);
            let other = if kind.addressed() == Addressed::Settings { "json_data.host" } else { "url" };
            let help =
                format!("set it to the service that is queried, or set `{other}` to its address outside of the stack");
            self.report_missing(source.sound, Diagnostic::new("missing-key", title, uid.span).help(help));
            return (None, None);
        };
        let usual = if kind.addressed() == Addressed::HostAndPort { "sql" } else { HTTP_PORT };
        let Some(ports) = self.port_names(&service.value) else {
            self.unknown_service(&service.value, service.span, None);
            return (None, None);
        };
        let (name, span) = if let Some(port) = &source.port {
            (port.value.clone(), port.span)
        } else {
            let only = if let [only] = ports.as_slice() { only } else { usual };
            (if ports.iter().any(|port| port == usual) { usual } else { only }.to_owned(), service.span)
        };
        let port = match self.index.get(service.value.as_str()) {
            Some(&index) => self.port_of(index, &name, span, &[]),
            None => self.external_port(&service.value, &name, span),
        };
        let address = port.map(|port| self.address_of(&service.value, port, ""));
        if let Some(address) = &address {
            self.refer_to(address);
        }
        (address, Some(name))
    }

    /// The external service that a datasource queries.
    fn external_behind(&self, source: &Written) -> Option<&'a External> {
        let name = match (&source.service, &source.kind.value) {
            (Some(service), _) => service.value.as_str(),
            (None, Queried::Known(kind)) if source.url.is_none() => self.find_store(None, kind.plugin().provided?)?,
            _ => return None,
        };
        Some(self.external.get(name)?.written)
    }

    /// What Grafana calls `url`.
    fn url(&mut self, source: &Written, address: Option<&Address>) -> Option<Text> {
        if let Some(url) = &source.url {
            return Some(of_grafana(self.text(url)));
        }
        let address = address?;
        match source.kind.value.addressed() {
            Addressed::Http => Some(of_grafana(address.url())),
            Addressed::HostAndPort => Some(of_grafana(address.authority())),
            Addressed::Settings | Addressed::Aws => None,
        }
    }

    /// Grafana's `jsonData`: what the plugin needs, then what the spec says.
    fn json(&mut self, source: &Written, address: Option<&Address>, port: Option<&str>) -> Keys {
        let mut keys: Vec<(String, Tree)> = Vec::new();
        let mut set = |key: &str, value: Tree| keys.push((key.to_owned(), value));
        if let Queried::Known(kind) = source.kind.value {
            let facts = kind.plugin();
            for (key, value) in facts.settings {
                set(key, Tree::Text((*value).into()));
            }
            match (facts.addressed, address) {
                (Addressed::Aws, _) => {
                    // Grafana's own environment has it.
                    let region = Reference { name: "AWS_REGION".to_owned(), operator: None };
                    set("defaultRegion", Tree::Text(Text::Parts(vec![Segment::Env(region)])));
                }
                (Addressed::Settings, Some(address)) => {
                    set("host", Tree::Text(of_grafana(address.host())));
                    set("port", Tree::Integer(address.port.into()));
                    let protocol = if port == Some(HTTP_PORT) { "http" } else { "native" };
                    set("protocol", Tree::Text(protocol.into()));
                }
                _ => {}
            }
            if kind == DatasourceType::Prometheus {
                let kind = address.and_then(Address::name).and_then(|name| self.kind_of(name)).map(|(kind, _)| kind);
                // The only built-in kind that has metrics.
                let is_mimir = kind.is_some_and(|kind| !kind.is_own() && kind.provides("metrics"));
                set("prometheusType", Tree::Text(if is_mimir { "Mimir" } else { "Prometheus" }.into()));
            }
            keys.extend(self.correlations(kind));
            if let Some((key, database)) = facts.database.zip(source.database.as_ref()) {
                let database = of_grafana(self.text(database));
                keys.push((key.to_owned(), Tree::Text(database)));
            }
            if let Some(user) = source.user.as_ref().filter(|_| facts.addressed == Addressed::Settings) {
                let user = of_grafana(self.text(user));
                keys.push(("username".to_owned(), Tree::Text(user)));
            }
        }
        for (key, tree) in source.json_data.iter() {
            let mut tree = self.tree(tree);
            plain(&mut tree);
            match keys.iter_mut().find(|(known, _)| *known == key.value) {
                Some((_, known)) => *known = tree,
                None => keys.push((key.value.clone(), tree)),
            }
        }
        Keys(keys)
    }

    /// How Grafana gets from metrics and logs to traces and back, where there is one datasource of each.
    fn correlations(&self, kind: DatasourceType) -> Vec<(String, Tree)> {
        use DatasourceType::{Jaeger, Loki, Prometheus, Tempo};
        let only = |kinds: &[DatasourceType]| {
            let is_one = |kind: &Queried| matches!(kind, Queried::Known(kind) if kinds.contains(kind));
            let mut found = self.spec.datasources.iter().filter(|(_, source)| is_one(&source.kind.value));
            found.next().filter(|_| found.next().is_none()).map(|(uid, _)| uid.value.as_str())
        };
        let text = |text: &str| Tree::Text(text.into());
        let table = |entries: &[(&str, Tree)]| {
            Tree::Table(entries.iter().map(|(key, tree)| ((*key).to_owned(), tree.clone())).collect())
        };
        let to = |uid: &str| table(&[("datasourceUid", text(uid))]);
        let mut keys = Vec::new();
        let mut add = |key: &str, tree: Option<Tree>| keys.extend(tree.map(|tree| (key.to_owned(), tree)));
        let traces = only(&[Tempo, Jaeger]);
        match kind {
            Prometheus => {
                let destination =
                    |uid| Tree::List(vec![table(&[("name", text("trace_id")), ("datasourceUid", text(uid))])]);
                add("exemplarTraceIdDestinations", traces.map(destination));
            }
            Loki => {
                let field = |uid| {
                    Tree::List(vec![table(&[
                        ("name", text("trace_id")),
                        ("matcherRegex", text(TRACE_ID)),
                        ("url", text("${__value.raw}")),
                        ("datasourceUid", text(uid)),
                    ])])
                };
                add("derivedFields", traces.map(field));
            }
            Tempo | Jaeger => {
                let logs = |uid| table(&[("datasourceUid", text(uid)), ("filterByTraceID", Tree::Boolean(true))]);
                add("tracesToLogsV2", only(&[Loki]).map(logs));
                add("tracesToMetrics", only(&[Prometheus]).map(to));
                if kind == Tempo {
                    add("serviceMap", only(&[Prometheus]).map(to));
                }
            }
            _ => {}
        }
        keys
    }

    /// What a Grafana needs in its environment, and the secrets that it reads, for all datasources.
    pub(super) fn for_datasources(&mut self) -> (Vec<(String, Text)>, Vec<Secret>) {
        let spec = self.spec;
        let mut variables: Vec<(String, Text)> = Vec::new();
        let mut all: Vec<Secret> = Vec::new();
        for (uid, source) in spec.datasources.iter() {
            for (_, text, secret) in secrets(uid, source) {
                // For its reference.
                self.text(text);
                all.push(secret);
            }
            let mut texts: Vec<&SpecText> = Vec::new();
            texts.extend([&source.url, &source.user, &source.database].into_iter().flatten().map(|text| &text.value));
            source.json_data.iter().for_each(|(_, tree)| texts_of(tree, &mut texts));
            let host = self.external_behind(source).map(|external| &external.host.value);
            for text in texts.into_iter().chain(host) {
                let Text::Parts(segments) = self.text(text) else { continue };
                for segment in segments {
                    if let Segment::Env(reference) = segment
                        && !variables.iter().any(|(name, _)| *name == reference.name)
                    {
                        variables.push((reference.name.clone(), Text::Parts(vec![Segment::Env(reference)])));
                    }
                }
            }
        }
        (variables, all)
    }

    /// Grafana asks CloudWatch with the credentials and the region of its own container.
    fn check_grafana_credentials(&mut self, uid: &Spanned<String>) {
        for (name, service) in self.providers(DASHBOARDS) {
            if !service.aws.as_ref().is_some_and(|aws| aws.value) {
                self.report(
                    Diagnostic::new(
                        "missing-credentials",
                        format!("missing AWS credentials for datasource `{}`", uid.value),
                        uid.span,
                    )
                    .also(name.span, "does not use AWS")
                    .help(format!("set `aws = true` in [services.{}]", name.value)),
                );
            }
        }
    }
}

/// The secrets of a datasource: its key in `secureJsonData`, what the spec says, and what holds it.
fn secrets<'a>(
    uid: &'a Spanned<String>,
    source: &'a Written,
) -> impl Iterator<Item = (&'a str, &'a Spanned<SpecText>, Secret)> {
    let key = if source.kind.value.addressed() == Addressed::Http { "basicAuthPassword" } else { "password" };
    let password = source.password.iter().map(move |password| (key, password));
    let others = source.secure_json_data.iter().map(|(key, text)| (key.value.as_str(), text));
    password.chain(others).map(|(key, text)| {
        // No secret of the spec has a dot in its name.
        let name = format!("datasource.{}.{key}", uid.value);
        (key, text, Secret { name, variable: text.value.variable().unwrap_or_default().to_owned() })
    })
}

/// A text in which Grafana expands variables of its own environment.
fn of_grafana(text: Text) -> Text {
    let mut tree = Tree::Text(text);
    plain(&mut tree);
    if let Tree::Text(text) = tree { text } else { Text::default() }
}

/// Takes the operators of references away: Compose applies them when it passes the variables to Grafana.
fn plain(tree: &mut Tree) {
    match tree {
        Tree::Text(Text::Parts(segments)) => {
            for segment in segments {
                if let Segment::Env(reference) = segment {
                    reference.operator = None;
                }
            }
        }
        Tree::List(items) => items.iter_mut().for_each(plain),
        Tree::Table(entries) => entries.iter_mut().for_each(|(_, tree)| plain(tree)),
        _ => {}
    }
}

fn texts_of<'a>(tree: &'a SpecTree, texts: &mut Vec<&'a SpecText>) {
    match tree {
        SpecTree::Text(text) => texts.push(text),
        SpecTree::List(items) => items.iter().for_each(|item| texts_of(item, texts)),
        SpecTree::Table(entries) => entries.iter().for_each(|(_, tree)| texts_of(tree, texts)),
        _ => {}
    }
}
