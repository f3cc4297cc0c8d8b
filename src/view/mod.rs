//! Stage 4: one file per artifact, each with a struct of what its template prints.
//!
//! [`artifacts`] lists them all. An artifact's view, its template and its output share a name; the
//! language that its values are written in is the one `use … as filters` of its file.

mod alloy;
pub(crate) mod compose;
mod config;
mod dashboard;
mod dockerfile;
mod dotenv;
mod dynamic_config;
mod entrypoint;
mod grafana;
mod kubernetes;
pub mod patched;
mod persistence;
mod readme;
mod terraform;

pub use config::config_digests;
pub use kubernetes::{LARGEST, Sizes, quantity};

use camino::Utf8PathBuf;

use crate::model::{Cluster, Grafana, ImageRecipe, Stack};
use crate::spec::{Location, MAIN};

/// The output that lists all others.
pub(crate) const COMPOSE: &str = "docker-compose.yml";

/// One output of a profile, not yet rendered.
pub struct Artifact<'a> {
    /// Relative to the root.
    pub path: Utf8PathBuf,
    /// Whether it is executable.
    pub executable: bool,
    /// Where its spec is.
    spec: &'a Location,
    /// Why it is the user's own, if it is.
    ejected: Option<&'a str>,
    /// What the spec changes in it.
    patches: patched::Patches<'a>,
    render: Box<dyn Fn() -> askama::Result<String> + 'a>,
}

impl Artifact<'_> {
    /// The output's text.
    ///
    /// # Errors
    /// Only if a template is wrong, never because of the spec.
    pub fn render(&self) -> askama::Result<String> {
        let text = self.plain()?;
        Ok(if self.is_patched() { self.patched(text) } else { text })
    }

    /// The text without patches.
    fn plain(&self) -> askama::Result<String> {
        let mut text = (self.render)()?;
        // Templates name the default.
        if !self.spec.is_default() {
            let from = self.spec.commands(FROM).replace(MAIN, self.spec.main().as_str());
            text = text.replacen(FROM, &from, 1);
        }
        // Askama removes the last newline of a template.
        if !text.ends_with('\n') {
            text.push('\n');
        }
        Ok(text)
    }
}

/// What the first lines of templates say.
const FROM: &str = "Generated from spec/stack.toml: edit that file, then run `gen render`.";

/// Every output of a profile, in the order in which reports list them.
pub fn artifacts(stack: &Stack) -> Vec<Artifact<'_>> {
    let mut list = List {
        generated: stack.generated(),
        files: stack.files(),
        terraform: stack.terraform(),
        spec: &stack.spec,
        artifacts: Vec::new(),
    };
    if stack.kubernetes.is_none() {
        list.add(COMPOSE, || compose::render(stack));
        if stack.outputs.env_example {
            list.add(".env.example", || dotenv::render(stack));
        }
    }
    for alloy in &stack.alloys {
        list.mounted(&alloy.file, || alloy::render(stack, alloy));
    }
    for (file, text) in
        stack.services.iter().flat_map(|service| &service.files).filter_map(|file| Some((file, file.text.as_ref()?)))
    {
        list.mounted(&file.path, || Ok(text.clone()));
    }
    // All Grafanas of a stack have the same datasources and folders.
    if let Some(grafana) = stack.grafanas.first() {
        list.mounted(Grafana::DATASOURCES, || grafana::datasources(stack, grafana));
        if !grafana.folders.is_empty() {
            list.mounted(Grafana::DASHBOARDS, || grafana::dashboards(grafana));
        }
        for dashboard in &stack.dashboards {
            let name = format!("grafana/{}/{}.json", dashboard.folder, dashboard.name);
            list.mounted(name, || Ok(dashboard::render(dashboard)));
        }
    }
    for build in &stack.builds {
        match &build.recipe {
            ImageRecipe::TemporalDsql(_, base) => list.add("docker/base.Dockerfile", || dockerfile::base(base)),
            ImageRecipe::TemporalRuntime(base) => {
                list.add("docker/Dockerfile", || dockerfile::runtime(base));
                list.add_executable("docker/render-and-start.sh", entrypoint::render);
                list.add("docker/persistence-dsql.template.yaml", || persistence::template(stack));
            }
            ImageRecipe::Own(_) => {}
        }
    }
    for cluster in &stack.clusters {
        if let Some(store) = cluster.server.postgresql() {
            list.mounted(Cluster::config_of(&cluster.name), || persistence::config(stack, cluster, store));
        }
        list.mounted(format!("dynamicconfig/{}.yaml", cluster.name), || dynamic_config::render(cluster));
    }
    for file in &stack.files {
        list.push(format!("{}/{}", list.files, file.path), file.executable, || Ok(file.text.clone()));
    }
    if let Some(kubernetes) = &stack.kubernetes {
        kubernetes::add(&mut list, stack, kubernetes);
    }
    if stack.outputs.readme {
        list.add("README.md", || match &stack.kubernetes {
            Some(kubernetes) => kubernetes::readme(stack, kubernetes),
            None => readme::render(stack),
        });
    }
    if let Some(infrastructure) = &stack.infrastructure {
        list.add_terraform("main.tf", || terraform::main(infrastructure));
        list.add_terraform("variables.tf", || terraform::variables(infrastructure));
        list.add_terraform("outputs.tf", || terraform::outputs(infrastructure));
    }
    patched::attach(stack, &mut list.artifacts);
    list.artifacts
}

/// The text of `.env.example`, also if it is left out.
pub fn env_example(stack: &Stack) -> String {
    // Only a broken template can fail, which the tests render.
    dotenv::render(stack).unwrap_or_default()
}

/// The example of a file that a person fills in for Kubernetes; empty if it can't be rendered.
pub fn values_example(stack: &Stack, file: &str) -> String {
    kubernetes::values_example(stack, file).unwrap_or_default()
}

struct List<'a> {
    generated: String,
    files: String,
    terraform: String,
    spec: &'a Location,
    artifacts: Vec<Artifact<'a>>,
}

impl<'a> List<'a> {
    fn add(&mut self, name: impl AsRef<str>, render: impl Fn() -> askama::Result<String> + 'a) {
        self.push(format!("{}/{}", self.generated, name.as_ref()), false, render);
    }

    /// Adds a file that containers read.
    fn mounted(&mut self, name: impl AsRef<str>, render: impl Fn() -> askama::Result<String> + 'a) {
        self.push(format!("{}/{}", self.files, name.as_ref()), false, render);
    }

    /// The paths of those in a folder, relative to it.
    fn below(&self, folder: &str) -> Vec<String> {
        let paths = self.artifacts.iter().filter_map(|artifact| artifact.path.as_str().strip_prefix(folder));
        paths.filter_map(|path| path.strip_prefix('/')).map(ToOwned::to_owned).collect()
    }

    fn add_executable(&mut self, name: &str, render: impl Fn() -> askama::Result<String> + 'a) {
        self.push(format!("{}/{name}", self.generated), true, render);
    }

    fn add_terraform(&mut self, name: &str, render: impl Fn() -> askama::Result<String> + 'a) {
        self.push(format!("{}/{name}", self.terraform), false, render);
    }

    // Not `join`: the paths of outputs have a `/` on every system.
    fn push(&mut self, path: String, executable: bool, render: impl Fn() -> askama::Result<String> + 'a) {
        self.artifacts.push(Artifact {
            path: path.into(),
            executable,
            spec: self.spec,
            ejected: None,
            patches: Vec::new(),
            render: Box::new(render),
        });
    }
}
