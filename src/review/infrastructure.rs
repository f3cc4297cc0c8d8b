//! What Terraform would create, change, replace and destroy, derived from the description alone: the resources are
//! those of `templates/terraform/main.tf`. The state is not known here, so this is what a plan would say if the old
//! description had been applied.

use std::collections::HashMap;

use super::{Area, Change, Fate, Id, Pair, Severity, fates, quoted, quoted_list};
use crate::model::Infrastructure;
use crate::model::infrastructure::Permission;

const AREA: Area = Area::Infrastructure;

const DSQL: &str = "aws_dsql_cluster";
const BUCKET: &str = "aws_s3_bucket";
const VECTORS: &str = "aws_s3vectors_vector_bucket";
const INDEX: &str = "aws_s3vectors_index";
const ROLE: &str = "aws_iam_role";
const ASSOCIATION: &str = "aws_eks_pod_identity_association";
const BASE: &str = "aws_bedrockagent_knowledge_base";
const SOURCE: &str = "aws_bedrockagent_data_source";

/// The arguments that can't be changed in place (`RequiresReplace` and `ForceNew` in the schemas of hashicorp/aws 6).
/// A change of any other argument is an update.
const FORCES: &[(&str, &str)] = &[
    // The name of a bucket is its identity.
    (BUCKET, "bucket"),
    (VECTORS, "vector_bucket_name"),
    // S3 Vectors has no call to update an index.
    (INDEX, "vector_bucket_name"),
    (INDEX, "dimension"),
    (INDEX, "distance_metric"),
    (ROLE, "name"),
    (ROLE, "name_prefix"),
    (ASSOCIATION, "cluster_name"),
    (ASSOCIATION, "namespace"),
    // Both blocks of a knowledge base as a whole: embeddings of different models cannot be compared.
    (BASE, "embedding_model_arn"),
    (BASE, "dimensions"),
    (BASE, "index_arn"),
    // Existing chunks are not split again.
    (SOURCE, "name"),
    (SOURCE, "max_tokens"),
    (SOURCE, "overlap_percentage"),
];

/// What is lost with a resource.
fn loss(kind: &str) -> (Severity, &'static str) {
    match kind {
        DSQL => (Severity::Danger, "; its databases are lost"),
        BUCKET => (Severity::Danger, "; all its objects are lost"),
        VECTORS | INDEX => (Severity::Caution, "; its vectors are lost: sync the data source afterwards"),
        BASE => (Severity::Caution, "; its ID changes: run `gen dev infra apply`, which fills in `.env`"),
        SOURCE => (Severity::Caution, "; sync it afterwards"),
        _ => (Severity::Notice, ""),
    }
}

/// A resource of the description.
struct Resource {
    kind: &'static str,
    label: String,
    arguments: Vec<(&'static str, Argument)>,
}

/// The value of an argument.
#[derive(PartialEq)]
enum Argument {
    Is(String),
    /// An attribute of another resource; it changes if that resource is replaced.
    Of(String),
}

impl Resource {
    fn address(&self) -> String {
        format!("{}.{}", self.kind, self.label)
    }
}

/// Resources whose change matters, each after those that it refers to. The settings of a bucket and the policy of a
/// role are added and removed together with it.
fn resources(infrastructure: &Infrastructure, project: &str, region: &str) -> Vec<Resource> {
    let is = |value: &str| Argument::Is(value.to_owned());
    let of = |kind: &str, label: &str| Argument::Of(format!("{kind}.{label}"));
    let resource = |kind, label: &str, arguments| Resource { kind, label: label.to_owned(), arguments };
    let mut list = Vec::new();
    for cluster in &infrastructure.dsql {
        list.push(resource(DSQL, &cluster.label, vec![("tags", is(&format!("{project}-{}", cluster.name)))]));
    }
    let bucket = |label: &str, suffix: &str| {
        resource(BUCKET, label, vec![("bucket", is(&format!("{project}-<account>-{suffix}")))])
    };
    let base = infrastructure.knowledge_base.as_ref();
    list.extend(base.map(|_| bucket("knowledge_source", "knowledge-source")));
    list.extend(infrastructure.buckets.iter().map(|own| bucket(&own.label, &own.name)));
    for (pods, role) in infrastructure.pods.iter().flat_map(|pods| pods.roles.iter().map(move |role| (pods, role))) {
        let label = format!("pod[{:?}]", role.service);
        let permissions: Vec<String> = role.permissions.iter().map(Permission::described).collect();
        let prefix = is(&format!("{project}-"));
        list.push(resource(ROLE, &label, vec![("name_prefix", prefix), ("policy", is(&permissions.join(", ")))]));
        list.push(resource(
            ASSOCIATION,
            &label,
            vec![
                ("cluster_name", is(&pods.cluster)),
                ("namespace", is(&pods.namespace)),
                ("role_arn", of(ROLE, &label)),
            ],
        ));
    }
    let Some(base) = base else { return list };
    let knowledge = "knowledge";
    let number = |number: u32| is(&number.to_string());
    list.push(resource(VECTORS, knowledge, vec![("vector_bucket_name", is(&format!("{project}-<account>-vectors")))]));
    list.push(resource(
        INDEX,
        knowledge,
        vec![
            ("vector_bucket_name", of(VECTORS, knowledge)),
            ("dimension", number(base.dimensions)),
            ("distance_metric", is(base.distance.as_str())),
        ],
    ));
    list.push(resource(ROLE, knowledge, vec![("name", is(&format!("{project}-{region}-knowledge")))]));
    list.push(resource(
        BASE,
        "this",
        vec![
            ("embedding_model_arn", is(&base.embedding_model)),
            ("dimensions", number(base.dimensions)),
            ("index_arn", of(INDEX, knowledge)),
            ("name", is(&format!("{project}-knowledge"))),
            ("description", is(&base.description)),
        ],
    ));
    list.push(resource(
        SOURCE,
        "this",
        vec![
            ("name", is(&format!("{project}-source"))),
            ("max_tokens", number(base.chunk_tokens)),
            ("overlap_percentage", number(base.chunk_overlap)),
            ("knowledge_base_id", of(BASE, "this")),
            ("bucket_arn", of(BUCKET, "knowledge_source")),
        ],
    ));
    list
}

/// What would happen to a resource that is in both descriptions.
enum Plan {
    Kept,
    Changed(Vec<&'static str>),
    /// Because of these arguments.
    Replaced(Vec<&'static str>),
}

/// What would happen to each resource that is in both lists, by address.
fn plans(old: &[Resource], new: &[Resource]) -> HashMap<String, Plan> {
    let mut plans: HashMap<String, Plan> = HashMap::new();
    for resource in new {
        let Some(other) = old.iter().find(|other| other.address() == resource.address()) else { continue };
        let differs = |(name, argument): &&(&'static str, Argument)| match argument {
            Argument::Of(address) => matches!(plans.get(address), Some(Plan::Replaced(_))),
            Argument::Is(_) => other.arguments.iter().any(|(known, before)| known == name && before != argument),
        };
        let different: Vec<&'static str> = resource.arguments.iter().filter(differs).map(|(name, _)| *name).collect();
        let forces: Vec<&'static str> =
            different.iter().copied().filter(|name| FORCES.contains(&(resource.kind, *name))).collect();
        let plan = match (forces.is_empty(), different.is_empty()) {
            (false, _) => Plan::Replaced(forces),
            (true, false) => Plan::Changed(different),
            (true, true) => Plan::Kept,
        };
        plans.insert(resource.address(), plan);
    }
    plans
}

pub(super) fn compare(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    let (old, new) = match (&pair.before.infrastructure, &pair.after.infrastructure) {
        (None, None) => return,
        (Some(old), None) => {
            let what = "removed: what Terraform created stays in AWS; to delete it, run `gen dev infra destroy` first";
            changes.push(Change::danger(Id::InfrastructureRemoved, AREA, "terraform", what).was(old.project.clone()));
            return;
        }
        (None, Some(new)) => {
            for resource in resources(new, &new.project, &new.region) {
                created(&resource, changes);
            }
            return;
        }
        (Some(old), Some(new)) => (old, new),
    };
    everywhere(old, new, changes);
    // As if project and region were the same: their effects are already reported.
    let (before, after) = (resources(old, &new.project, &new.region), resources(new, &new.project, &new.region));
    let plans = plans(&before, &after);
    for fate in fates(&before, &after, Resource::address) {
        match fate {
            Fate::Added(resource) => created(resource, changes),
            Fate::Removed(resource) => {
                let (severity, lost) = loss(resource.kind);
                let lost = if resource.kind == BASE || resource.kind == SOURCE { "" } else { lost };
                changes.push(Change::new(
                    Id::ResourceDestroyed,
                    severity,
                    AREA,
                    resource.address(),
                    format!("would be destroyed{lost}"),
                ));
            }
            Fate::Stays(old, new) => planned(old, new, plans.get(&new.address()), changes),
        }
    }
    words(old, new, changes);
    for fate in fates(&old.outputs, &new.outputs, |output| output.name.as_str()) {
        match fate {
            Fate::Added(new) => {
                changes.push(
                    Change::notice(Id::OutputChanged, AREA, &new.name, "output added").is(new.description.clone()),
                );
            }
            Fate::Removed(old) => {
                changes.push(
                    Change::notice(Id::OutputChanged, AREA, &old.name, "output removed").was(old.description.clone()),
                );
            }
            Fate::Stays(..) => {}
        }
    }
}

fn created(resource: &Resource, changes: &mut Vec<Change>) {
    let along = if resource.kind == BUCKET { " (private, encrypted, versioned)" } else { "" };
    changes.push(Change::notice(Id::ResourceCreated, AREA, resource.address(), format!("would be created{along}")));
}

/// A new project or region is one change, whatever it affects.
fn everywhere(old: &Infrastructure, new: &Infrastructure, changes: &mut Vec<Change>) {
    if old.region != new.region {
        let what = "every resource in the region would be replaced: destroyed in the old region, including its data, \
                    and created empty in the new one";
        changes.push(
            Change::danger(Id::RegionChanged, AREA, "region", what).was(old.region.clone()).is(new.region.clone()),
        );
    }
    for (subject, before, after) in [
        ("terraform_version", &old.terraform_version, &new.terraform_version),
        ("aws_version", &old.aws_version, &new.aws_version),
    ] {
        if before != after {
            let what = "run `terraform init -upgrade` to use another version";
            let change = Change::notice(Id::TerraformVersion, AREA, subject, what);
            changes.push(change.was(before.clone()).is(after.clone()));
        }
    }
    if old.project == new.project {
        return;
    }
    let before = resources(old, &old.project, &new.region);
    let after = resources(old, &new.project, &new.region);
    let plans = plans(&before, &after);
    let replaced: Vec<&Resource> =
        after.iter().filter(|resource| matches!(plans.get(&resource.address()), Some(Plan::Replaced(_)))).collect();
    let severity = replaced.iter().map(|resource| loss(resource.kind).0).min().unwrap_or(Severity::Notice);
    let mut what = "the name or tag of every resource changes".to_owned();
    if !replaced.is_empty() {
        let addresses: Vec<String> = replaced.iter().map(|resource| resource.address()).collect();
        what = format!(
            "the prefix of all names changes: {} would be replaced and their contents lost; the rest would be changed \
             in place",
            quoted_list(addresses.iter().map(String::as_str))
        );
    }
    changes.push(
        Change::new(Id::InfrastructureRenamed, severity, AREA, "project", what)
            .was(old.project.clone())
            .is(new.project.clone()),
    );
}

fn planned(old: &Resource, new: &Resource, plan: Option<&Plan>, changes: &mut Vec<Change>) {
    let value = |resource: &Resource, name: &str| {
        resource.arguments.iter().find(|(known, _)| *known == name).and_then(|(_, argument)| match argument {
            Argument::Is(value) => Some(value.clone()),
            Argument::Of(_) => None,
        })
    };
    let (id, severity, what, names) = match plan {
        None | Some(Plan::Kept) => return,
        Some(Plan::Replaced(names)) => {
            let (severity, lost) = loss(new.kind);
            // Either an argument cannot be changed, or the resource that it refers to is replaced as well.
            let what =
                format!("would be replaced: {} cannot be changed in place{lost}", quoted_list(names.iter().copied()));
            (Id::ResourceReplaced, severity, what, names)
        }
        Some(Plan::Changed(names)) if names.iter().all(|name| value(new, name).is_none()) => {
            let what = format!("would be changed or replaced: {} changes", quoted_list(names.iter().copied()));
            (Id::ResourceChanged, Severity::Notice, what, names)
        }
        Some(Plan::Changed(names)) => (
            Id::ResourceChanged,
            Severity::Notice,
            format!("would be changed: {}", quoted_list(names.iter().copied())),
            names,
        ),
    };
    let first = names.iter().copied().find(|name| value(new, name) != value(old, name));
    let shown = |resource| first.and_then(|name| value(resource, name));
    changes.push(Change::new(id, severity, AREA, new.address(), what).was(shown(old)).is(shown(new)));
}

/// Titles and descriptions, which are written to comments and outputs.
fn words(old: &Infrastructure, new: &Infrastructure, changes: &mut Vec<Change>) {
    for fate in fates(&old.buckets, &new.buckets, |bucket| bucket.name.as_str()) {
        if let Fate::Stays(old, new) = fate
            && old.description != new.description
        {
            changes.push(
                Change::notice(
                    Id::ResourceChanged,
                    AREA,
                    format!("{BUCKET}.{}", new.label),
                    format!("{} changed", quoted("description")),
                )
                .was(old.description.clone())
                .is(new.description.clone()),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::infrastructure::{Bucket, DsqlCluster, KnowledgeBase, PodIdentity, PodRole};
    use crate::spec::stack::Distance;

    fn infrastructure() -> Infrastructure {
        Infrastructure {
            project: "shop".to_owned(),
            region: "eu-west-1".to_owned(),
            terraform_version: String::new(),
            aws_version: String::new(),
            dsql: vec![DsqlCluster { name: "main".to_owned(), label: "main".to_owned(), title: "main".to_owned() }],
            knowledge_base: Some(KnowledgeBase {
                description: "Runbooks".to_owned(),
                embedding_model: "amazon.titan-embed-text-v2:0".to_owned(),
                dimensions: 1024,
                distance: Distance::Cosine,
                chunk_tokens: 512,
                chunk_overlap: 20,
            }),
            buckets: vec![Bucket { name: "own".to_owned(), label: "own".to_owned(), description: "Own".to_owned() }],
            outputs: Vec::new(),
            pods: Some(PodIdentity {
                cluster: "eks".to_owned(),
                namespace: "shop".to_owned(),
                roles: vec![PodRole {
                    service: "api".to_owned(),
                    label: "pod_api".to_owned(),
                    permissions: vec![Permission::Bucket("own".to_owned())],
                }],
            }),
        }
    }

    /// Addresses that would be replaced, then those that would be changed.
    fn planned(edit: impl Fn(&mut KnowledgeBase)) -> (Vec<String>, Vec<String>) {
        let before = infrastructure();
        let mut after = before.clone();
        after.knowledge_base.iter_mut().for_each(edit);
        let (before, after) = (resources(&before, "shop", "eu-west-1"), resources(&after, "shop", "eu-west-1"));
        let plans = plans(&before, &after);
        let of = |wanted: fn(&Plan) -> bool| {
            after.iter().map(Resource::address).filter(|address| plans.get(address).is_some_and(wanted)).collect()
        };
        (of(|plan| matches!(plan, Plan::Replaced(_))), of(|plan| matches!(plan, Plan::Changed(_))))
    }

    const INDEX_ADDRESS: &str = "aws_s3vectors_index.knowledge";
    const BASE_ADDRESS: &str = "aws_bedrockagent_knowledge_base.this";
    const SOURCE_ADDRESS: &str = "aws_bedrockagent_data_source.this";

    #[test]
    fn what_is_replaced_takes_along_what_refers_to_it() {
        let [index, base, source] = [INDEX_ADDRESS, BASE_ADDRESS, SOURCE_ADDRESS].map(str::to_owned);
        let all = (vec![index, base.clone()], vec![source.clone()]);
        assert_eq!(planned(|base| base.dimensions = 512), all);
        assert_eq!(planned(|base| base.distance = Distance::Euclidean), all);
        assert_eq!(
            planned(|base| base.embedding_model = "other".to_owned()),
            (vec![base.clone()], vec![source.clone()])
        );
        assert_eq!(planned(|base| base.chunk_tokens = 256), (vec![source.clone()], vec![]));
        assert_eq!(planned(|base| base.chunk_overlap = 10), (vec![source], vec![]));
        assert_eq!(planned(|base| base.description = "Other".to_owned()), (vec![], vec![base]));
        assert_eq!(planned(|_| {}), (vec![], vec![]));
    }

    #[test]
    fn the_table_names_arguments_that_there_are() {
        let resources = resources(&infrastructure(), "shop", "eu-west-1");
        for (kind, argument) in FORCES {
            let known = resources
                .iter()
                .any(|resource| resource.kind == *kind && resource.arguments.iter().any(|(name, _)| name == argument));
            assert!(known, "{kind}.{argument}");
        }
    }

    /// The template decides which resources exist.
    #[test]
    fn the_template_has_no_other_resource() {
        let template = include_str!("../../templates/terraform/main.tf");
        let along = [
            "aws_s3_bucket_versioning",
            "aws_s3_bucket_lifecycle_configuration",
            "aws_s3_bucket_server_side_encryption_configuration",
            "aws_s3_bucket_public_access_block",
            "aws_s3_bucket_policy",
            "aws_iam_role_policy",
        ];
        let mut found: Vec<&str> = template
            .lines()
            .filter_map(|line| line.strip_prefix("resource \"")?.split('"').next())
            .filter(|kind| !along.contains(kind))
            .collect();
        found.sort_unstable();
        let mut known = [DSQL, BUCKET, VECTORS, INDEX, ROLE, ROLE, ASSOCIATION, BASE, SOURCE];
        known.sort_unstable();
        assert_eq!(found, known);
    }

    #[test]
    fn another_project_is_told_once() {
        let before = infrastructure();
        let after = Infrastructure { project: "store".to_owned(), ..before.clone() };
        let mut changes = Vec::new();
        everywhere(&before, &after, &mut changes);
        let [change] = changes.as_slice() else { panic!("{changes:?}") };
        assert_eq!(change.severity, Severity::Danger);
        assert!(change.what.contains("`aws_s3_bucket.own`"), "{}", change.what);
        assert!(!change.what.contains("aws_dsql_cluster"), "{}", change.what);
    }
}
