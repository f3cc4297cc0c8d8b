//! The safety net: what of the outputs differs although no change says why. That is better reported without an
//! explanation than not at all.

use std::collections::HashSet;

use super::{Area, Change, Fate, Id, Pair, fates, quoted_list, sides};
use crate::lit::compose::Node;
use crate::model::Named;
use crate::model::kind::Cluster;
use crate::model::service::Service;
use crate::spec::kind::Takes;
use crate::view::compose::{body, top_level};

impl Area {
    /// The sections of the Compose file that have the subjects of its changes.
    fn sections(self) -> &'static [&'static str] {
        match self {
            Self::Volumes => &["volumes"],
            Self::Networks => &["networks"],
            Self::Secrets => &["secrets", "configs", SERVICES],
            Self::Services => &["models", SERVICES],
            _ => &[SERVICES],
        }
    }

    /// The keys of a service that its changes are about, besides those that they name.
    pub(super) fn key(self) -> Option<&'static str> {
        Some(match self {
            Self::Ports => "ports",
            Self::Mounts => "volumes",
            Self::Environment => "environment",
            Self::Limits => "deploy",
            Self::Dependencies => "depends_on",
            Self::Healthchecks => "healthcheck",
            _ => return None,
        })
    }
}

const SERVICES: &str = "services";

/// Stands for all keys of an entry: it was added or removed.
pub(super) const WHOLE: &str = "";

/// What of the Compose file a change explains: section, entry and key.
type Told<'c> = HashSet<(&'static str, &'c str, &'c str)>;

fn told<'c>(pair: &'c Pair<'_>, changes: &'c [Change]) -> Told<'c> {
    let mut told = Told::new();
    // Clusters, and services that may be their PostgreSQL, whose user and password are theirs, too.
    let (mut clusters, mut services): (HashSet<&str>, HashSet<&str>) = (HashSet::new(), HashSet::new());
    for Change { area, subject, keys, .. } in changes {
        let keys = keys.iter().map(String::as_str);
        match area {
            // One image is one change, whose keys are the services that run it.
            Area::Images => told.extend(keys.map(|service| (SERVICES, service, "image"))),
            Area::Clusters => _ = clusters.insert(subject),
            _ => {
                // `web.http`
                let port = if *area == Area::Ports { subject.rsplit_once('.') } else { None };
                let subject = port.map_or(subject.as_str(), |(service, _)| service);
                if *area == Area::Services {
                    services.insert(subject);
                }
                let sections = area.sections().iter();
                told.extend(keys.flat_map(|key| sections.clone().map(move |section| (*section, subject, key))));
            }
        }
    }
    let store = |cluster: &'c Cluster| cluster.server.postgresql()?.address.as_ref()?.name();
    let is_changed = |cluster: &&'c Cluster| {
        clusters.contains(cluster.name.as_str()) || store(cluster).is_some_and(|store| services.contains(store))
    };
    let mut concerned = pair.after.clusters.iter().filter(is_changed).peekable();
    if concerned.peek().is_some() {
        // The scripts of its one-shots have its names.
        let is_one_shot = |service: &&Service| {
            service.kind.as_ref().is_some_and(|kind| kind.takes(Takes::Cluster) && kind.one_shot == Some(true))
        };
        for service in pair.after.services.iter().filter(is_one_shot) {
            told.extend(["environment", "command"].map(|key| (SERVICES, service.name.as_str(), key)));
        }
    }
    told.extend(
        concerned.flat_map(|cluster| &cluster.services).map(|server| (SERVICES, server.as_str(), "environment")),
    );
    told
}

/// Keys of the Compose file that differ although no change is about them.
pub(super) fn compose(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    let (before, after) = (pair.before, pair.after);
    let mut places = Vec::new();
    let told = told(pair, changes);
    entries(pair, &told, SERVICES, (&before.services, &after.services), &mut places);
    entries(pair, &told, SERVICES, (&before.schema_services, &after.schema_services), &mut places);
    for (section, before, after) in [
        ("networks", &before.networks, &after.networks),
        ("volumes", &before.volumes, &after.volumes),
        ("secrets", &before.secrets, &after.secrets),
        ("configs", &before.configs, &after.configs),
        ("models", &before.models, &after.models),
    ] {
        entries(pair, &told, section, (before, after), &mut places);
    }
    if !places.is_empty() {
        let path = if after.kubernetes.is_some() {
            format!("{}/kustomization.yaml", after.base())
        } else {
            format!("{}/docker-compose.yml", after.generated())
        };
        let what = format!("{} changed{UNEXPLAINED}", quoted_list(places.iter().map(String::as_str)));
        changes.push(Change::notice(Id::UnexplainedOutput, Area::Outputs, path, what));
    }
}

/// Outputs that changed although no change of the same profile can be the reason.
pub(super) fn outputs(found: &[Change], changed: &[String], terraform: &str) -> Vec<Change> {
    let rest = changed.iter().filter(|path| !found.iter().any(|change| change.reaches(path, terraform)));
    rest.map(|path| Change::notice(Id::UnexplainedOutput, Area::Outputs, path, format!("changed{UNEXPLAINED}")))
        .collect()
}

/// Outputs of the base that are not committed there as they are rendered now, so that their difference is not of the spec.
pub(super) fn rendered_differently(paths: &[String]) -> Option<Change> {
    let are = if paths.len() == 1 { "output is" } else { "outputs are" };
    let what = format!(
        "{} {are} not committed at the base as this version of `gen` renders the spec there; that is not a change of the spec: {}",
        paths.len(),
        quoted_list(paths.iter().map(String::as_str)),
    );
    (!paths.is_empty()).then(|| Change::notice(Id::RenderedDifferently, Area::Outputs, "gen", what))
}

/// Where the files of pods are, whose names are the same for every engine.
const FILES_OF_PODS: &str = "kubernetes/base/files/";

const UNEXPLAINED: &str = " for a reason that no other area covers";

impl Change {
    /// Whether it can be the reason for a difference in an output.
    fn reaches(&self, path: &str, terraform: &str) -> bool {
        let mut steps = path.split('/');
        let (folder, profile) = (steps.next(), steps.next().unwrap_or_default());
        let area = self.area;
        if self.profiles.iter().all(|own| own != profile) {
            return false;
        }
        let steps: Vec<&str> = steps.collect();
        if area == Area::Patches {
            let below = steps.join("/");
            return below.strip_suffix(self.subject.as_str()).is_some_and(|above| matches!(above, "" | FILES_OF_PODS));
        }
        let steps = match steps.as_slice() {
            // The manifests are of the same services as a Compose file, and the files of pods are below them.
            ["kubernetes", "overlays", ..] | ["kubernetes", "base", _] => vec!["docker-compose.yml"],
            ["kubernetes", "base", "files", rest @ ..] => rest.to_vec(),
            _ => steps,
        };
        // The digest of a service's files is a label of it.
        if self.id == Id::ContainerRecreated {
            return steps == ["docker-compose.yml"];
        }
        // The file of a service or a cluster has its name.
        let about = |file: &str| {
            let name = file.rsplit_once('.').map_or(file, |(name, _)| name);
            self.subject.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        match (folder, steps.as_slice()) {
            _ if area == Area::Profiles => true,
            (Some(folder), _) if folder == terraform => {
                matches!(area, Area::Infrastructure | Area::Clusters | Area::Variables)
            }
            (_, steps) if area == Area::Files => steps.join("/") == self.subject,
            // The keys of the Compose file are compared above, and the README describes everything.
            (_, ["docker-compose.yml" | "README.md"]) => area != Area::Accepted,
            (_, [".env.example"]) => matches!(area, Area::Variables | Area::Infrastructure),
            (_, ["dynamicconfig", file]) => area == Area::Clusters && about(file),
            (_, ["docker", ..]) => area == Area::Images,
            (_, ["grafana", ..]) => matches!(area, Area::Dashboards | Area::Datasources),
            // The project and what is scraped are in files of others, too.
            (_, ["config", file]) => match area {
                Area::Stack | Area::Metrics | Area::Datasources | Area::Dashboards => true,
                // That of the servers of a cluster also has what its PostgreSQL says.
                Area::Services | Area::Ports | Area::Limits if file.starts_with("temporal-") => true,
                Area::Services | Area::Ports | Area::Limits | Area::Retention => about(file),
                Area::Clusters => steps.join("/") == Cluster::config_of(&self.subject),
                _ => false,
            },
            _ => false,
        }
    }
}

/// What is an entry of a section.
trait Entry: PartialEq {
    fn name(&self) -> &str;
    fn body(&self) -> Node<'_>;
}

impl Entry for Service {
    fn name(&self) -> &str {
        &self.name
    }

    fn body(&self) -> Node<'_> {
        // The digest of its files changes with those, which are outputs.
        body(self, None)
    }
}

impl Entry for Named {
    fn name(&self) -> &str {
        &self.name
    }

    fn body(&self) -> Node<'_> {
        top_level(&self.keys)
    }
}

fn entries<E: Entry>(
    pair: &Pair<'_>,
    told: &Told<'_>,
    section: &'static str,
    (before, after): (&[E], &[E]),
    places: &mut Vec<String>,
) {
    let mut check = |entry: &str, key: &str| {
        if ![key, WHOLE].iter().any(|key| told.contains(&(section, entry, *key))) {
            let key = if key == WHOLE { String::new() } else { format!(".{key}") };
            places.push(format!("{section}.{entry}{key}"));
        }
    };
    for fate in fates(before, after, E::name) {
        match fate {
            Fate::Added(entry) | Fate::Removed(entry) => check(entry.name(), WHOLE),
            Fate::Stays(old, new) if old != new => {
                let (Node::Table(before), Node::Table(after)) = (old.body(), new.body()) else { continue };
                for fate in fates(&before, &after, |(key, _)| *key) {
                    let (key, before, after) = sides(&fate);
                    if !before.zip(after).is_some_and(|(before, after)| same(pair, before, after)) {
                        check(new.name(), key);
                    }
                }
            }
            Fate::Stays(..) => {}
        }
    }
}

/// Whether two nodes are the same except for variables whose declaration changed.
fn same(pair: &Pair<'_>, a: &Node<'_>, b: &Node<'_>) -> bool {
    match (a, b) {
        (Node::Text(a), Node::Text(b)) => pair.same(a, b),
        (Node::List(a), Node::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(pair, a, b)),
        (Node::Table(a), Node::Table(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((a, old), (b, new))| a == b && same(pair, old, new))
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::text::Tree;
    use crate::model::{Keys, Stack};

    fn rest(found: &[(Area, &str)], changed: &[&str]) -> Vec<String> {
        let change = |&(area, subject): &(Area, &str)| {
            let change = Change::notice(Id::ServiceChanged, area, subject, "y");
            Change { profiles: vec!["dev".to_owned()], ..change }
        };
        let changed: Vec<String> = changed.iter().map(|&path| path.to_owned()).collect();
        let found: Vec<Change> = found.iter().map(change).collect();
        outputs(&found, &changed, "terraform").into_iter().map(|change| change.subject).collect()
    }

    #[test]
    fn an_output_that_no_area_explains_is_reported_beside_other_changes() {
        let changed = ["generated/dev/docker-compose.yml", "generated/dev/config/loki.yaml", "terraform/dev/main.tf"];
        assert_eq!(rest(&[], &changed), changed);
        assert_eq!(rest(&[(Area::Limits, "x")], &changed), changed[1..]);
        assert_eq!(rest(&[(Area::Limits, "x"), (Area::Infrastructure, "x")], &changed), changed[1..2]);
        assert_eq!(rest(&[(Area::Ports, "loki.http"), (Area::Infrastructure, "x")], &changed), [""; 0]);
        assert_eq!(rest(&[(Area::Accepted, "loki")], &changed), changed);
        assert_eq!(rest(&[(Area::Profiles, "dev")], &changed), [""; 0]);
        assert_eq!(rest(&[(Area::Services, "loki")], &["generated/prod/config/loki.yaml"]).len(), 1);
        let of_pods = ["generated/dev/kubernetes/base/files/config/loki.yaml"];
        assert_eq!(rest(&[(Area::Services, "loki")], &of_pods), [""; 0]);
        assert_eq!(rest(&[(Area::Services, "web")], &of_pods), of_pods);
    }

    #[test]
    fn a_key_of_the_compose_file_is_explained_by_its_own_change_only() {
        let stack = |value: i64| {
            let keys = Keys(["tty", "x-note"].map(|key| (key.to_owned(), Tree::Integer(value))).into());
            let named = |name: &str| Named { name: name.to_owned(), keys: keys.clone() };
            let service = |name: &str| Service { name: name.to_owned(), keys: keys.clone(), ..Service::default() };
            Stack {
                profile: "dev".to_owned(),
                services: vec![service("web"), service("web.db")],
                volumes: vec![named("web")],
                ..Stack::default()
            }
        };
        let (before, mut after) = (stack(1), stack(2));
        after.networks.push(Named { name: "new".to_owned(), keys: Keys::default() });
        let pair = Pair::new(&before, &after, &());
        let said = |found: &[(Area, &str, &str)]| {
            let change = |&(area, subject, key): &(Area, &str, &str)| {
                Change::notice(Id::ServiceChanged, area, subject, "").explains([key])
            };
            let mut changes: Vec<Change> = found.iter().map(change).collect();
            compose(&pair, &mut changes);
            changes.split_off(found.len()).into_iter().map(|change| change.what).collect::<String>()
        };
        let all = [
            (Area::Services, "web", "tty"),
            (Area::Services, "web", "x-note"),
            (Area::Privileges, "web.db", "tty"),
            (Area::Services, "web.db", "x-note"),
            (Area::Volumes, "web", "tty"),
            (Area::Volumes, "web", "x-note"),
            (Area::Networks, "new", WHOLE),
        ];
        assert_eq!(said(&all), "");
        for (index, (area, subject, key)) in all.into_iter().enumerate() {
            let others: Vec<_> = all.iter().enumerate().filter(|(at, _)| *at != index).map(|(_, told)| *told).collect();
            let section = match area {
                Area::Volumes => "volumes",
                Area::Networks => "networks",
                _ => "services",
            };
            let place = format!("{section}.{subject}.{key}");
            let expected = format!("`{}` changed{UNEXPLAINED}", place.trim_end_matches('.'));
            assert_eq!(said(&others), expected);
        }
    }

    #[test]
    fn an_output_is_explained_by_its_own_area_only() {
        for (path, area) in [("docker/dsql/Dockerfile", Area::Images), ("dynamicconfig/main.yaml", Area::Clusters)] {
            for other in [Area::Images, Area::Clusters] {
                let found = rest(&[(other, "main")], &[&format!("generated/dev/{path}")]);
                assert_eq!(found.is_empty(), other == area, "{path} {other:?}");
            }
        }
        assert_eq!(rest(&[(Area::Clusters, "main")], &["generated/dev/dynamicconfig/other.yaml"]).len(), 1);
    }
}
