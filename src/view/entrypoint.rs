//! `docker/render-and-start.sh`.

use askama::Template;

#[derive(Template)]
#[template(path = "docker/render-and-start.sh")]
struct Entrypoint;

pub(super) fn render() -> askama::Result<String> {
    Entrypoint.render()
}
