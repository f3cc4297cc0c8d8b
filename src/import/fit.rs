//! What Grafana's own types know of a panel's options: the spec refuses the rest there, so it is passed through.

use super::toml::{Item, Table};
use crate::diagnostic::Span;
use crate::resolve::dashboards::options::{self, Area};
use crate::spec::decode::{Map, Spanned};
use crate::spec::grafana::{Data, Given};
use crate::spec::quoted::Quoted;

/// Splits options of a panel type into those that the spec takes and the rest.
pub(super) fn split(kind: &str, area: Area, table: Table) -> (Table, Table) {
    let (mut fitting, mut rest) = (Table::default(), Table::default());
    for (key, item) in table.into_entries() {
        let one = map([(key.as_str(), &item)].into_iter());
        let target = if options::check(kind, area, &one).is_empty() { &mut fitting } else { &mut rest };
        target.push(key, item);
    }
    (fitting, rest)
}

/// Nothing of an import stands in the spec yet.
const NOWHERE: Span = Span { file: 0, start: 0, end: 0 };

fn map<'i>(entries: impl Iterator<Item = (&'i str, &'i Item)>) -> Map<Given> {
    let mut map = Map::default();
    map.entries.extend(entries.map(|(key, item)| (Spanned { value: key.to_owned(), span: NOWHERE }, given(item))));
    map
}

fn given(item: &Item) -> Given {
    let data = match item {
        Item::Bool(flag) => Data::Flag(*flag),
        Item::Int(number) => Data::Int(*number),
        Item::Float(number) => Data::Float(*number),
        Item::Text(text) => Data::Text(Quoted::unplaced(text, NOWHERE)),
        Item::List(items) => Data::List(items.iter().map(given).collect()),
        Item::Table(table) => Data::Map(map(table.iter())),
    };
    Given { span: NOWHERE, data }
}
