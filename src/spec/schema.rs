//! JSON Schema of the spec, for editors: written from the same declarations that decode it, so that the two can't
//! differ.
//!
//! It is draft 7, which the TOML editors read (Taplo, Tombi, Even Better TOML). It describes what a table may contain;
//! references between tables are beyond a schema. A key's description is its documentation, which
//! also has its examples (``e.g. `X` ``).

use std::borrow::Cow;
use std::mem;

use serde_json::{Map, Value, json};

use super::compose::{self, Shape};
use super::dashboard::Dashboard;
use super::decode::Decode;
use super::extends;
use super::kind::{Declaration, Kinds};
use super::stack::Spec;

/// A schema.
pub type Schema = Value;

/// The schema of the main file, and of those that it includes.
pub fn stack(kinds: &Kinds) -> Schema {
    let mut schemas = Schemas { kinds: kinds.clone(), ..Schemas::default() };
    let mut spec = schemas.properties_of::<Spec>();
    spec.remove(EXTENSION);
    schemas.partial = true;
    let mut overlay = schemas.properties_of::<Spec>();
    overlay.insert(
        "remove".to_owned(),
        described(
            json!({ "type": "array", "items": { "type": "string" } }),
            "Keys of the spec to take away, with dots.\n",
        ),
    );
    overlay.remove(EXTENSION);
    let extensions = json!({ EXTENSION: {} });
    let mut profile = json!({ "type": "object", "additionalProperties": false, "patternProperties": extensions });
    profile["properties"] = Value::Object(overlay);
    schemas
        .definitions
        .insert("Profile".to_owned(), described(profile, "What a profile adds to the spec or changes in it.\n"));
    let mut properties = Map::new();
    properties.insert(
        "include".to_owned(),
        described(
            json!({ "type": "array", "items": { "type": "string" } }),
            "Further files of the spec, relative to `spec/`; only the main file has this key.\n",
        ),
    );
    properties.extend(spec);
    properties.insert(
        "profiles".to_owned(),
        described(
            json!({ "type": "object", "additionalProperties": { "$ref": "#/definitions/Profile" } }),
            "Each is rendered to `generated/<profile>/` and `terraform/<profile>/`.\n",
        ),
    );
    let mut schema = root(
        "A stack",
        "spec/stack.toml: what `gen` turns into every file that the stack needs.",
        properties,
        &[],
        schemas.definitions,
    );
    schema["patternProperties"] = extensions;
    schema
}

/// The schema of a dashboard's file.
pub fn dashboard() -> Schema {
    let mut schemas = Schemas::default();
    let mut properties = schemas.properties_of::<Dashboard>();
    properties.extend(schemas.shared("a dashboard", &[]).into_iter().map(Field::property));
    let required = ["folder", "title"];
    root("A dashboard", "spec/dashboards/<name>.toml: rows of panels.", properties, &required, schemas.definitions)
}

/// The schema of a kind's `kind.toml`.
pub fn kind() -> Schema {
    let mut schemas = Schemas::default();
    let properties = schemas.properties_of::<Declaration>();
    let description = "spec/kinds/<name>/kind.toml: a kind of service of your own.";
    root("A kind", description, properties, &["title"], schemas.definitions)
}

fn root(
    title: &str,
    description: &str,
    properties: Map<String, Value>,
    required: &[&str],
    definitions: Map<String, Value>,
) -> Schema {
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": title,
        "description": description,
        "type": "object",
        "additionalProperties": false,
    });
    require(&mut schema, required, properties.contains_key(extends::ABSTRACT));
    schema["properties"] = Value::Object(properties);
    schema["definitions"] = Value::Object(definitions);
    schema
}

/// The tables that were described so far.
#[derive(Debug, Default)]
pub struct Schemas {
    definitions: Map<String, Value>,
    /// The kinds that services can have.
    pub kinds: Kinds,
    /// Whether a table may leave out what it needs elsewhere, as that of a profile may.
    partial: bool,
}

/// A key of a table.
pub struct Field {
    /// Its name.
    pub key: Cow<'static, str>,
    /// Its documentation.
    pub docs: Cow<'static, str>,
    /// What it is if it is left out, where that is one value for all.
    pub default: Option<Value>,
    /// Its value.
    pub schema: Schema,
    /// Whether the table needs it.
    pub required: bool,
}

impl Field {
    fn property(self) -> (String, Schema) {
        if self.docs.is_empty() {
            return (self.key.into_owned(), self.schema);
        }
        let mut schema = described(self.schema, &self.docs);
        if let (Some(default), Value::Object(object)) = (self.default, &mut schema) {
            object.insert("default".to_owned(), default);
        }
        (self.key.into_owned(), schema)
    }
}

/// A table with named keys.
pub trait Tabular {
    /// Its keys, in the order of the documentation.
    fn fields(schemas: &mut Schemas) -> Vec<Field>;
}

/// The pattern of Compose's extensions: further keys that are passed on.
const EXTENSION: &str = "^x-";

impl Schemas {
    /// The keys of a definition of Compose that a table does not have itself.
    pub(super) fn further(&mut self, definition: Shape, fields: &mut Vec<Field>) {
        for key in definition.keys() {
            if fields.iter().any(|field| field.key == key) {
                continue;
            }
            let Some(shape) = definition.key(key) else { continue };
            let docs = shape.schema().get("description").and_then(Value::as_str).unwrap_or("As in Compose.");
            let default = compose::filled_in(key);
            fields.push(Field {
                key: key.into(),
                docs: docs.into(),
                default,
                schema: self.compose(shape),
                required: false,
            });
        }
        if definition.key("x-").is_some() {
            fields.push(Field {
                key: EXTENSION.into(),
                docs: "".into(),
                default: None,
                schema: json!({}),
                required: false,
            });
        }
    }

    /// A part of Compose's specification, with the definitions that it refers to.
    pub(super) fn compose(&mut self, shape: Shape) -> Schema {
        self.translated(shape.schema())
    }

    fn translated(&mut self, schema: &Value) -> Value {
        if let Some(name) = compose::referenced(schema) {
            let own = format!("Compose.{name}");
            if !self.definitions.contains_key(&own) {
                self.definitions.insert(own.clone(), Value::Null);
                let translated = self.translated(compose::described(name).schema());
                self.definitions.insert(own.clone(), translated);
            }
            let reference = json!({ "$ref": format!("#/definitions/{own}") });
            return match schema.get("description").and_then(Value::as_str) {
                Some(docs) => described(reference, docs),
                None => reference,
            };
        }
        match schema {
            Value::Object(entries) => {
                // A string with a reference may fit several forms.
                let key_of = |key: &str| if key == "oneOf" { "anyOf".to_owned() } else { key.to_owned() };
                let translated: Map<String, Value> =
                    entries.iter().map(|(key, value)| (key_of(key), self.translated(value))).collect();
                // A reference to a variable stands for any scalar.
                match translated.get("type").and_then(Value::as_str) {
                    Some("boolean" | "integer" | "number") => {
                        any_of([Value::Object(translated), pattern(r"\$\{", &["${NAME:-default}"])])
                    }
                    _ => Value::Object(translated),
                }
            }
            Value::Array(items) => items.iter().map(|item| self.translated(item)).collect(),
            other => other.clone(),
        }
    }

    fn properties_of<T: Tabular>(&mut self) -> Map<String, Value> {
        T::fields(self).into_iter().map(Field::property).collect()
    }

    /// The keys of the tables that are called `what` by which they share others: those that are not among `fields`.
    fn shared(&mut self, what: &str, fields: &[Field]) -> Vec<Field> {
        let has = |key: &str| json!({ "required": [key] });
        let alone = json!({ "not": { "anyOf": [has(extends::EXTENDS), has(extends::ABSTRACT)] } });
        if !extends::keys_of(what).is_empty() {
            self.definitions.insert(ALONE.to_owned(), described(alone, "A table that has all of its keys itself."));
        }
        let keys = extends::keys_of(what).iter().filter(|key| !fields.iter().any(|field| field.key == **key));
        keys.map(|key| {
            let name = name_of(key);
            let (schema, docs) = extends::described(key);
            self.definitions.entry(name.clone()).or_insert_with(|| described(schema, docs));
            Field { key: (*key).into(), docs: "".into(), default: None, schema: reference(&name), required: false }
        })
        .collect()
    }

    /// A reference to a table, which is described once. `what`, its name in messages, is its name here, since two
    /// types may share a name.
    pub fn table<T: Tabular>(&mut self, what: &str, docs: &str) -> Schema {
        self.define(what, docs, T::fields)
    }

    /// Like [`Self::table`], for a table that is not a type.
    pub fn define(&mut self, what: &str, docs: &str, fields: impl FnOnce(&mut Self) -> Vec<Field>) -> Schema {
        let name = format!("{}{}", name_of(what), if self.partial { "Changes" } else { "" });
        if !self.definitions.contains_key(&name) {
            // A table may hold tables of its own kind.
            self.definitions.insert(name.clone(), Value::Null);
            let mut fields = fields(self);
            let shared = extends::keys_of(what);
            // Compose's own form is that of a service of a file.
            if let Some(own) = fields.iter_mut().find(|field| shared.contains(&field.key.as_ref())) {
                own.schema = any_of([mem::take(&mut own.schema), extends::described(&own.key).0]);
            }
            fields.extend(self.shared(what, &fields));
            let required: Vec<&str> =
                fields.iter().filter(|field| field.required && !self.partial).map(|field| field.key.as_ref()).collect();
            let mut schema = json!({ "type": "object", "additionalProperties": false });
            require(&mut schema, &required, !shared.is_empty());
            if fields.iter().any(|field| field.key == EXTENSION) {
                schema["patternProperties"] = json!({ EXTENSION: {} });
            }
            let named = fields.into_iter().filter(|field| field.key != EXTENSION);
            schema["properties"] = named.map(Field::property).collect();
            self.definitions.insert(name.clone(), described(schema, docs));
        }
        reference(&name)
    }
}

/// The definition that a table fits which extends no other and is not abstract.
const ALONE: &str = "Alone";

/// Requires keys of a table; one that extends another, or only exists to be extended, may leave them out.
fn require(schema: &mut Schema, keys: &[&str], may_extend: bool) {
    if keys.is_empty() {
        return;
    }
    if may_extend {
        schema["if"] = reference(ALONE);
        schema["then"] = json!({ "required": keys });
    } else {
        schema["required"] = json!(keys);
    }
}

fn reference(name: &str) -> Schema {
    json!({ "$ref": format!("#/definitions/{name}") })
}

/// The schema of what a function returns.
pub(super) fn schema_of<S, T: Decode>(_: impl Fn(&S) -> &T, schemas: &mut Schemas) -> Schema {
    T::schema(schemas)
}

/// `a dashboard's variable` as `DashboardVariable`.
fn name_of(what: &str) -> String {
    what.replace("'s ", " ")
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !matches!(*word, "a" | "an" | "the" | "of"))
        .flat_map(|word| word.chars().enumerate().map(|(at, c)| if at == 0 { c.to_ascii_uppercase() } else { c }))
        .collect()
}

/// One of several forms.
pub fn any_of(forms: impl IntoIterator<Item = Schema>) -> Schema {
    let mut flat: Vec<Schema> = Vec::new();
    for form in forms {
        match form {
            Value::Object(mut object) if object.len() == 1 && object.contains_key("anyOf") => {
                if let Some(Value::Array(forms)) = object.remove("anyOf") {
                    flat.extend(forms);
                }
            }
            form => flat.push(form),
        }
    }
    object([("anyOf", Value::Array(flat))])
}

/// A string that a regular expression matches.
pub fn pattern(pattern: &str, examples: &[&str]) -> Schema {
    json!({ "type": "string", "pattern": pattern, "examples": examples })
}

/// One of a few words, each with its documentation.
pub fn words(words: &[&str], docs: &[&str]) -> Schema {
    let docs: Vec<String> = docs.iter().map(|docs| prose(docs)).collect();
    json!({ "type": "string", "enum": words, "x-taplo": { "docs": { "enumValues": docs } } })
}

/// A list.
pub fn list<T: Decode>(schemas: &mut Schemas) -> Schema {
    object([("type", "array".into()), ("items", T::schema(schemas))])
}

/// A table whose keys the user chooses.
pub fn map<T: Decode>(schemas: &mut Schemas) -> Schema {
    object([("type", "object".into()), ("additionalProperties", T::schema(schemas))])
}

/// An object of values that are moved into it, which `json!` would copy.
fn object<const N: usize>(entries: [(&str, Value); N]) -> Schema {
    Value::Object(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// A schema with its documentation.
fn described(schema: Schema, docs: &str) -> Schema {
    let docs = prose(docs);
    let mut object = match schema {
        // In this draft keywords beside a reference are ignored.
        Value::Object(object) if !object.contains_key("$ref") => object,
        other => Map::from_iter([("allOf".to_owned(), Value::Array(vec![other]))]),
    };
    let literal = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
    if let Some((_, rest)) = docs.split_once("e.g. `")
        && let Some((example, _)) = rest.split_once('`')
        && !object.contains_key("examples")
    {
        object.insert("examples".to_owned(), json!([literal(example)]));
    }
    object.insert("description".to_owned(), Value::String(docs));
    Value::Object(object)
}

/// The lines of a documentation as one text.
fn prose(docs: &str) -> String {
    docs.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documentation_gives_examples_and_values_give_defaults() {
        let docs = " How often, e.g. `30s`.\n".into();
        let field = Field { key: "x".into(), docs, default: Some("15s".into()), schema: json!({}), required: false };
        let (key, schema) = field.property();
        assert_eq!(key, "x");
        let expected = json!({ "examples": ["30s"], "description": "How often, e.g. `30s`.", "default": "15s" });
        assert_eq!(schema, expected);
    }

    #[test]
    fn tables_have_names_of_their_own() {
        assert_eq!(name_of("a dashboard's variable"), "DashboardVariable");
        assert_eq!(name_of("a secret of a service"), "SecretService");
        let schema = stack(&Kinds::default());
        // The variables of .env and those of dashboards.
        assert!(schema["definitions"]["Variable"]["properties"]["secret"].is_object());
        assert!(schema["definitions"]["DashboardVariable"]["properties"]["multi"].is_object());
    }

    #[test]
    fn every_reference_has_its_definition_and_every_key_a_description() {
        fn walk(schema: &Value, root: &Value, path: &str) {
            match schema {
                Value::Object(object) => {
                    if let Some(Value::String(reference)) = object.get("$ref") {
                        let name = reference.strip_prefix("#/definitions/").unwrap();
                        assert!(root["definitions"][name].is_object(), "{reference}");
                    }
                    if let Some(Value::Object(properties)) = object.get("properties") {
                        for (key, property) in properties {
                            let text = property["description"].as_str().unwrap_or_default();
                            // Compose's own descriptions are exempt.
                            let foreign = include_str!("compose-spec.json").contains(text);
                            assert!(text.ends_with('.') || foreign, "{path}.{key}: `{text}`");
                        }
                    }
                    object.iter().for_each(|(key, value)| walk(value, root, &format!("{path}.{key}")));
                }
                Value::Array(items) => items.iter().for_each(|item| walk(item, root, path)),
                _ => {}
            }
        }
        for schema in [stack(&Kinds::default()), dashboard()] {
            walk(&schema, &schema, "");
        }
    }
}
