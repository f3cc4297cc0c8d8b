//! What services run: repositories, tags, and what is built here.

use std::collections::HashMap;

use super::written::text;
use super::{Area, Change, Fate, Id, Pair, Severity, fates, quoted_list};
use crate::model::service::Service;
use crate::model::text::Text;
use crate::model::{ImageBuild, ImageRecipe, SourceTree};
use crate::spec::service::MountType;

const AREA: Area = Area::Images;

pub(super) fn compare(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    let old: HashMap<&str, &Service> =
        pair.before.every_service().map(|service| (service.name.as_str(), service)).collect();
    // One image is one change, however many services run it.
    let mut found: Vec<(Option<&Text>, Option<&Text>, Vec<&Service>)> = Vec::new();
    for new in pair.after.every_service() {
        let Some(old) = old.get(new.name.as_str()) else { continue };
        let (before, after) = (old.image.as_ref(), new.image.as_ref());
        let same = match (before, after) {
            (Some(before), Some(after)) => pair.same(before, after),
            _ => before.is_none() && after.is_none(),
        };
        if same {
            continue;
        }
        match found.iter_mut().find(|(a, b, _)| (*a, *b) == (before, after)) {
            Some((_, _, services)) => services.push(new),
            None => found.push((before, after, vec![new])),
        }
    }
    changes.extend(found.into_iter().map(|(before, after, services)| {
        image(before, after, &services).explains(services.iter().map(|service| service.name.as_str()))
    }));
    for fate in fates(&pair.before.builds, &pair.after.builds, |build| build.name.as_str()) {
        match fate {
            Fate::Added(new) => changes.push(
                Change::notice(Id::BuildAdded, AREA, &new.name, "now built here: run `gen dev build`")
                    .is(new.reference.clone()),
            ),
            Fate::Removed(old) => {
                changes.push(
                    Change::notice(Id::BuildRemoved, AREA, &old.name, "no longer built here")
                        .was(old.reference.clone()),
                );
            }
            Fate::Stays(old, new) if described(old) != described(new) => changes.push(
                Change::notice(Id::BuildChanged, AREA, &new.name, "build changed: run `gen dev build`")
                    .was(described(old))
                    .is(described(new)),
            ),
            Fate::Stays(..) => {}
        }
    }
}

fn described(build: &ImageBuild) -> String {
    let from = |tree: &SourceTree| format!("${{{}:-{}}}", tree.variable, tree.default);
    match &build.recipe {
        ImageRecipe::TemporalDsql(tree, base) => {
            format!("{}: temporal-dsql from {} in {base}", build.reference, from(tree))
        }
        ImageRecipe::TemporalRuntime(base) => format!("{}: temporal-runtime on {base}", build.reference),
        ImageRecipe::Own(tree) => format!("{}: {}", build.reference, from(tree)),
    }
}

fn image(before: Option<&Text>, after: Option<&Text>, services: &[&Service]) -> Change {
    let users = quoted_list(services.iter().map(|service| service.name.as_str()));
    let other = |what: &str| {
        let subject = after.or(before).map_or_else(String::new, text);
        Change::caution(Id::ImageChanged, AREA, subject, format!("{what} {users}"))
            .was(before.map(text))
            .is(after.map(text))
    };
    let (Some(old), Some(new)) = (before.and_then(Text::literal), after.and_then(Text::literal)) else {
        return other(if after.is_some() { "image changed for" } else { "image replaced by a build for" });
    };
    let (old, new) = (Reference::of(old), Reference::of(new));
    if old.repository != new.repository {
        return other("image changed for");
    }
    let (id, severity, what) = bump(&old, &new, services);
    Change::new(id, severity, AREA, new.repository, format!("{what}; runs in {users}")).was(old.label()).is(new.label())
}

fn bump(old: &Reference<'_>, new: &Reference<'_>, services: &[&Service]) -> (Id, Severity, String) {
    if old.tag == new.tag {
        return (Id::ImageUpdated, Severity::Notice, "digest changed, same tag".to_owned());
    }
    let (Some(from), Some(to)) = (old.version(), new.version()) else {
        return (Id::ImageUpdated, Severity::Notice, "tag changed".to_owned());
    };
    if to < from {
        let volumes: Vec<&str> = services
            .iter()
            .flat_map(|service| &service.mounts)
            .filter(|mount| mount.kind == MountType::Volume)
            .filter_map(|mount| mount.source.as_ref()?.literal())
            .collect();
        return if volumes.is_empty() {
            (Id::ImageDowngraded, Severity::Caution, "downgraded".to_owned())
        } else {
            let what = format!(
                "downgraded: it may not be able to read what the newer version wrote to {}",
                quoted_list(volumes)
            );
            (Id::ImageDowngraded, Severity::Danger, what)
        };
    }
    if to.first() != from.first() {
        return (Id::ImageMajorVersion, Severity::Caution, "new major version".to_owned());
    }
    (Id::ImageUpdated, Severity::Notice, if to == from { "tag changed" } else { "updated" }.to_owned())
}

/// An image without references, taken apart.
struct Reference<'r> {
    repository: &'r str,
    tag: &'r str,
    digest: Option<&'r str>,
}

impl<'r> Reference<'r> {
    fn of(reference: &'r str) -> Self {
        let (name, digest) = reference.split_once('@').map_or((reference, None), |(name, digest)| (name, Some(digest)));
        // A colon before a slash belongs to the registry's port.
        match name.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => Self { repository, tag, digest },
            _ => Self { repository: name, tag: "", digest },
        }
    }

    fn label(&self) -> String {
        self.digest.map_or_else(|| self.tag.to_owned(), |digest| format!("{}@{digest}", self.tag))
    }

    /// The numbers of a tag like `v1.19.1` or `8.4-alpine`, without zeros at the end; `None` for a word.
    fn version(&self) -> Option<Vec<u64>> {
        let tag = self.tag.strip_prefix('v').unwrap_or(self.tag);
        let end = tag.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(tag.len());
        let mut numbers = tag[..end]
            .trim_end_matches('.')
            .split('.')
            .map(|number| number.parse().ok())
            .collect::<Option<Vec<_>>>()?;
        while numbers.len() > 1 && numbers.last() == Some(&0) {
            numbers.pop();
        }
        Some(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(from: &str, to: &str, volume: Option<&str>) -> (Severity, String) {
        let mut service = Service { name: "web".to_owned(), ..Service::default() };
        service.mounts.extend(volume.map(|name| crate::model::service::Mount {
            kind: MountType::Volume,
            source: Some(name.into()),
            target: "/data".into(),
            read_only: None,
            keys: crate::model::Keys::default(),
        }));
        let change = image(Some(&from.into()), Some(&to.into()), &[&service]);
        (change.severity, change.what)
    }

    #[test]
    fn tags_are_compared_as_versions() {
        let cases = [
            ("a/b:1.9.0", "a/b:1.10.0", Severity::Notice, "updated"),
            ("a/b:v1.9", "a/b:v2.0", Severity::Caution, "new major version"),
            ("a/b:1.10", "a/b:1.9", Severity::Caution, "downgraded"),
            ("a/b:0", "a/b:0.1", Severity::Notice, "updated"),
            ("a/b:1.0", "a/b:1", Severity::Notice, "tag changed"),
            ("a/b:8.4", "a/b:8.4-alpine", Severity::Notice, "tag changed"),
            ("a/b:test", "a/b:dev", Severity::Notice, "tag changed"),
            ("a/b:1@sha256:aa", "a/b:1@sha256:bb", Severity::Notice, "digest changed, same tag"),
            ("r:5000/a/b:1", "r:5000/a/b:2", Severity::Caution, "new major version"),
            ("a/b:1", "a/c:1", Severity::Caution, "image changed for `web`"),
        ];
        for (from, to, severity, what) in cases {
            let (found, text) = judged(from, to, None);
            assert_eq!(found, severity, "{from} {to}");
            assert!(text.starts_with(what), "{from} {to}: {text}");
        }
    }

    #[test]
    fn an_older_store_may_not_read_its_data() {
        let (severity, what) = judged("a/b:3.2", "a/b:3.1", Some("b-data"));
        assert_eq!(severity, Severity::Danger);
        assert!(what.contains("`b-data`"), "{what}");
    }
}
