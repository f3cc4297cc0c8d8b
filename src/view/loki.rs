//! `config/<service>.yaml` of a Loki.

use askama::Template;

use crate::lit::yaml as filters;
use crate::model::Loki;

#[derive(Template)]
#[template(path = "config/loki.yaml")]
struct Config<'a> {
    loki: &'a Loki,
}

pub(super) fn render(loki: &Loki) -> askama::Result<String> {
    Config { loki }.render()
}
