//! What Grafana queries, and the folders that it shows.

use std::collections::HashMap;

use super::written::tree;
use super::{Area, Change, Fate, Id, Pair, Severity, fates, quoted};
use crate::model::text::Text;
use crate::model::{Datasource, Grafana, Stack};

pub(super) fn compare(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    const AREA: Area = Area::Datasources;
    let (before, after) = (grafana(pair.before), grafana(pair.after));
    let sources = |grafana: Option<&Grafana>| -> Vec<Datasource> {
        grafana.map(|grafana| grafana.datasources.clone()).unwrap_or_default()
    };
    let (old_sources, new_sources) = (sources(before), sources(after));
    let uids: HashMap<&str, &str> =
        old_sources.iter().map(|source| (source.title.as_str(), source.uid.as_str())).collect();
    for fate in fates(&old_sources, &new_sources, |source| source.uid.as_str()) {
        // Grafana finds a datasource by its title, but looks it up by its UID (13.0: `provisioning/datasources`).
        if let Fate::Added(new) | Fate::Stays(_, new) = fate
            && let Some(&uid) = uids.get(new.title.as_str()).filter(|uid| **uid != new.uid)
        {
            let what = "another UID under the same title: a Grafana that has the old one provisions no datasource at \
                        all; change the title, too";
            let change = Change::danger(Id::DatasourceUidChanged, AREA, &new.title, what);
            changes.push(change.was(uid.to_owned()).is(new.uid.clone()));
        }
        match fate {
            Fate::Added(new) => {
                changes.push(Change::notice(Id::DatasourceAdded, AREA, &new.title, "added").is(at(new)));
            }
            Fate::Removed(old) => changes.push(
                Change::caution(
                    Id::DatasourceRemoved,
                    AREA,
                    &old.title,
                    "removed: dashboards created in Grafana may still query it",
                )
                .was(at(old)),
            ),
            Fate::Stays(old, new) => {
                let mut differs = |severity, what: &str, before: String, after: String| {
                    if before != after {
                        changes.push(
                            Change::new(Id::DatasourceChanged, severity, AREA, &new.title, what).was(before).is(after),
                        );
                    }
                };
                let kind = |source: &Datasource| source.kind.as_str().to_owned();
                differs(Severity::Caution, "type changed", kind(old), kind(new));
                differs(Severity::Notice, "title changed", old.title.clone(), new.title.clone());
                differs(Severity::Notice, "address changed", at(old), at(new));
                let user = |source: &Datasource| source.user.as_ref().map(Text::shown).unwrap_or_default();
                differs(Severity::Notice, "user changed", user(old), user(new));
                let secrets = |source: &Datasource| {
                    let secrets = source.secure.iter().map(|(key, secret)| format!("{key} = ${{{}}}", secret.variable));
                    secrets.collect::<Vec<_>>().join(", ")
                };
                differs(Severity::Notice, "secrets changed", secrets(old), secrets(new));
                let subject = (Id::DatasourceChanged, AREA, new.title.as_str());
                for fate in fates(&old.json.0, &new.json.0, |(key, _)| key.as_str()) {
                    match fate {
                        Fate::Added((key, tree_of)) => tree(changes, subject, key, None, Some(tree_of)),
                        Fate::Removed((key, tree_of)) => tree(changes, subject, key, Some(tree_of), None),
                        Fate::Stays((key, old), (_, new)) => tree(changes, subject, key, Some(old), Some(new)),
                    }
                }
                if old.default != new.default {
                    let what = if new.default { "now the default" } else { "no longer the default" };
                    changes.push(Change::notice(Id::DatasourceChanged, AREA, &new.title, what));
                }
            }
        }
    }
    let folders = |grafana: Option<&Grafana>| grafana.map(|grafana| grafana.folders.clone()).unwrap_or_default();
    for fate in fates(&folders(before), &folders(after), |folder| folder.directory.as_str()) {
        let what = |what: &str, directory: &str| format!("folder {} {what}", quoted(directory));
        changes.push(match fate {
            Fate::Added(new) => {
                Change::notice(Id::FolderChanged, Area::Dashboards, &new.title, what("added", &new.directory))
            }
            Fate::Removed(old) => {
                Change::notice(Id::FolderChanged, Area::Dashboards, &old.title, what("removed", &old.directory))
            }
            Fate::Stays(old, new) if old.title != new.title => {
                Change::notice(Id::FolderChanged, Area::Dashboards, &new.title, what("has a new title", &new.directory))
                    .was(old.title.clone())
                    .is(new.title.clone())
            }
            Fate::Stays(..) => continue,
        });
    }
}

fn at(source: &Datasource) -> String {
    source.url.as_ref().map_or_else(|| source.kind.as_str().to_owned(), Text::shown)
}

/// All Grafanas of a stack have the same configuration.
fn grafana(stack: &Stack) -> Option<&Grafana> {
    stack.grafanas.first()
}
