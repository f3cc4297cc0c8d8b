//! `[infrastructure]`: what Terraform creates, and its outputs.

use std::collections::HashMap;

use super::Resolver;
use super::clusters::persistence;
use crate::diagnostic::{Diagnostic, Span};
use crate::model::infrastructure::{
    Bucket, DsqlCluster, Infrastructure, KnowledgeBase, Output, OutputValue, Permission, PodIdentity, PodRole,
};
use crate::model::{Service, Stack};
use crate::spec::decode::{Spanned, shown};
use crate::spec::stack::{self as spec, AWS_VERSION, Cluster, DatasourceType, Persistence, Queried, TERRAFORM_VERSION};

/// The output for the region.
pub(super) const REGION_OUTPUT: &str = "region";

/// The label of the knowledge base's source bucket.
const SOURCE_BUCKET: &str = "knowledge_source";

/// The longest project name: a bucket has at most 63 characters, of which the account's number, the
/// region and the bucket's own name need their part.
const LONGEST_PROJECT: usize = 24;

/// Whether Terraform reads a text as a constraint of versions (`constraint.go` of hashicorp/go-version).
fn is_constraint(text: &str) -> bool {
    text.split(',').all(|part| {
        let version = part.trim_matches(' ').trim_start_matches(['=', '!', '>', '<', '~']);
        let operator = &part.trim_matches(' ')[..part.trim_matches(' ').len() - version.len()];
        let version = version.trim_start_matches(' ');
        let (numbers, rest) = version.split_at(version.find(['-', '+']).unwrap_or(version.len()));
        let is_number =
            |number: &str| number.parse::<u32>().is_ok() && number.bytes().all(|byte| byte.is_ascii_digit());
        ["", "=", "!=", ">", ">=", "<", "<=", "~>"].contains(&operator)
            && numbers.split('.').all(is_number)
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-+.".contains(&byte))
    })
}

impl Resolver<'_> {
    /// The names of the outputs, in the order in which they are written.
    pub(super) fn output_names(&self) -> Vec<String> {
        self.outputs().into_iter().map(|output| output.name).collect()
    }

    /// The clusters that persist in Aurora DSQL.
    fn in_dsql(&self) -> impl Iterator<Item = &(Spanned<String>, Cluster)> {
        self.spec.clusters.entries.iter().filter(|(_, cluster)| persistence(cluster) == Persistence::Dsql)
    }

    fn outputs(&self) -> Vec<Output> {
        let Some(infrastructure) = &self.spec.infrastructure else { return Vec::new() };
        let mut outputs = Vec::new();
        let mut output = |name: String, description: String, value: OutputValue| {
            let fills = self
                .spec
                .env
                .iter()
                .filter(|(_, variable)| variable.output.as_ref().is_some_and(|output| output.value == name))
                // A variable that is unused after a profile's removals is left out of its `.env`.
                .filter(|(variable, _)| !self.removes() || self.is_used(&variable.value))
                .map(|(variable, _)| variable.value.clone())
                .collect();
            outputs.push(Output { name, description, value, fills });
        };
        output(REGION_OUTPUT.to_owned(), "The AWS region".to_owned(), OutputValue::Region);
        for (name, cluster) in self.in_dsql() {
            let label = label(&name.value);
            let title = cluster.title.as_ref().unwrap_or(&name.value);
            output(format!("{label}_endpoint"), format!("DSQL endpoint of {title}"), OutputValue::DsqlEndpoint(label));
        }
        if infrastructure.knowledge_base.is_some() {
            output("knowledge_base_id".to_owned(), "Id of the knowledge base".to_owned(), OutputValue::KnowledgeBaseId);
            output(
                "data_source_id".to_owned(),
                "Id of the knowledge base's data source".to_owned(),
                OutputValue::DataSourceId,
            );
            output(
                format!("{SOURCE_BUCKET}_bucket"),
                "Bucket that the knowledge base reads".to_owned(),
                OutputValue::BucketName(SOURCE_BUCKET.to_owned()),
            );
        }
        for (name, bucket) in infrastructure.buckets.iter() {
            let label = label(&name.value);
            let description = bucket.description.as_ref().map_or(&name.value, |description| &description.value);
            output(format!("{label}_bucket"), format!("Bucket: {description}"), OutputValue::BucketName(label));
        }
        outputs
    }

    /// A constraint of versions, or the default.
    fn constraint(&mut self, written: Option<&Spanned<String>>, default: &str) -> String {
        let Some(written) = written else { return default.to_owned() };
        if !is_constraint(&written.value) {
            self.report(
                Diagnostic::new(
                    "invalid-version",
                    format!("invalid version constraint `{}`", shown(&written.value)),
                    written.span,
                )
                .help(format!("write it as Terraform does, for example `{default}`")),
            );
        }
        written.value.clone()
    }

    fn knowledge_base(&mut self, base: &spec::KnowledgeBase) -> KnowledgeBase {
        // Titan Text Embeddings V2 makes vectors of these sizes.
        if base.embedding_model.value.starts_with("amazon.titan-embed-text-v2")
            && ![256, 512, 1024].contains(&base.dimensions.value)
        {
            self.report(
                Diagnostic::new(
                    "invalid-dimensions",
                    format!("invalid number of dimensions `{}`", base.dimensions.value),
                    base.dimensions.span,
                )
                .also(base.embedding_model.span, "the model")
                .help("use 256, 512 or 1024, which Titan Text Embeddings V2 supports"),
            );
        }
        if !(1..=99).contains(&base.chunk_overlap.value) {
            self.report(
                Diagnostic::new("number-out-of-range", "`chunk_overlap` is out of range", base.chunk_overlap.span)
                    .at("must be from 1 to 99")
                    .help("write the percentage of a chunk that the next one repeats"),
            );
        }
        if base.chunk_tokens.value == 0 {
            self.report(
                Diagnostic::new("number-out-of-range", "0 is out of range", base.chunk_tokens.span)
                    .at("must be at least 1")
                    .help("write the number of tokens per chunk"),
            );
        }
        KnowledgeBase {
            description: base
                .description
                .as_ref()
                .map_or_else(|| "Knowledge base".to_owned(), |text| text.value.clone()),
            embedding_model: base.embedding_model.value.clone(),
            dimensions: base.dimensions.value,
            distance: base.distance.value,
            chunk_tokens: base.chunk_tokens.value,
            chunk_overlap: base.chunk_overlap.value,
        }
    }

    pub(super) fn infrastructure(&mut self) -> Option<Infrastructure> {
        let spec = self.spec;
        let infrastructure = spec.infrastructure.as_ref()?;
        let region = &infrastructure.region;
        let is_region = region.value.split('-').count() >= 3
            && region.value.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !is_region {
            self.report(
                Diagnostic::new(
                    "invalid-region",
                    format!("invalid AWS region `{}`", shown(&region.value)),
                    region.span,
                )
                .help("write e.g. `eu-west-1`"),
            );
        }
        if infrastructure.project.value.len() > LONGEST_PROJECT || infrastructure.project.value.contains('_') {
            self.report(
                Diagnostic::new(
                    "invalid-name",
                    format!("invalid project name `{}`", shown(&infrastructure.project.value)),
                    infrastructure.project.span,
                )
                .at(format!("must have at most {LONGEST_PROJECT} characters and no `_`"))
                .help("shorten it, and separate words with `-`: bucket names start with it"),
            );
        }
        let mut labels: HashMap<String, Span> = HashMap::new();
        if infrastructure.knowledge_base.is_some() {
            labels.insert(SOURCE_BUCKET.to_owned(), infrastructure.span);
        }
        let names = spec.clusters.iter().map(|(name, _)| name);
        self.check_labels(names, &mut HashMap::new());
        self.check_labels(infrastructure.buckets.iter().map(|(name, _)| name), &mut labels);
        let knowledge_base = infrastructure.knowledge_base.as_ref().map(|base| self.knowledge_base(base));
        let terraform_version = self.constraint(infrastructure.terraform_version.as_ref(), TERRAFORM_VERSION);
        let aws_version = self.constraint(infrastructure.aws_version.as_ref(), AWS_VERSION);
        Some(Infrastructure {
            project: infrastructure.project.value.clone(),
            region: region.value.clone(),
            terraform_version,
            aws_version,
            dsql: self
                .in_dsql()
                .map(|(name, cluster)| DsqlCluster {
                    name: name.value.clone(),
                    label: label(&name.value),
                    title: cluster.title.clone().unwrap_or_else(|| name.value.clone()),
                })
                .collect(),
            knowledge_base,
            buckets: infrastructure
                .buckets
                .iter()
                .map(|(name, bucket)| Bucket {
                    name: name.value.clone(),
                    label: label(&name.value),
                    description: bucket
                        .description
                        .as_ref()
                        .map_or_else(|| name.value.clone(), |text| text.value.clone()),
                })
                .collect(),
            outputs: self.outputs(),
            pods: None,
        })
    }

    /// The roles of pods. What a service may do follows from the variables that it reads: those that Terraform fills.
    pub(super) fn pod_identity(&self, stack: &Stack) -> Option<PodIdentity> {
        let cluster = self.spec.kubernetes.as_ref()?.eks_cluster.as_ref()?.value.clone();
        let namespace = stack.kubernetes.as_ref()?.namespace.clone();
        let outputs = &stack.infrastructure.as_ref()?.outputs;
        let filled: HashMap<&str, &Output> =
            outputs.iter().flat_map(|output| output.fills.iter().map(move |name| (name.as_str(), output))).collect();
        let has_source = |name: &str, kind: DatasourceType| {
            let mut grafanas = stack.grafanas.iter().filter(|grafana| grafana.service == name);
            grafanas.any(|grafana| grafana.datasources.iter().any(|source| source.kind == Queried::Known(kind)))
        };
        let with_own_role = |service: &&Service| service.aws && service.workload.role_arn.is_none();
        let one_shots: HashMap<&str, &Service> = stack
            .every_service()
            .filter(|service| service.one_shot)
            .map(|service| (service.name.as_str(), service))
            .collect();
        let services: Vec<&Service> = stack.every_service().filter(with_own_role).collect();
        let roles = services.iter().map(|service| {
            // Who waits for the effect of a one-shot asks what the one-shot asks.
            let awaited = service.waits_for().into_iter().filter_map(|(name, _)| one_shots.get(name).copied());
            let variables = awaited.chain([*service]).flat_map(|asking| &asking.refers_to.variables);
            let read = variables.filter_map(|name| filled.get(name.as_str())?.value.permission());
            let kinds =
                [(DatasourceType::CloudWatch, Permission::CloudWatch), (DatasourceType::XRay, Permission::XRay)];
            let read_by_grafana = kinds.into_iter().filter(|(kind, _)| has_source(&service.name, *kind));
            let read_by_grafana = read_by_grafana.map(|(_, permission)| permission);
            let mut permissions: Vec<Permission> = Vec::new();
            for permission in read.chain(read_by_grafana) {
                if !permissions.contains(&permission) {
                    permissions.push(permission);
                }
            }
            PodRole { service: service.name.clone(), label: format!("pod_{}", label(&service.name)), permissions }
        });
        let roles: Vec<PodRole> = roles.collect();
        (!roles.is_empty()).then_some(PodIdentity { cluster, namespace, roles })
    }

    /// Reports names that are the same in Terraform.
    fn check_labels<'n>(
        &mut self,
        names: impl Iterator<Item = &'n Spanned<String>>,
        labels: &mut HashMap<String, Span>,
    ) {
        for name in names {
            if let Some(first) = labels.insert(label(&name.value), name.span) {
                self.report(
                    Diagnostic::new(
                        "label-clash",
                        format!("duplicate Terraform name `{}`", label(&name.value)),
                        name.span,
                    )
                    .also(first, "the other one")
                    .help("rename one of the two: `-` and `_` are the same in Terraform names"),
                );
            }
        }
    }
}

/// A name as a Terraform identifier.
fn label(name: &str) -> String {
    let label = name.replace('-', "_");
    if label.starts_with(|c: char| c.is_ascii_digit()) { format!("_{label}") } else { label }
}
