//! What creates schemas: each cluster's, those of `[schema]`, and the indices in Elasticsearch.

use std::sync::Arc;

use super::Resolver;
use super::clusters::persistence;
use super::compose::build_mentions_of;
use super::images::{TEMPORAL_HOME, TEMPORAL_USER};
use super::kinds::Preset;
use super::service::REGION;
use crate::diagnostic::{Diagnostic, Span};
use crate::model::kubernetes::Workload;
use crate::model::service::{Command, NetworkMember, References, Service};
use crate::model::text::Text;
use crate::model::{Keys, SCHEMA_PROFILE, SchemaStep};
use crate::spec::decode::Spanned;
use crate::spec::kind::{INDICES, SCHEMA};
use crate::spec::stack::{self as spec, Cluster, Persistence, Recipe};

/// Safe to repeat, for an empty database and for one that `setup-schema --version 1.1` filled: `setup-schema` without
/// a schema only creates the tables of versions, and `update-schema` applies the versions that are newer than the
/// database's, none if it is up to date. The first is refused where the second was interrupted before it had applied
/// anything, so that only the second one's exit code counts. `setup-schema --schema-name` can't be repeated: it would
/// create tables that exist. (`tools/dsql/main.go` at 31b8cb8, `tools/dsql/db.go` at 313791e and
/// `tools/common/schema/setuptask.go` at 9d2fdcc of github.com/iw/temporal)
const SCRIPT: &str = "\
temporal-dsql-tool setup-schema --version 0.0 || echo 'going on: update-schema tells whether that matters' >&2
exec temporal-dsql-tool update-schema --schema-name dsql/temporal
";

/// What a step may take in Kubernetes, where a pod without limits is the first that goes: tools that send a few statements.
const STEP_CPUS: &str = "0.05";
const STEP_MEMORY: &str = "256m";

/// What names of the steps' services begin with.
pub(super) const PREFIX: &str = "schema-";

impl Resolver<'_> {
    /// The steps in the order in which they run; the services of those that have one of their own are appended.
    pub(super) fn schema(&mut self, network: &str, services: &mut Vec<Service>) -> Vec<SchemaStep> {
        let spec = self.spec;
        let mut steps: Vec<(Span, SchemaStep)> = Vec::new();
        // Without the recipe it isn't known which image has the tool.
        let tool = spec.images.iter().find(|(_, image)| {
            let recipe = image.0.build.as_ref().and_then(|build| build.0.recipe.as_ref());
            recipe.is_some_and(|recipe| recipe.value == Recipe::TemporalDsql)
        });
        let in_dsql = spec.clusters.iter().filter(|(_, cluster)| persistence(cluster) == Persistence::Dsql);
        for (name, cluster) in in_dsql {
            let Some((_, image)) = tool else { break };
            self.references = References::default();
            let reference = self.text(&image.0.reference.value);
            let service = self.cluster_schema(name, cluster, reference);
            self.own_step(name, service, &mut steps, services, network);
        }
        for (name, step) in spec.schema.iter() {
            self.references = References::default();
            let service = self.own_schema(name, step);
            self.own_step(name, service, &mut steps, services, network);
        }
        // Last, since these run with the stack.
        for (name, _) in self.providers(SCHEMA).chain(self.providers(INDICES)) {
            let description = services.iter().find(|service| service.name == name.value);
            let plain = ["-setup", "-schema"].iter().find_map(|suffix| name.value.strip_suffix(suffix));
            let step = SchemaStep {
                name: plain.unwrap_or(&name.value).to_owned(),
                service: name.value.clone(),
                description: description.map(|service| service.description.clone()).unwrap_or_default(),
                compose_profile: false,
            };
            self.add_step(name.span, step, &mut steps);
        }
        steps.into_iter().map(|(_, step)| step).collect()
    }

    /// Whether a step of that name has its own service.
    pub(super) fn is_step(&self, name: &str) -> bool {
        self.spec.clusters.knows(name) || self.spec.schema.knows(name)
    }

    /// Adds a step that has its own service.
    fn own_step(
        &mut self,
        name: &Spanned<String>,
        service: Service,
        steps: &mut Vec<(Span, SchemaStep)>,
        services: &mut Vec<Service>,
        network: &str,
    ) {
        let mut keys = service.keys;
        if let Some(platform) = &self.spec.stack.platform {
            keys.fill("platform", self.text(platform));
        }
        keys.fill("security_opt", super::kinds::no_new_privileges());
        if self.is_kubernetes() {
            keys.fill("mem_limit", STEP_MEMORY);
        }
        let service = Service {
            name: format!("{PREFIX}{}", name.value),
            restart: "no".into(),
            one_shot: true,
            profiles: vec![SCHEMA_PROFILE.to_owned()],
            networks: vec![NetworkMember { name: network.to_owned(), ..NetworkMember::default() }],
            keys,
            refers_to: std::mem::take(&mut self.references),
            ..service
        };
        if let Some(&index) = self.index.get(service.name.as_str()) {
            let (taken, _) = &self.spec.services.entries[index];
            self.report(
                Diagnostic::new("schema-clash", format!("duplicate service name `{}`", service.name), taken.span)
                    .also(name.span, "`gen` generates a service of this name for its schema")
                    .help("rename the service"),
            );
            return;
        }
        let step = SchemaStep {
            name: name.value.clone(),
            service: service.name.clone(),
            description: service.description.clone(),
            compose_profile: true,
        };
        if self.add_step(name.span, step, steps) {
            services.push(service);
        }
    }

    /// Adds a step unless its name is taken.
    fn add_step(&mut self, span: Span, step: SchemaStep, steps: &mut Vec<(Span, SchemaStep)>) -> bool {
        let other = steps.iter().find(|(_, other)| other.name == step.name).map(|&(other, _)| other);
        match other {
            Some(other) => self.report(
                Diagnostic::new("schema-clash", format!("duplicate schema step `{}`", step.name), span)
                    .also(other, "the other one")
                    .help("rename one of them: clusters, entries of [schema] and Elasticsearch setups share one namespace"),
            ),
            None => steps.push((span, step)),
        }
        other.is_none()
    }

    /// Temporal's schema in the DSQL cluster of a Temporal cluster.
    fn cluster_schema(&mut self, name: &Spanned<String>, cluster: &Cluster, image: Text) -> Service {
        let fixed = |name: &str, value: &str| (name.to_owned(), Text::from(value));
        let dsql = self.dsql(cluster);
        // The names that the tool reads; the port and the user as the servers have them.
        let mut environment = vec![
            ("CLUSTER_ENDPOINT".to_owned(), dsql.host),
            fixed("SQL_PORT", "5432"),
            fixed("SQL_USER", "admin"),
            ("SQL_DATABASE".to_owned(), dsql.database),
            fixed("AWS_EC2_METADATA_DISABLED", "true"),
        ];
        // A region that isn't declared is reported with the cluster's servers.
        let aws = self.spec.env.knows(REGION);
        let credentials = if aws {
            self.credentials((&name.value, name.span), Some(TEMPORAL_HOME), true, &mut environment)
        } else {
            None
        };
        let mut keys = Keys(vec![
            ("pull_policy".to_owned(), "never".into()),
            ("cap_drop".to_owned(), super::kinds::all_capabilities().into()),
            ("read_only".to_owned(), true.into()),
            ("tmpfs".to_owned(), vec![Text::from("/tmp")].into()),
        ]);
        if credentials.is_some() {
            self.run_as_owner(&mut keys, name.span);
        }
        Service {
            aws,
            workload: self.step_workload(Some(TEMPORAL_USER)),
            description: format!("Temporal's schema of the {} cluster", name.value),
            image: Some(image),
            entrypoint: Some(Command::Arguments(vec!["sh".into(), "-c".into()])),
            command: Some(Command::Arguments(vec![SCRIPT.into()])),
            environment,
            mounts: credentials.into_iter().collect(),
            keys,
            ..Service::default()
        }
    }

    /// What only Kubernetes needs to know of a step.
    fn step_workload(&self, user: Option<u32>) -> Arc<Workload> {
        if !self.is_kubernetes() {
            return Arc::clone(&self.workload);
        }
        Arc::new(Workload { user, cpus: Some(STEP_CPUS.to_owned()), ..Workload::default() })
    }

    /// A step that the spec describes.
    fn own_schema(&mut self, name: &Spanned<String>, step: &spec::SchemaStep) -> Service {
        let image = self.named_image(&step.image);
        let aws = step.aws.as_ref().filter(|aws| aws.value);
        let mut environment =
            self.environment(&step.environment, (step.sound, aws.is_some()), &Preset::default(), image.entry);
        let mut mounts = Vec::new();
        if let Some(aws) = aws {
            let home = image.entry.and_then(|entry| entry.home.as_ref()).map(|home| home.value.as_str());
            // An image that is not known, or wrong, was reported.
            let certain = step.sound && image.reference.is_some() && image.entry.is_none_or(|entry| entry.sound);
            mounts.extend(self.credentials((&name.value, aws.span), home, certain, &mut environment));
        }
        let entrypoint = step.entrypoint.as_ref();
        let mut keys = Keys::default();
        if image.is_never_pulled() {
            keys.fill("pull_policy", "never");
        }
        if let Some(build) = self.build_of(&image) {
            keys.fill("build", build);
        }
        if aws.is_some() {
            self.run_as_owner(&mut keys, name.span);
        }
        let paths = self.folder.service(&mut keys);
        let workload = self.step_workload(image.user());
        if let Some(image) = image.entry {
            self.check_mentions(&name.value, build_mentions_of(image));
        }
        Service {
            keys,
            paths,
            description: step.description.value.clone(),
            command: Some(self.program(&step.command.value, entrypoint)),
            entrypoint: entrypoint.map(|entrypoint| self.program(&entrypoint.value, None)),
            image: image.reference,
            environment,
            aws: aws.is_some(),
            workload,
            mounts,
            ..Service::default()
        }
    }
}
