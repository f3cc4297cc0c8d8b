//! Images that are built locally.

use std::fs;

use camino::{Utf8Path, Utf8PathBuf};

use super::services::{image, unknown};
use super::{Environment, Finding, Invocation, compose};
use crate::model::service::Service;
use crate::model::{ImageBuild, ImageRecipe, SourceTree, Stack};

/// Every image.
pub const ALL: &str = "all";

/// The target that stands for every image of a Temporal server.
const TEMPORAL: &str = "temporal";

/// What to build.
#[derive(Debug, Default)]
pub struct Targets<'a> {
    /// By `docker build`, in this order.
    pub images: Vec<&'a ImageBuild>,
    /// By Compose itself.
    pub services: Vec<String>,
}

/// Resolves targets: `all`, `temporal`, the name or reference of an image, or else a service or a group; without any, `all`.
/// Includes the base images.
///
/// # Errors
/// A target is unknown or has nothing to build.
pub fn targets<'a>(stack: &'a Stack, environment: &Environment, names: &[String]) -> Result<Targets<'a>, Finding> {
    let all = [ALL.to_owned()];
    let names = if names.is_empty() { &all[..] } else { names };
    let mut images: Vec<&str> = Vec::new();
    let mut services: Vec<&Service> = Vec::new();
    for name in names {
        let before = (images.len(), services.len());
        let found = stack.builds.iter().filter(|build| image_answers(build, name));
        images.extend(found.map(|build| build.reference.as_str()));
        let is_image = images.len() > before.0 && name != ALL;
        for service in stack.services.iter().filter(|service| !is_image && service_answers(service, name)) {
            if service.is_built() {
                services.push(service);
            } else if let Some(image) = image(service, environment)
                && let Some(build) = stack.builds.iter().find(|build| build.reference == image)
            {
                images.push(&build.reference);
            }
        }
        if (images.len(), services.len()) == before && name != ALL {
            let is_known = stack.services.iter().any(|service| service_answers(service, name));
            return Err(if is_known {
                Finding::error(format!("nothing to build for `{name}`"), "its image is pulled by `gen dev up`")
            } else {
                unknown("image, service or group", name, || words(stack))
            });
        }
    }
    // Base images come before the images that use them.
    for build in stack.builds.iter().rev() {
        if let ImageRecipe::TemporalRuntime(base) = &build.recipe
            && images.contains(&build.reference.as_str())
        {
            images.push(base);
        }
    }
    Ok(Targets {
        images: stack.builds.iter().filter(|build| images.contains(&build.reference.as_str())).collect(),
        services: stack
            .services
            .iter()
            .filter(|service| services.iter().any(|wanted| wanted.name == service.name))
            .map(|service| service.name.clone())
            .collect(),
    })
}

fn image_answers(build: &ImageBuild, name: &str) -> bool {
    let of_temporal = matches!(build.recipe, ImageRecipe::TemporalDsql(..) | ImageRecipe::TemporalRuntime(_));
    name == ALL || name == build.name || name == build.reference || (name == TEMPORAL && of_temporal)
}

fn service_answers(service: &Service, name: &str) -> bool {
    name == ALL || name == service.name || (name == service.group && !name.is_empty())
}

fn words(stack: &Stack) -> impl Iterator<Item = &str> {
    let builds = || stack.builds.iter().map(|build| build.name.as_str());
    let built = stack.services.iter().filter(|service| service.is_built()).map(|service| service.name.as_str());
    let temporal = stack.builds.iter().any(|build| image_answers(build, TEMPORAL)).then_some(TEMPORAL);
    [ALL].into_iter().chain(temporal).chain(builds()).chain(built)
}

/// The source tree of an image.
pub fn tree(build: &ImageBuild) -> Option<&SourceTree> {
    match &build.recipe {
        ImageRecipe::TemporalDsql(tree, _) | ImageRecipe::Own(tree) => Some(tree),
        ImageRecipe::TemporalRuntime(_) => None,
    }
}

/// The folder of a source tree, relative to the root.
///
/// # Errors
/// It does not exist.
pub fn source(
    root: &Utf8Path,
    stack: &Stack,
    environment: &Environment,
    build: &ImageBuild,
    tree: &SourceTree,
) -> Result<Utf8PathBuf, Finding> {
    let path = Utf8PathBuf::from(environment.get(&tree.variable).unwrap_or(&tree.default));
    if root.join(&path).is_dir() {
        return Ok(path);
    }
    let tried = clean(&root.join(&path));
    Err(Finding::error(
        format!("cannot build `{}`: source tree `{tried}` does not exist", build.reference),
        format!("clone it there, or set {} in `{}` or in the environment", tree.variable, stack.dotenv()),
    ))
}

/// A path without `..`.
pub(super) fn clean(path: &Utf8Path) -> Utf8PathBuf {
    let mut clean = Utf8PathBuf::new();
    for component in path.components() {
        if component.as_str() == ".." {
            clean.pop();
        } else {
            clean.push(component);
        }
    }
    clean
}

/// The `docker build` of an image.
///
/// # Errors
/// Its source tree does not exist or has no Go version.
pub fn invocation(
    root: &Utf8Path,
    stack: &Stack,
    environment: &Environment,
    build: &ImageBuild,
    no_cache: bool,
) -> Result<Invocation, Finding> {
    let docker = compose::folder(stack).join("docker");
    let mut command = Invocation::new("docker", root, ["build", "--tag", &build.reference]);
    let platform = stack.platform_of(build).and_then(|platform| environment.expand(platform));
    if let Some(platform) = platform.filter(|platform| !platform.is_empty()) {
        command = command.with(["--platform".to_owned(), platform]);
    }
    command = command.with_flag("--no-cache", no_cache);
    Ok(match &build.recipe {
        ImageRecipe::TemporalDsql(tree, _) => {
            let source = source(root, stack, environment, build, tree)?;
            let version = go_version(root, &source, tree)?;
            let file = docker.join("base.Dockerfile");
            command.with(["--file", file.as_str(), "--build-arg", &format!("GO_VERSION={version}"), source.as_str()])
        }
        ImageRecipe::TemporalRuntime(_) => command.with([docker.as_str()]),
        ImageRecipe::Own(tree) => command.with([source(root, stack, environment, build, tree)?.as_str()]),
    })
}

/// The Go version of a source tree: the tag of the image that builds it.
fn go_version(root: &Utf8Path, source: &Utf8Path, tree: &SourceTree) -> Result<String, Finding> {
    let path = source.join("go.mod");
    let help = || format!("set {} to a source tree of temporal-dsql", tree.variable);
    let text = fs::read_to_string(root.join(&path))
        .map_err(|error| Finding::error(format!("cannot read `{path}`: {error}"), help()))?;
    let version = text.lines().find_map(|line| line.strip_prefix("go "));
    version
        .map(|version| version.trim().to_owned())
        .ok_or_else(|| Finding::error(format!("`{path}` has no Go version"), help()))
}
