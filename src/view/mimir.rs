//! `config/<service>.yaml` of a Mimir.

use askama::Template;

use crate::lit::yaml as filters;
use crate::model::Mimir;

#[derive(Template)]
#[template(path = "config/mimir.yaml")]
struct Config<'a> {
    mimir: &'a Mimir,
}

pub(super) fn render(mimir: &Mimir) -> askama::Result<String> {
    Config { mimir }.render()
}
