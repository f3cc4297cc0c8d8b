//! What Grafana's own types know of a panel's options: the spec refuses the rest there, so it is passed through.

use super::toml::{Item, Table};
use crate::diagnostic::Span;
use crate::resolve::options::{self, Area};
use crate::spec::decode::Spanned;
use crate::spec::raw::{Raw, RawValue};

/// Splits options of a panel type into those that the spec takes and the rest.
pub(super) fn split(kind: &str, area: Area, table: Table) -> (Table, Table) {
    let (mut fitting, mut rest) = (Table::default(), Table::default());
    for (key, item) in table.into_entries() {
        let one = [(Spanned { value: key.clone(), span: NOWHERE }, raw(&item))];
        let target = if options::check(kind, area, &one).is_empty() { &mut fitting } else { &mut rest };
        target.push(key, item);
    }
    (fitting, rest)
}

/// Nothing of an import stands in the spec yet.
const NOWHERE: Span = Span { file: 0, start: 0, end: 0 };

fn raw(item: &Item) -> Raw {
    let value = match item {
        Item::Bool(flag) => RawValue::Boolean(*flag),
        Item::Int(number) => RawValue::Integer(*number),
        Item::Float(number) => RawValue::Float(*number),
        Item::Text(text) => RawValue::String(text.clone()),
        Item::List(items) => RawValue::List(items.iter().map(raw).collect()),
        Item::Table(table) => {
            let entries = table.iter().map(|(key, item)| {
                let key = Spanned { value: key.to_owned(), span: NOWHERE };
                (key, raw(item))
            });
            RawValue::Table(entries.collect())
        }
    };
    Raw { span: NOWHERE, value }
}
