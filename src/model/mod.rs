//! Stage 3: the resolved stack. Every reference is valid, every default is filled in, and nothing knows its place
//! in the spec.

pub mod dashboard;
pub mod infrastructure;
pub mod keys;
pub mod kind;
pub mod kubernetes;
pub mod patch;
pub mod public;
pub mod secret;
pub mod service;
pub mod text;
pub mod version;

use std::sync::Arc;

use crate::spec::Location;
use crate::spec::provider::Source;
use crate::spec::stack::{GENERATED, Queried, TERRAFORM};
pub use dashboard::Dashboard;
pub use infrastructure::Infrastructure;
pub use keys::Keys;
pub use kind::{Address, Alloy, Cluster, Grafana};
pub use kubernetes::Kubernetes;
use kubernetes::MOUNTED;
pub use patch::Patch;
pub use service::Service;
use text::Text;

/// One profile of a stack.
#[derive(Debug, Clone, Default)]
pub struct Stack {
    /// Where its spec is.
    pub spec: Location,
    /// The profile: a folder of the outputs.
    pub profile: String,
    /// The name of the Compose project: unique for the profile, a valid project name.
    pub project: String,
    /// Whether `gen dev` isolates it in each work tree.
    pub isolated: bool,
    /// A title for the docs.
    pub title: String,
    /// What the stack is; may be empty.
    pub description: String,
    /// How it runs in Kubernetes; `None` if Compose runs it.
    pub kubernetes: Option<Kubernetes>,
    /// Networks, the stack's own first.
    pub networks: Vec<Named>,
    /// Volumes, those of the kinds first.
    pub volumes: Vec<Named>,
    /// Secrets.
    pub secrets: Vec<Named>,
    /// Configs: files that containers read.
    pub configs: Vec<Named>,
    /// AI models that Compose runs.
    pub models: Vec<Named>,
    /// Extensions (`x-*`) of the Compose file.
    pub extensions: Keys,
    /// Services in spec order.
    pub services: Vec<Service>,
    /// What runs outside of the stack, in spec order.
    pub external: Vec<External>,
    /// The one-shots that only the Compose profile [`SCHEMA_PROFILE`] enables. They are not part of the running
    /// stack, so they are not in `services`.
    pub schema_services: Vec<Service>,
    /// The steps that create schemas, in the order in which they must run. A step can be repeated.
    pub schema: Vec<SchemaStep>,
    /// Images that are built outside of Compose, in the order in which they must be built.
    pub builds: Vec<ImageBuild>,
    /// Temporal clusters.
    pub clusters: Vec<Cluster>,
    /// Services of kind `alloy`.
    pub alloys: Vec<Alloy>,
    /// Services of kind `grafana`.
    pub grafanas: Vec<Grafana>,
    /// Dashboards, in the order of their files.
    pub dashboards: Vec<Arc<Dashboard>>,
    /// Files that templates of the user make.
    pub files: Vec<OwnFile>,
    /// Values of outputs that differ from what is rendered.
    pub patches: Vec<Patch>,
    /// Outputs that are the user's own, and why.
    pub ejected: Vec<(String, String)>,
    /// Where the outputs are, and which there are.
    pub outputs: Outputs,
    /// Variables of the user's `.env`.
    pub variables: Vec<Variable>,
    /// What Terraform creates.
    pub infrastructure: Option<Infrastructure>,
    /// Findings of security scanners that are accepted: the check's id and the reason.
    pub accepted: Vec<(String, String)>,
    /// Changes that a review accepts: the id and what it is about, as in the spec, and the reason.
    pub accepted_changes: Vec<(String, String)>,
    /// Paths in the folders of the outputs, relative to the root, that the user says are theirs.
    pub unmanaged: Vec<String>,
}

/// The Compose profile of the one-shots that create schemas. A plain `docker compose up` doesn't start them.
pub const SCHEMA_PROFILE: &str = "schema";

/// Something that creates or updates a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaStep {
    /// Its name, unique among the steps: the cluster, the name below `[schema]`, or the store.
    pub name: String,
    /// The Compose service that runs it and exits.
    pub service: String,
    /// What it creates.
    pub description: String,
    /// Whether the service is in the Compose profile [`SCHEMA_PROFILE`]; otherwise it is one of the stack's services.
    pub compose_profile: bool,
}

/// The folder of the outputs of an isolated stack, which has one for each profile: hidden, as a folder of outputs can't be.
pub const ISOLATED: &str = ".gen";

/// Where the outputs are, and which there are besides those that something needs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the spec")]
pub struct Outputs {
    /// The folder of the profiles' folders; the same for all profiles.
    pub generated: String,
    /// That of Terraform's files.
    pub terraform: String,
    /// Whether they are those of one work tree, in [`ISOLATED`].
    pub isolated: bool,
    /// `README.md`.
    pub readme: bool,
    /// `.env.example`.
    pub env_example: bool,
    /// The schemas beside the spec, unless no profile has them.
    pub schemas: bool,
    /// The reference beside the spec, if a profile has it.
    pub reference: bool,
}

impl Default for Outputs {
    fn default() -> Self {
        let (generated, terraform) = (GENERATED.to_owned(), TERRAFORM.to_owned());
        Self { generated, terraform, isolated: false, readme: true, env_example: true, schemas: true, reference: false }
    }
}

/// A file that a template of the user makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFile {
    /// Its path, relative to the Compose file.
    pub path: String,
    /// Whether it is executable.
    pub executable: bool,
    /// Its text.
    pub text: String,
    /// The template in the spec that made it.
    pub template: String,
}

/// The profile that is meant where a spec has several, and none is named.
pub const DEFAULT_PROFILE: &str = "dev";

impl Stack {
    /// The template in the spec that makes an output, by its path relative to the Compose file.
    pub fn template_of(&self, path: &str) -> Option<&str> {
        let of_kinds = self.services.iter().flat_map(|service| &service.files);
        let mut of_kinds = of_kinds.filter_map(|file| Some((file.path.as_str(), file.template.as_deref()?)));
        let own = self.files.iter().map(|file| (file.path.as_str(), file.template.as_str()));
        of_kinds.by_ref().chain(own).find(|(known, _)| *known == path).map(|(_, template)| template)
    }
}

/// A service that runs outside of the stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct External {
    /// Its name in the spec.
    pub name: String,
    /// Its host name or address.
    pub host: Text,
    /// The number of each port by name.
    pub ports: Vec<(String, u16)>,
    /// A heading for the docs; may be empty.
    pub group: String,
    /// What it is for; may be empty.
    pub description: String,
}

/// Something at the top level of the Compose file that services refer to: a network, volume, secret, config or model.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// Its name in the Compose file.
    pub name: String,
    /// Its keys.
    pub keys: Keys,
}

/// An image that is built here and never pulled.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageBuild {
    /// Its name in the spec.
    pub name: String,
    /// Repository and tag.
    pub reference: String,
    /// How it is built.
    pub recipe: ImageRecipe,
}

/// How an image is built.
#[derive(Debug, Clone, PartialEq)]
pub enum ImageRecipe {
    /// The Temporal server with the DSQL plugin, from its Go source tree, in this image (repository and tag).
    TemporalDsql(SourceTree, String),
    /// The base image (repository and tag) with the persistence template and its entrypoint.
    TemporalRuntime(String),
    /// The source tree's own Dockerfile.
    Own(SourceTree),
}

/// A source tree on the host.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceTree {
    /// The variable that holds its path.
    pub variable: String,
    /// Where it is if the variable isn't set.
    pub default: String,
}

/// A variable of the user's `.env`.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// The heading it is listed under; may be empty.
    pub group: String,
    /// Whether the stack can't start without it.
    pub required: bool,
    /// Its value unless the user sets it.
    pub default: Option<String>,
    /// Whether it is a secret.
    pub secret: bool,
    /// Whether a random value is written to `.env` if it has none.
    pub generate: bool,
    /// The Terraform output that fills it.
    pub output: Option<String>,
    /// Where its value lives.
    pub from: Option<Source>,
}

/// Something that Grafana queries.
#[derive(Debug, Clone, PartialEq)]
pub struct Datasource {
    /// Its UID.
    pub uid: String,
    /// Its title.
    pub title: String,
    /// Its type.
    pub kind: Queried,
    /// Its address, if it is a service of the stack.
    pub address: Option<Address>,
    /// Where Grafana asks; `None` if that isn't a URL.
    pub url: Option<Text>,
    /// The user to log in as.
    pub user: Option<Text>,
    /// Grafana's `jsonData`.
    pub json: Keys,
    /// Grafana's `secureJsonData`: the secret that each key has.
    pub secure: Vec<(String, kind::Secret)>,
    /// Whether panels without a datasource use it.
    pub default: bool,
}

impl Stack {
    /// The folder of the Compose file: `generated/dev`. Paths of outputs have a `/` on every system.
    pub fn generated(&self) -> String {
        let top = if self.outputs.isolated { ISOLATED } else { &self.outputs.generated };
        format!("{top}/{}", self.profile)
    }

    /// The user's `.env`, which is next to the committed outputs.
    pub fn dotenv(&self) -> String {
        format!("{}/{}/.env", self.outputs.generated, self.profile)
    }

    /// The folder of the files that containers read, to which their paths are relative: that of the Compose file or, in
    /// Kubernetes, one beside the manifests.
    pub fn files(&self) -> String {
        if self.kubernetes.is_some() { format!("{}/{MOUNTED}", self.base()) } else { self.generated() }
    }

    /// The base of kustomize: the folder of the manifests.
    pub fn base(&self) -> String {
        format!("{}/kubernetes/base", self.generated())
    }

    /// The overlay of kustomize that has what a person fills in.
    pub fn overlay(&self) -> String {
        format!("{}/kubernetes/overlays/{}", self.generated(), self.profile)
    }

    /// The command that runs the stack: `gen dev`, with the profile unless it is the one that is run by default.
    pub fn dev(&self) -> String {
        let profile =
            if self.profile == DEFAULT_PROFILE { String::new() } else { format!(" --profile {}", self.profile) };
        format!("{} dev{profile}", self.spec.program())
    }

    /// The folder of Terraform's files: `terraform/dev`.
    pub fn terraform(&self) -> String {
        format!("{}/{}", self.outputs.terraform, self.profile)
    }

    /// The platform of the services that run an image or an image based on it, if it is the same for all.
    pub fn platform_of(&self, build: &ImageBuild) -> Option<&Text> {
        let is_based = |other: &&ImageBuild| matches!(&other.recipe, ImageRecipe::TemporalRuntime(base) if *base == build.reference);
        let references: Vec<&str> =
            self.builds.iter().filter(is_based).chain([build]).map(|build| build.reference.as_str()).collect();
        let runs = |service: &&Service| {
            service.image.as_ref().and_then(Text::literal).is_some_and(|image| references.contains(&image))
        };
        let mut platforms = self.services.iter().filter(runs).map(|service| service.keys.text("platform"));
        let first = platforms.next()?;
        platforms.all(|other| other == first).then_some(first)?
    }

    /// Whether a service runs an image that is built here, outside of Compose.
    pub fn is_built(&self, service: &Service) -> bool {
        let image = service.image.as_ref().and_then(Text::literal);
        image.is_some_and(|image| self.builds.iter().any(|build| build.reference == image))
    }

    /// Every service of the Compose file: the stack's own, and the one-shots that create schemas.
    pub fn every_service(&self) -> impl Iterator<Item = &Service> {
        self.services.iter().chain(&self.schema_services)
    }

    /// The services that a schema step is for: those of the cluster of its name, or those that run its image; `None` if it
    /// is for all that persist something.
    pub fn owners_of(&self, step: &SchemaStep) -> Option<Vec<&Service>> {
        if let Some(cluster) = self.clusters.iter().find(|cluster| cluster.name == step.name) {
            return Some(self.services.iter().filter(|service| cluster.services.contains(&service.name)).collect());
        }
        let own = self.schema_services.iter().find(|service| service.name == step.service);
        let image = own.and_then(|service| service.image.as_ref());
        let users = self.services.iter().filter(|service| image.is_some() && service.image.as_ref() == image);
        Some(users.collect::<Vec<_>>()).filter(|users| !users.is_empty())
    }
}
