//! The datasource that a reference means.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use super::note::Kind;
use super::object::{Object, described};
use super::{Datasource, query};

/// Grafana's own datasources.
pub(super) const MIXED: &str = "-- Mixed --";
pub(super) const DASHBOARD: &str = "-- Dashboard --";
const GRAFANA: &str = "-- Grafana --";
const EXPRESSION: &str = "__expr__";
const BUILT_IN: [&str; 4] = [MIXED, DASHBOARD, GRAFANA, EXPRESSION];

/// A datasource as the dashboard refers to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    /// The UID, or `$name` of a variable; none for the stack's default when that isn't known.
    pub uid: Option<String>,
    /// The plugin, if it is known: it decides how a query is read.
    pub plugin: Option<String>,
}

/// Maps the dashboard's references to those of the stack.
pub(super) struct Datasources<'a> {
    known: Option<&'a [Datasource]>,
    /// `__inputs` of a shared export: the name that stands for a datasource, and its plugin, if it says that.
    inputs: HashMap<String, Option<String>>,
    /// Datasource variables and their plugins.
    variables: HashMap<String, String>,
    /// How often each datasource is used where it need not be named.
    uses: BTreeMap<Option<String>, usize>,
}

impl<'a> Datasources<'a> {
    pub fn new(known: Option<&'a [Datasource]>) -> Self {
        Self { known, inputs: HashMap::new(), variables: HashMap::new(), uses: BTreeMap::new() }
    }

    pub fn add_input(&mut self, name: String, plugin: Option<String>) {
        self.inputs.insert(name, plugin.map(today));
    }

    pub fn add_variable(&mut self, name: String, plugin: String) {
        self.variables.insert(name, plugin);
    }

    /// The datasource that an object names below `datasource`; none if it names none.
    pub fn take(&self, object: &mut Object<'_>) -> Option<Reference> {
        let value = object.take("datasource")?;
        let (uid, plugin) = match value {
            Value::String(name) => (name, None),
            Value::Object(mut map) => {
                let plugin = text(&mut map, "type").map(today);
                match (text(&mut map, "uid"), plugin) {
                    (Some(uid), plugin) => (uid, plugin),
                    // A reference by type means any of that type.
                    (None, Some(plugin)) => match self.likely(Some(&plugin)) {
                        Some(found) => return Some(Self::found(found)),
                        None if plugin == "grafana" => (GRAFANA.to_owned(), Some(plugin)),
                        None => {
                            object.note(
                                Kind::Assumed,
                                "datasource",
                                format!("the default datasource, for any `{plugin}`"),
                            );
                            return Some(Reference { plugin: Some(plugin), ..self.default() });
                        }
                    },
                    (None, None) => return None,
                }
            }
            other => {
                object.note(Kind::Dropped, "datasource", format!("expected a datasource, found {}", described(&other)));
                return None;
            }
        };
        Some(self.resolve(object, "datasource", uid, plugin))
    }

    /// The stack's datasource for a UID, or for a title in an older file.
    pub fn resolve(&self, object: &Object<'_>, key: &str, uid: String, plugin: Option<String>) -> Reference {
        let note = |kind, message| object.notes.add_new(kind, &object.place, &object.path_of(key), message);
        if let Some(name) = variable(&uid) {
            if let Some(input) = self.inputs.get(name) {
                return self.by_type(object, key, &uid, input.clone().or(plugin));
            }
            let Some(variable) = self.variables.get(name) else {
                // A placeholder that something was to replace, or a variable that holds a name.
                return self.by_type(object, key, &uid, plugin);
            };
            return Reference { uid: Some(format!("${name}")), plugin: plugin.or_else(|| Some(variable.clone())) };
        }
        match uid.as_str() {
            "default" => return self.default(),
            "grafana" => return Reference { uid: Some(GRAFANA.to_owned()), plugin: Some("grafana".to_owned()) },
            built_in if BUILT_IN.contains(&built_in) => return Reference { uid: Some(uid), plugin },
            _ => {}
        }
        let known = self.known.unwrap_or_default();
        if let Some(found) = known.iter().find(|known| known.uid == uid) {
            return Self::found(found);
        }
        // Before Grafana 8.3 a datasource was named by its title.
        if plugin.is_none()
            && let Some(found) = known.iter().find(|known| known.title == uid)
        {
            note(Kind::Converted, format!("the title `{uid}` to the UID `{}`", found.uid));
            return Self::found(found);
        }
        self.by_type(object, key, &uid, plugin)
    }

    fn by_type(&self, object: &Object<'_>, key: &str, uid: &str, plugin: Option<String>) -> Reference {
        let note = |kind, message| object.notes.add_new(kind, &object.place, &object.path_of(key), message);
        if plugin.as_deref() == Some(EXPRESSION) {
            return Reference { uid: Some(EXPRESSION.to_owned()), plugin };
        }
        let guessed = if plugin.is_none() { query::plugin(&object.map) } else { None };
        if let Some(found) = self.likely(plugin.as_deref().or(guessed)) {
            let (plugin, uid_of_stack) = (&found.plugin, &found.uid);
            let message = if self.only(plugin).is_some() {
                format!("`{uid}` is `{uid_of_stack}`, the only datasource of type `{plugin}`")
            } else {
                format!("`{uid}` is `{uid_of_stack}`, a datasource of type `{plugin}`")
            };
            note(Kind::Assumed, message);
            return Self::found(found);
        }
        let kind = plugin.as_deref().map(|plugin| format!(" of type `{plugin}`")).unwrap_or_default();
        match (variable(uid), self.known) {
            (Some(name), _) => {
                note(Kind::Assumed, format!("`{name}` is a placeholder for a datasource{kind}: replace it"));
                return Reference { uid: Some(name.to_owned()), plugin };
            }
            (None, Some(_)) => {
                note(Kind::Assumed, format!("the stack has no datasource `{uid}`{kind}"));
            }
            // Without a stack nothing can be compared; one note says so.
            (None, None) => {}
        }
        Reference { uid: Some(uid.to_owned()), plugin }
    }

    /// The stack's datasource that is meant by an unknown name: of the plugin, if that is known, and the default one of
    /// several.
    fn likely(&self, plugin: Option<&str>) -> Option<&'a Datasource> {
        let known = self.known?;
        let fits = |known: &&Datasource| plugin.is_none_or(|plugin| known.plugin == plugin);
        known.iter().filter(fits).find(|known| known.default).or_else(|| known.iter().find(fits))
    }

    fn only(&self, plugin: &str) -> Option<&'a Datasource> {
        let mut found = self.known?.iter().filter(|known| known.plugin == plugin);
        found.next().filter(|_| found.next().is_none())
    }

    fn found(found: &Datasource) -> Reference {
        Reference { uid: Some(found.uid.clone()), plugin: Some(found.plugin.clone()) }
    }

    /// What null means.
    pub fn default(&self) -> Reference {
        match self.known.and_then(|known| known.iter().find(|known| known.default)) {
            Some(found) => Self::found(found),
            None => Reference { uid: None, plugin: None },
        }
    }

    /// Counts a use that need not be named.
    pub fn count(&mut self, reference: &Reference) {
        if !reference.uid.as_deref().is_some_and(|uid| BUILT_IN.contains(&uid)) {
            *self.uses.entry(reference.uid.clone()).or_default() += 1;
        }
    }

    /// The dashboard's datasource, and what to write for it: nothing if it is the stack's default.
    pub fn of_dashboard(&self) -> (Option<String>, Option<String>) {
        let default = self.default().uid;
        // One that means the default can't be named as long as the default isn't known.
        if self.uses.is_empty() || self.uses.contains_key(&None) {
            return (default, None);
        }
        let used = self.uses.iter().max_by_key(|&(uid, count)| (*count, *uid == default));
        let most = used.and_then(|(uid, _)| uid.clone());
        let written = most.clone().filter(|_| most != default);
        (most, written)
    }
}

/// The ID of a plugin today (`aliasIDs` in the `plugin.json` of Grafana's datasources).
fn today(plugin: String) -> String {
    match plugin.as_str() {
        "phlare" => "grafana-pyroscope-datasource",
        "postgres" => "grafana-postgresql-datasource",
        "testdata" => "grafana-testdata-datasource",
        _ => return plugin,
    }
    .to_owned()
}

fn text(map: &mut Map<String, Value>, key: &str) -> Option<String> {
    match map.shift_remove(key) {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    }
}

/// The name of a variable that is a whole text: `$x`, `${x}`, `[[x]]`.
pub(super) fn variable(text: &str) -> Option<&str> {
    let name = text
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'))
        .or_else(|| text.strip_prefix("[[").and_then(|rest| rest.strip_suffix("]]")))
        .or_else(|| text.strip_prefix('$'))?;
    let name = name.split(':').next().unwrap_or(name);
    (!name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')).then_some(name)
}
