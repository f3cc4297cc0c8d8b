//! The files of kinds that only need the service's own ports and settings: each is a template next to `kind.toml`.
//! The build script writes a view for each.

use std::io;

use crate::lit::{AsLit, Lit};
use crate::model::kind::{File, SettingValue};
use crate::model::{Service, Stack};

include!(concat!(env!("OUT_DIR"), "/kind_views.rs"));

/// Every file of a kind that is rendered from a template.
pub(super) fn files(stack: &Stack) -> impl Iterator<Item = (&Service, &File, &str)> {
    stack.services.iter().flat_map(|service| {
        service.files.iter().filter_map(move |file| Some((service, file, file.template.as_deref()?)))
    })
}

pub(super) fn render(service: &Service, template: &str) -> askama::Result<String> {
    let kind = service.kind.map_or("", crate::spec::kind::Kind::as_str);
    render_template(kind, template, &Configured(service)).unwrap_or_else(|| unknown("template", template))
}

/// A service as the templates of its kind see it.
struct Configured<'a>(&'a Service);

impl<'a> Configured<'a> {
    /// The value of a setting.
    fn setting(&self, name: &str) -> askama::Result<Lit<'a>> {
        match self.0.setting(name) {
            Some(SettingValue::Boolean(value)) => Ok(value.as_lit()),
            Some(SettingValue::Integer(number)) => Ok(number.as_lit()),
            Some(SettingValue::Duration(duration)) => Ok(duration.text.as_lit()),
            Some(SettingValue::Size(size)) => Ok(size.0.as_lit()),
            Some(SettingValue::Strings(strings)) => Ok(strings.as_lit()),
            // Only Compose can write a text with a reference.
            Some(SettingValue::Text(text)) => {
                text.literal().map_or_else(|| unknown("plain setting", name), |text| Ok(text.as_lit()))
            }
            Some(SettingValue::Secret(_) | SettingValue::Map(_)) | None => unknown("plain setting", name),
        }
    }

    /// The number of a port in the container.
    fn port(&self, name: &str) -> askama::Result<u16> {
        self.0.port(name).map_or_else(|| unknown("port", name), |port| Ok(port.target))
    }
}

/// The error of a wrong template; the tests render each of them.
fn unknown<T>(what: &str, name: &str) -> askama::Result<T> {
    Err(askama::Error::custom(io::Error::other(format!("unknown {what} `{name}`"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::kind::Kind;

    #[test]
    fn every_template_that_a_kind_names_has_a_view() {
        let service = Service::default();
        for kind in Kind::all() {
            for (path, file) in kind.declaration().files.iter() {
                let Some(template) = &file.template else { continue };
                let rendered = render_template(kind.as_str(), template, &Configured(&service));
                // A service without ports and settings can't have one.
                assert!(rendered.is_some_and(|rendered| rendered.is_err()), "{}: {}", kind.as_str(), path.value);
            }
        }
        assert!(render_template("loki", "mimir.yaml", &Configured(&service)).is_none());
    }
}
