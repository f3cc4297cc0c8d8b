//! Connections that no reference shows: a service talks to those whose addresses are in the files that it mounts, and as plain text
//! in its environment and its command.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use crate::model::kubernetes::members_of;
use crate::model::service::Command;
use crate::model::{Service, Stack};
use crate::spec::service::MountType;

/// Adds them to what each service refers to.
pub(super) fn add(stack: &mut Stack) {
    let hosts: HashMap<Cow<'_, str>, &Service> =
        stack.services.iter().flat_map(|service| names(service).map(move |name| (name, service))).collect();
    let own: HashMap<&str, BTreeSet<&str>> =
        stack.files.iter().map(|file| (file.path.as_str(), services_in(&file.text, &hosts))).collect();
    let found: Vec<Vec<String>> = stack
        .every_service()
        .map(|service| {
            let known = &service.refers_to.services;
            let of_kind = service.files.iter().filter_map(|file| file.text.as_deref());
            let of_kind = of_kind.flat_map(|text| services_in(text, &hosts));
            let mounted = service.mounts.iter().filter(|mount| mount.kind == MountType::Bind);
            let mounted = mounted.filter_map(|mount| own.get(mount.source.as_ref()?.literal()?.strip_prefix("./")?));
            let commands = [&service.command, &service.entrypoint].into_iter().flatten().flat_map(Command::texts);
            let written = service.environment.iter().map(|(_, text)| text).chain(commands);
            let written = written.flat_map(|text| match text.literal() {
                Some(literal) => services_in(literal, &hosts),
                None => services_in(&text.shown(), &hosts),
            });
            let all: BTreeSet<&str> = of_kind.chain(mounted.flatten().copied()).chain(written).collect();
            let further =
                all.into_iter().filter(|name| *name != service.name && !known.iter().any(|known| known == name));
            further.map(ToOwned::to_owned).collect()
        })
        .collect();
    for (service, found) in stack.services.iter_mut().chain(&mut stack.schema_services).zip(found) {
        service.refers_to.services.extend(found);
    }
}

/// The names by which others reach a service.
fn names(service: &Service) -> impl Iterator<Item = Cow<'_, str>> {
    let of_members = service.workload.members.is_some().then(|| members_of(&service.name).into());
    std::iter::once(service.name.as_str().into()).chain(of_members)
}

/// The services whose addresses, `name:port`, are in a text.
fn services_in<'s>(text: &str, hosts: &HashMap<Cow<'_, str>, &'s Service>) -> BTreeSet<&'s str> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let mut found = BTreeSet::new();
    for (colon, _) in text.match_indices(':') {
        let (before, after) = (&text[..colon], &text[colon + 1..]);
        let name =
            before.rfind(|c| !is_of_name(c)).map_or(before, |at| before[at..].trim_start_matches(|c| !is_of_name(c)));
        let digits = after.find(|c| !is_of_name(c)).map_or(after, |end| &after[..end]).trim_end_matches('.');
        if let (Some(service), Ok(port)) = (hosts.get(name), digits.parse::<u16>())
            && service.ports.iter().any(|known| known.target == port)
        {
            found.insert(service.name.as_str());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Keys;
    use crate::model::service::Port;
    use crate::spec::service::Protocol;

    #[test]
    fn addresses_in_a_text() {
        let port = Port {
            name: "controller".to_owned(),
            target: 9093,
            variable: None,
            published: None,
            protocol: Protocol::Tcp,
            app_protocol: None,
            path: None,
            keys: Keys::default(),
        };
        let kafka = Service { name: "kafka-1".to_owned(), ports: [port].into(), ..Service::default() };
        let hosts = HashMap::from([("kafka-1".into(), &kafka)]);
        let has = |text: &str| services_in(text, &hosts).contains("kafka-1");
        for text in [
            "kafka-1:9093",
            "voters=1@kafka-1:9093,2@x:1",
            "http://kafka-1:9093/",
            "ä'kafka-1:9093'",
            ":::kafka-1:9093:",
        ] {
            assert!(has(text), "{text}");
        }
        for text in [
            "",
            ":",
            "kafka-1",
            "kafka-1:9094",
            "my-kafka-1:9093",
            "a.kafka-1:9093",
            "kafka-1:90931",
            "kafka-1:9093-alpine",
            "kafka-1: 9093",
        ] {
            assert!(!has(text), "{text}");
        }
    }
}
