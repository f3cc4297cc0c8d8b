//! `docker/base.Dockerfile` and `docker/Dockerfile`.

use askama::Template;

use crate::lit::dockerfile as filters;
use crate::model::ImageBuild;

#[derive(Template)]
#[template(path = "docker/base.dockerfile")]
struct Base<'a> {
    reference: &'a str,
}

pub(super) fn base(build: &ImageBuild) -> askama::Result<String> {
    Base { reference: &build.reference }.render()
}

#[derive(Template)]
#[template(path = "docker/runtime.dockerfile")]
struct Runtime<'a> {
    base: &'a str,
}

pub(super) fn runtime(base: &str) -> askama::Result<String> {
    Runtime { base }.render()
}
