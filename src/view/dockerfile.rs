//! `docker/base.Dockerfile` and `docker/Dockerfile`.

use askama::Template;

use crate::lit::dockerfile as filters;

#[derive(Template)]
#[template(path = "docker/base.dockerfile")]
struct Base<'a> {
    base: &'a str,
}

pub(super) fn base(base: &str) -> askama::Result<String> {
    Base { base }.render()
}

#[derive(Template)]
#[template(path = "docker/runtime.dockerfile")]
struct Runtime<'a> {
    base: &'a str,
}

pub(super) fn runtime(base: &str) -> askama::Result<String> {
    Runtime { base }.render()
}
