//! The label with a digest of the generated files that a service mounts.

use std::collections::{BTreeMap, BTreeSet};

use serde_yaml::Value;
use sha2::{Digest as _, Sha256};
use stackgen::model::service::CONFIG_LABEL;

use super::artifacts::{files, plan};
use super::project::{Project, REFERENCE};

const COMPOSE: &str = "generated/dev/docker-compose.yml";

/// Services whose label differs between two specs, and the configuration files that do.
fn changed(one: &str, other: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let (one, other) = (plan(one), plan(other));
    let (before, after) = (one.config_digests(), other.config_digests());
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    let services = after.into_iter().filter(|(name, digest)| before[name] != *digest).map(|(name, _)| name).collect();
    let before = files(&one);
    let files = files(&other).into_iter().filter(|(path, text)| before[path] != *text).map(|(path, _)| path).collect();
    (services, files)
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn the_digest_is_over_the_files_on_disk_that_a_service_mounts() {
    let project = Project::reference();
    let compose: Value = serde_yaml::from_str(&project.read(COMPOSE)).unwrap();
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for (name, service) in compose["services"].as_mapping().unwrap() {
        let mut hash = Sha256::new();
        let mut count = 0;
        for mount in service["volumes"].as_sequence().into_iter().flatten() {
            let Some(source) = mount["source"].as_str().and_then(|source| source.strip_prefix("./")) else { continue };
            let path = project.path("generated/dev").join(source);
            if path.is_file() {
                hash.update(mount["target"].as_str().unwrap());
                hash.update([0]);
                hash.update(std::fs::read(path).unwrap());
                hash.update([0]);
                count += 1;
            }
        }
        let name = name.as_str().unwrap();
        let label = service["labels"][CONFIG_LABEL].as_str();
        assert_eq!(label.is_some(), count > 0, "{name}");
        if let Some(label) = label {
            let bytes: [u8; 8] = hash.finalize()[..8].try_into().unwrap();
            let digest = format!("{:016x}", u64::from_be_bytes(bytes));
            assert_eq!(label, digest, "{name}");
            found.insert(name.to_owned(), digest);
        }
    }
    assert_eq!(found, plan(REFERENCE).config_digests());
    let mounting = ["alloy", "copilot-temporal", "copilot-worker", "grafana", "loki", "mimir"];
    let servers = ["temporal-frontend", "temporal-history", "temporal-matching", "temporal-worker"];
    assert_eq!(found.into_keys().collect::<BTreeSet<_>>(), set(&[mounting.as_slice(), &servers].concat()));
}

#[test]
fn a_changed_file_changes_the_label_of_its_readers_and_of_nobody_else() {
    for (from, to, file, readers) in [
        ("settings.retention = \"72h\"", "settings.retention = \"96h\"", "config/loki.yaml", ["loki"].as_slice()),
        ("max_series = 500_000", "max_series = 400_000", "config/mimir.yaml", &["mimir"]),
        ("title = \"Loki\"", "title = \"Logs\"", "config/grafana-datasources.yaml", &["grafana"]),
        (
            "\"matching.persistenceMaxQPS\" = 6000",
            "\"matching.persistenceMaxQPS\" = 6001",
            "dynamicconfig/monitored.yaml",
            &["temporal-frontend", "temporal-history", "temporal-matching", "temporal-worker"],
        ),
    ] {
        let spec = REFERENCE.replace(from, to);
        let (services, files) = changed(REFERENCE, &spec);
        assert_eq!(services, set(readers), "{to}");
        assert_eq!(files, set(&[COMPOSE, &format!("generated/dev/{file}")]), "{to}");
        // One line a reader is all that changes in the Compose file.
        let [before, after] = [REFERENCE, &spec].map(|spec| super::artifacts::files(&plan(spec))[COMPOSE].clone());
        let differ: Vec<_> = before.lines().zip(after.lines()).filter(|(one, other)| one != other).collect();
        assert_eq!((differ.len(), before.lines().count()), (readers.len(), after.lines().count()), "{to}");
        assert!(differ.iter().all(|(line, _)| line.trim_start().starts_with(CONFIG_LABEL)), "{differ:?}");
    }
}

#[test]
fn what_grafana_reads_again_by_itself_is_no_reason_for_a_new_container() {
    let (mut sources, mut digests) = (Vec::new(), Vec::new());
    for title in ["title = \"SRE copilot\"", "title = \"The copilot\""] {
        let project = Project::new(REFERENCE);
        project.replace("spec/dashboards/copilot.toml", "title = \"SRE copilot\"", title);
        assert_eq!(project.run(&["render"]).code, Some(0));
        sources.push(project.read("generated/dev/grafana/copilot/copilot.json"));
        digests.push(project.read(COMPOSE));
    }
    assert_ne!(sources[0], sources[1]);
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn a_users_mount_counts_and_a_users_labels_stay() {
    let spec = "[stack]\nname = \"shop\"\n\n[profiles.dev]\n\n[images]\nloki = \"grafana/loki:3.7.6\"\n\n\
        [services.loki]\nkind = \"loki\"\nsettings.retention = \"72h\"\n\n[services.web]\nimage = \"nginx:1.29\"\nlabels.team = \"shop\"\n\
        volumes = [\"./generated/dev/config/loki.yaml:/etc/a.yaml:ro\", \"./generated/dev/docker-compose.yml:/etc/b.yaml:ro\", \"./own:/own\"]\n";
    let plan_of_it = plan(spec);
    let digests = plan_of_it.config_digests();
    assert_eq!(digests.keys().collect::<Vec<_>>(), ["loki", "web"]);
    // The same file at another place is another configuration.
    assert_ne!(digests["loki"], digests["web"]);
    let compose: Value = serde_yaml::from_str(&files(&plan_of_it)[COMPOSE]).unwrap();
    let labels = &compose["services"]["web"]["labels"];
    assert_eq!((labels["team"].as_str(), labels[CONFIG_LABEL].as_str()), (Some("shop"), Some(digests["web"].as_str())));
    assert_eq!(labels.as_mapping().unwrap().len(), 2);
}
