//! `[images]`: what services run, and what is built here.

use std::collections::HashSet;

use super::Resolver;
use crate::diagnostic::{Diagnostic, Span};
use crate::model::text::{Text as ModelText, Tree as ModelTree};
use crate::model::{ImageBuild, ImageRecipe, SourceTree};
use crate::spec::decode::{Short, Spanned, listed, shown};
use crate::spec::lints::Level;
use crate::spec::service::Service;
use crate::spec::stack::{self as spec, ALPINE, Image, Recipe};
use crate::spec::text::Text;
use crate::spec::tree::MOST_COPIED;

/// The home of the user `temporal` in the images that `gen` writes Dockerfiles for.
pub(super) const TEMPORAL_HOME: &str = "/home/temporal";

/// The ID of that user.
pub(super) const TEMPORAL_USER: u32 = 1000;

/// The image of a service.
#[derive(Default)]
pub(super) struct ServiceImage<'a> {
    pub reference: Option<ModelText>,
    /// Its entry in `[images]`.
    pub entry: Option<&'a Image>,
}

impl ServiceImage<'_> {
    /// The ID of its user, if the spec has it.
    pub(super) fn user(&self) -> Option<u32> {
        self.entry?.user.as_ref().map(|user| user.value)
    }

    /// Whether `gen dev build` builds it, so that Compose must not pull it.
    pub(super) fn is_never_pulled(&self) -> bool {
        self.entry.is_some_and(|image| image.build.is_some() && image.build_of_compose().is_none())
    }
}

/// The tag of a reference without a digest. A registry may have a port.
pub fn tag(reference: &str) -> Option<&str> {
    reference.rsplit('/').next()?.split_once(':').map(|(_, tag)| tag)
}

/// Checks a reference as registries and engines read it
/// (<https://github.com/distribution/reference/blob/v0.6.0/reference.go>).
pub(super) fn check_grammar(reference: &str) -> Result<(), &'static str> {
    let (rest, digest) = match reference.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (reference, None),
    };
    if digest.is_some_and(|digest| !is_digest(digest)) {
        return Err("a digest is `sha256:` and 64 hexadecimal digits");
    }
    let tag = tag(rest);
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return Err("a tag has at most 128 letters, digits, `_`, `.` and `-`, and starts with none of the last two");
    }
    let name = tag.map_or(rest, |tag| &rest[..rest.len() - tag.len() - 1]);
    let path = match name.split_once('/') {
        Some((registry, path)) if registry == "localhost" || registry.contains(['.', ':']) => {
            if !is_registry(registry) {
                return Err("a registry is a host name with an optional port");
            }
            path
        }
        _ => name,
    };
    if name.is_empty() {
        return Err("write `repository:tag`");
    }
    if name.len() > 255 || !path.split('/').all(is_component) {
        return Err("a repository has lowercase letters and digits, with `.`, `_`, `__` or `-` between them");
    }
    Ok(())
}

/// Whether a text is a digest, as image references have it.
pub fn is_digest(digest: &str) -> bool {
    digest
        .strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
}

fn is_tag(tag: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= 128
        && tag.bytes().next().is_some_and(is_word)
        && tag.bytes().all(|byte| is_word(byte) || matches!(byte, b'.' | b'-'))
}

/// A host name or address, with an optional port.
fn is_registry(registry: &str) -> bool {
    let (host, port) = match registry.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (registry, None),
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_address = |host: &str| {
        host.strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .is_some_and(|host| host.parse::<std::net::Ipv6Addr>().is_ok())
    };
    port.is_none_or(|port| port.parse::<u16>().is_ok()) && (host.split('.').all(is_label) || is_address(host))
}

/// A part of a repository between slashes.
fn is_component(component: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut separators =
        component.split(|c: char| c.is_ascii() && is_part(c as u8)).filter(|between| !between.is_empty());
    component.bytes().next().is_some_and(is_part)
        && component.bytes().last().is_some_and(is_part)
        && separators.all(|between| matches!(between, "." | "_" | "__") || between.bytes().all(|byte| byte == b'-'))
}

impl<'a> Resolver<'a> {
    /// The image that a service names, or the one that its kind implies.
    pub(super) fn image_of(&mut self, name: &Spanned<String>, service: &Service) -> ServiceImage<'a> {
        match (&service.image, &service.kind) {
            (Some(image), _) => self.named_image(image),
            (None, Some(kind)) => {
                let key = kind.value.image_name();
                self.find_image(key).unwrap_or_else(|| {
                    if !self.spec.images.broken.contains(key) {
                        self.report(
                            Diagnostic::new("unknown-image", format!("unknown image `{key}`"), kind.span)
                                .at("the default image of this kind")
                                .help(format!("add `{key} = \"repository:tag\"` to [images], or set `image`")),
                        );
                    }
                    ServiceImage::default()
                })
            }
            (None, None) => {
                // Another file may have it, or a provider runs instead of a container.
                if ["build", "extends", "provider"].iter().all(|key| service.compose.get(key).is_none()) {
                    self.report_missing(
                        service.sound,
                        Diagnostic::new(
                            "missing-image",
                            format!("missing image for service `{}`", name.value),
                            name.span,
                        )
                        .help("set `image`, `build` or `kind`"),
                    );
                }
                ServiceImage::default()
            }
        }
    }

    /// An image that the spec names: an entry of `[images]`, or a repository with a tag or digest.
    pub(super) fn named_image(&mut self, image: &Spanned<Text>) -> ServiceImage<'a> {
        let key = match image.value.literal() {
            Some(literal) if !literal.contains([':', '/', '@']) => literal,
            _ => {
                self.check_reference(&image.value);
                return ServiceImage { reference: Some(self.text(&image.value)), entry: None };
            }
        };
        self.find_image(key).unwrap_or_else(|| {
            // Where images need no tag, it is one of a registry.
            if self.spec.lints.level("untagged-image") != Level::Deny && !self.spec.images.knows(key) {
                self.check_reference(&image.value);
                return ServiceImage { reference: Some(self.text(&image.value)), entry: None };
            }
            if !self.spec.images.broken.contains(key) {
                let names: Vec<&str> = self.spec.images.names().collect();
                let title = format!("unknown image `{}`", shown(key));
                self.report_unknown(
                    ("unknown-image", title),
                    "images",
                    (key, image.span),
                    names.iter().copied(),
                    || match names.as_slice() {
                        [] => "add it to [images], or add its tag".to_owned(),
                        names => {
                            format!("add it to [images], add its tag, or use one of {}", listed(names.iter().copied()))
                        }
                    },
                );
            }
            ServiceImage::default()
        })
    }

    /// An entry of `[images]`.
    fn find_image(&mut self, key: &str) -> Option<ServiceImage<'a>> {
        let entry = &self.spec.images.get(key)?.0;
        Some(ServiceImage { reference: Some(self.text(&entry.reference.value)), entry: Some(entry) })
    }

    /// An image must have a tag or a digest, and the tag must not be a moving one.
    fn check_reference(&mut self, text: &Text) {
        let Some(reference) = self.effective(text) else { return };
        let span = text.span;
        let diagnostic = if let Err(problem) = check_grammar(&reference) {
            Diagnostic::new("invalid-image", format!("invalid image `{}`", shown(&reference)), span).help(problem)
        } else if reference.contains('@') {
            return;
        } else {
            match tag(&reference) {
                None => Diagnostic::new(
                    "untagged-image",
                    format!("image `{}` is not pinned: it has no tag", shown(&reference)),
                    span,
                ),
                Some("latest") => Diagnostic::new(
                    "latest-tag",
                    format!("image `{}` is not pinned: `latest` moves", shown(&reference)),
                    span,
                ),
                Some(_) => return,
            }
            .help("pin a version: `repository:tag`")
        };
        self.report(diagnostic);
    }

    /// The images that are built here, each after the one that it builds on.
    pub(super) fn builds(&mut self) -> Vec<ImageBuild> {
        let spec = self.spec;
        let used_images = self.used_images();
        let mut builds: Vec<ImageBuild> = Vec::new();
        for (name, image) in spec.images.iter() {
            let image = &image.0;
            self.check_reference(&image.reference.value);
            let used = used_images.contains(name.value.as_str());
            if !used && self.removes() {
                continue;
            }
            if !used {
                self.report_unused(
                    "unknown-image",
                    Diagnostic::new("unused-image", format!("unused image `{}`", name.value), name.span)
                        .help("use it as a service's `image`, or remove it"),
                );
            }
            let Some(Short(build)) = image.build.as_ref().filter(|_| image.build_of_compose().is_none()) else {
                continue;
            };
            self.check_further_keys(build);
            let recipe = match build.recipe.as_ref().map(|recipe| recipe.value) {
                Some(Recipe::TemporalRuntime) => {
                    if let Some(context) = &build.context {
                        self.report(
                            Diagnostic::new("kind-decides", "`context` cannot be used with this recipe", context.span)
                                .help("remove `context`: the output folder is used"),
                        );
                    }
                    self.base_of(build.base.as_ref(), build.span, build.sound).map(ImageRecipe::TemporalRuntime)
                }
                recipe => {
                    if let Some(base) = build.base.as_ref().filter(|_| recipe.is_none()) {
                        self.report(
                            Diagnostic::new("kind-decides", "`base` can only be used with a recipe", base.span)
                                .help("remove `base`"),
                        );
                    }
                    let base = build.base.as_ref().filter(|_| recipe.is_some());
                    let base = base.map_or_else(|| Some(ALPINE.to_owned()), |base| self.base(base));
                    let tree = self.source_tree(build.context.as_ref(), build.span, build.sound);
                    match recipe {
                        Some(Recipe::TemporalDsql) => {
                            tree.zip(base).map(|(tree, base)| ImageRecipe::TemporalDsql(tree, base))
                        }
                        _ => tree.map(ImageRecipe::Own),
                    }
                }
            };
            let Some(reference) = image.reference.value.literal().map(ToOwned::to_owned) else {
                self.report(
                    Diagnostic::new(
                        "invalid-image",
                        "the name of a built image cannot contain a reference",
                        image.reference.span,
                    )
                    .help("write the repository and tag without a reference"),
                );
                continue;
            };
            if let Some(recipe) = recipe {
                builds.push(ImageBuild { name: name.value.clone(), reference, recipe });
            }
        }
        for recipe in [Recipe::TemporalDsql, Recipe::TemporalRuntime] {
            let mut found = self.recipes(recipe);
            let first = found.next();
            for (name, recipe) in found {
                let title = format!("duplicate recipe `{}`", recipe.as_str());
                let mut diagnostic = Diagnostic::new("recipe-clash", title, recipe.span);
                if let Some((_, first)) = first {
                    diagnostic = diagnostic.also(first.span, "the other one");
                }
                self.report(diagnostic.help(format!("remove `{}`: its files would overwrite the other's", name.value)));
            }
        }
        // A runtime needs its base first; no other image depends on another.
        builds.sort_by_key(|build| matches!(build.recipe, ImageRecipe::TemporalRuntime(_)));
        builds
    }

    /// The images with a recipe.
    fn recipes(&self, wanted: Recipe) -> impl Iterator<Item = (&'a Spanned<String>, &'a Spanned<Recipe>)> + use<'a> {
        self.spec.images.iter().filter_map(move |(name, image)| {
            let recipe = image.0.build.as_ref()?.0.recipe.as_ref()?;
            (recipe.value == wanted).then_some((name, recipe))
        })
    }

    /// The names of the images that a service or a schema step runs, or an image builds on.
    fn used_images(&self) -> HashSet<&'a str> {
        let spec = self.spec;
        let run = spec.services.iter().filter_map(|(_, service)| match (&service.image, &service.kind) {
            (Some(image), _) => image.value.literal(),
            (None, kind) => kind.as_ref().map(|kind| kind.value.image_name()),
        });
        let steps = spec.schema.iter().filter_map(|(_, step)| step.image.value.literal());
        let bases =
            spec.images.iter().filter_map(|(_, image)| Some(image.0.build.as_ref()?.0.base.as_ref()?.value.as_str()));
        run.chain(steps).chain(bases).collect()
    }

    /// The image of a registry that a recipe builds on.
    fn base(&mut self, base: &Spanned<String>) -> Option<String> {
        let found = self.spec.images.get(&base.value).map(|image| &image.0);
        let found = found.filter(|image| !image.sound || image.build.is_none());
        if let Some(image) = found {
            return image.reference.value.literal().map(ToOwned::to_owned);
        }
        if self.spec.images.get(&base.value).is_some() {
            self.report(
                Diagnostic::new(
                    "kind-decides",
                    format!(
                        "`{}` is built here, and cannot be the base of a `temporal-dsql` build",
                        shown(&base.value)
                    ),
                    base.span,
                )
                .help(format!("use an image of a registry, such as `{ALPINE}`, by its name in [images]")),
            );
        } else if !self.spec.images.broken.contains(&base.value) {
            let pulled = self.spec.images.iter().filter(|(_, image)| image.0.build.is_none());
            let names: Vec<&str> = pulled.map(|(name, _)| name.value.as_str()).collect();
            let title = format!("unknown image `{}`", shown(&base.value));
            self.report_unknown(
                ("unknown-image", title),
                "images",
                (&base.value, base.span),
                names.iter().copied(),
                || format!("add it to [images]: `alpine = \"{ALPINE}\"`"),
            );
        }
        None
    }

    fn base_of(&mut self, base: Option<&Spanned<String>>, span: Span, sound: bool) -> Option<String> {
        let Some(base) = base else {
            self.report_missing(
                sound,
                Diagnostic::new("missing-key", "missing key `base` in a `temporal-runtime` build", span)
                    .help("set it to the image with the recipe `temporal-dsql`"),
            );
            return None;
        };
        let found = self.spec.images.get(&base.value).map(|image| &image.0);
        let fits = found.is_some_and(|image| {
            // A recipe that could not be read was reported.
            !image.sound
                || image
                    .build
                    .as_ref()
                    .and_then(|build| build.0.recipe.as_ref())
                    .is_some_and(|recipe| recipe.value == Recipe::TemporalDsql)
        });
        if !fits && !self.spec.images.broken.contains(&base.value) {
            let fitting: Vec<&str> = self.recipes(Recipe::TemporalDsql).map(|(name, _)| name.value.as_str()).collect();
            let title = format!("unknown image `{}` with the recipe `temporal-dsql`", shown(&base.value));
            self.report_unknown(
                ("unknown-image", title),
                "images",
                (&base.value, base.span),
                fitting.iter().copied(),
                || format!("expected one of {}", listed(fitting.iter().copied())),
            );
            return None;
        }
        found?.reference.value.literal().map(ToOwned::to_owned)
    }

    fn source_tree(&mut self, context: Option<&Spanned<Text>>, span: Span, sound: bool) -> Option<SourceTree> {
        let Some(context) = context else {
            self.report_missing(
                sound,
                Diagnostic::new("missing-key", "missing key `context` in an image's build", span)
                    .help("write a reference to a variable that holds the path, e.g. `${COPILOT_PATH}`"),
            );
            return None;
        };
        self.text(&context.value);
        if let Some(name) = context.value.variable() {
            let default = self.default_of(name).unwrap_or_default();
            return Some(SourceTree { variable: name.to_owned(), default });
        }
        self.report(
            Diagnostic::new(
                "invalid-context",
                "the `context` of a recipe must be a reference to a variable",
                context.span,
            )
            .help("write a reference to a variable that holds the path, e.g. `${COPILOT_PATH}`"),
        );
        None
    }

    /// Reports keys of Compose in a build that Compose doesn't run.
    fn check_further_keys(&mut self, build: &spec::ImageBuild) {
        let Some((key, _)) = build.compose.iter().next() else { return };
        let (by, help) = match (&build.recipe, &build.context) {
            (None, Some(context)) => (context.span, "write the path of the tree as `context`, such as `./api`"),
            _ => (build.span, "remove it, or the recipe"),
        };
        self.report(
            Diagnostic::new("kind-decides", format!("`{}` is a key of builds that Compose runs", key.value), key.span)
                .also(by, "built by `gen dev build`")
                .help(help),
        );
    }

    /// The `build` of a service whose image Compose builds: each of them has it, so that the image is built whichever is
    /// started first. The engine runs equal steps once.
    pub(super) fn build_of(&mut self, image: &ServiceImage<'_>) -> Option<ModelTree> {
        let build = image.entry?.build_of_compose()?;
        let context = build.context.as_ref().map(|context| ("context".to_owned(), self.text(&context.value).into()));
        let most = MOST_COPIED / u64::try_from(self.profile.share).unwrap_or(u64::MAX);
        if self.copied > most {
            return None;
        }
        let keys = self.keys(&build.compose).0;
        let tree = ModelTree::Table(context.into_iter().chain(keys).collect());
        self.copied += weight(&tree);
        if self.copied > most {
            let title = "the spec is too large: the builds of its images are copied too often";
            let help = "shorten the `build`, or use the image less often";
            self.report(Diagnostic::new("spec-too-large", title, build.span).help(help));
        }
        Some(tree)
    }
}

/// About the bytes of a tree.
fn weight(tree: &ModelTree) -> u64 {
    match tree {
        ModelTree::Text(text) => text.shown().len() as u64,
        ModelTree::List(items) => items.iter().map(|item| 2 + weight(item)).sum(),
        ModelTree::Table(entries) => entries.iter().map(|(key, tree)| 4 + key.len() as u64 + weight(tree)).sum(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_as_engines_read_them() {
        let digest = "0123456789abcdef".repeat(4);
        for right in [
            "alpine:3.22".to_owned(),
            "grafana/loki:3.7.6".to_owned(),
            "localhost/a:1".to_owned(),
            "localhost:5000/a/b__c--d.e:v1.0_x-y".to_owned(),
            "ghcr.io/astral-sh/uv:0.9".to_owned(),
            "[::1]:5000/a:1".to_owned(),
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/a:1".to_owned(),
            format!("alpine@sha256:{digest}"),
            format!("registry.example.com:443/a:3@sha256:{digest}"),
            "untagged".to_owned(),
        ] {
            assert_eq!(check_grammar(&right), Ok(()), "{right}");
        }
        for wrong in [
            "",
            ":1",
            "--volume=/:/h",
            "-a:1",
            "a b:1",
            "Upper/case:1",
            "a//b:1",
            "/a:1",
            "a/:1",
            "a___b:1",
            "a-:1",
            "a:",
            "a:-1",
            "a:b:c",
            "ä:1",
            "a\n:1",
            "example.com:port/a:1",
            "-example.com/a:1",
            "example..com/a:1",
            "[::x]:5000/a:1",
            "a@sha256:abc",
            "a@md5:0123456789abcdef0123456789abcdef",
            "a:1@",
            "a@b@c",
            &format!("{}:1", "a".repeat(256)),
            &format!("a:{}", "1".repeat(129)),
        ] {
            assert!(check_grammar(wrong).is_err(), "{wrong}");
        }
    }
}
