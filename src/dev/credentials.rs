//! Whether a container can read the host's `~/.aws`: on Linux its user needs the permission, and what the AWS CLI writes
//! there has mode 0600.

use camino::Utf8Path;

use super::engine::Users;
use super::{Environment, Finding};
use crate::model::service::{CREDENTIALS, Service};
use crate::model::text::{Segment, Text, Tree};

/// A file or folder of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnHost {
    /// Its path.
    pub path: String,
    /// Its owner's number.
    pub owner: u32,
    /// Its group's number.
    pub group: u32,
    /// Its mode.
    pub mode: u32,
}

/// The user of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
struct User {
    number: u32,
    groups: Vec<u32>,
    /// Root with the capabilities that Docker gives it reads everything.
    reads_all: bool,
}

/// The services that mount the host's credentials.
pub fn readers<'s>(services: impl IntoIterator<Item = &'s Service>) -> Vec<&'s Service> {
    let is_credentials = |source: &Text| source.literal() == Some(CREDENTIALS);
    services
        .into_iter()
        .filter(|service| service.mounts.iter().any(|mount| mount.source.as_ref().is_some_and(is_credentials)))
        .collect()
}

/// The user that the Compose file sets, if it does.
pub fn user_of(service: &Service, environment: &Environment) -> Option<String> {
    environment.expand(service.keys.text("user")?).filter(|user| !user.is_empty())
}

impl User {
    /// Reads `1000` or `1000:0`; nothing is root. A name has no number outside of its image.
    fn read(user: &str, service: &Service, environment: &Environment) -> Option<Self> {
        let (number, group) = user.split_once(':').unwrap_or((user, ""));
        let number = if number.is_empty() { 0 } else { number.parse().ok()? };
        let added = service.keys.texts("group_add").filter_map(|group| environment.expand(group)?.parse().ok());
        let named = |key: &str, names: &[&str]| {
            service
                .keys
                .texts(key)
                .filter_map(Text::literal)
                .any(|name| names.contains(&name.trim_start_matches("CAP_")))
        };
        let has = named("cap_add", &["DAC_OVERRIDE", "DAC_READ_SEARCH", "ALL"])
            || !named("cap_drop", &["DAC_OVERRIDE", "ALL"]);
        let is_privileged = service.keys.get("privileged") == Some(&Tree::Boolean(true));
        let groups = group.parse().ok().into_iter().chain(added).collect();
        Some(Self { number, groups, reads_all: number == 0 && (has || is_privileged) })
    }

    fn can_read(&self, file: &OnHost, users: Users) -> bool {
        let is_owner = match users {
            Users::Mapped => return true,
            // Root is who runs the engine and `gen`.
            Users::Rootless => self.number == 0,
            Users::Same => self.reads_all || self.number == file.owner,
        };
        let is_member = users == Users::Same && self.groups.contains(&file.group);
        let shift = if is_owner { 6 } else { 3 * u32::from(is_member) };
        // A program looks into a folder without reading it.
        let needed = if file.mode & 0o170_000 == 0o040_000 { 1 } else { 4 };
        (self.reads_all && is_owner) || file.mode >> shift & needed != 0
    }
}

/// What the users of services can't read. `ask` finds the user of a service's image, as Docker writes it.
pub fn unreadable(
    services: &[&Service],
    environment: &Environment,
    dotenv: &Utf8Path,
    users: Users,
    files: &[OnHost],
    mut ask: impl FnMut(&Service) -> Option<String>,
) -> Vec<Finding> {
    let mut found: Vec<(u32, &OnHost, String, Vec<&str>)> = Vec::new();
    for service in services {
        let Some(text) = user_of(service, environment).or_else(|| ask(service)) else { continue };
        let Some(user) = User::read(text.trim(), service, environment) else { continue };
        let Some(file) = files.iter().find(|file| !user.can_read(file, users)) else { continue };
        let right = if users == Users::Rootless { 0 } else { file.owner };
        // Not the one of the group, which follows.
        let variable = service.keys.text("user").map(|user| match user.segments().first() {
            Some(Segment::Env(reference)) => Some(&reference.name),
            _ => None,
        });
        let help = match variable {
            Some(Some(variable)) => format!("set {variable}={right} in `{dotenv}`"),
            Some(None) => format!("set `user = \"{right}\"` for the service in the spec"),
            None => format!(
                "declare `[env.HOST_UID]` in the spec, run `gen render`, and set HOST_UID={right} in `{dotenv}`"
            ),
        };
        match found
            .iter_mut()
            .find(|(number, at, same, _)| (*number, &at.path, same) == (user.number, &file.path, &help))
        {
            Some((.., names)) => names.push(&service.name),
            None => found.push((user.number, file, help, vec![&service.name])),
        }
    }
    let finding = |(number, file, help, names): (u32, &OnHost, String, Vec<&str>)| {
        let (first, rest) = names.split_first().unwrap_or((&"", &[]));
        let who = match rest {
            [] => format!("`{first}` runs"),
            [second] => format!("`{first}` and `{second}` run"),
            rest => format!("`{first}` and {} other services run", rest.len()),
        };
        let OnHost { path, owner, mode, .. } = file;
        Finding::warning(
            format!("{who} as user {number}, which cannot read `{path}` (mode {:04o}, owner {owner})", mode & 0o7777),
            help,
        )
    };
    found.into_iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Keys;
    use crate::model::text::{Operator, Reference};

    fn service(name: &str, keys: Vec<(&str, Tree)>) -> Service {
        let keys = keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        Service { name: name.to_owned(), keys: Keys(keys), ..Service::default() }
    }

    fn list(text: &str) -> Tree {
        vec![Text::from(text)].into()
    }

    fn said(
        service: &Service,
        users: Users,
        image: Option<&str>,
        mode: u32,
        environment: &[(&str, &str)],
    ) -> Vec<String> {
        let environment = environment.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
        let environment = Environment::new(environment, []);
        let files = [
            OnHost { path: "/home/me/.aws".into(), owner: 1000, group: 1000, mode: 0o40755 },
            OnHost { path: "/home/me/.aws/credentials".into(), owner: 1000, group: 1000, mode },
        ];
        let ask = |_: &Service| image.map(ToOwned::to_owned);
        let findings = unreadable(&[service, service], &environment, ".env".into(), users, &files, ask);
        findings.into_iter().map(|finding| format!("{}; {}", finding.what, finding.help)).collect()
    }

    #[test]
    fn a_user_needs_the_permission() {
        let plain = service("a", vec![("cap_drop", list("ALL"))]);
        let found = |image, mode| said(&plain, Users::Same, Some(image), mode, &[]);
        assert_eq!(
            found("472", 0o100_600),
            ["`a` and `a` run as user 472, which cannot read `/home/me/.aws/credentials` (mode 0600, owner 1000); \
              declare `[env.HOST_UID]` in the spec, run `gen render`, and set HOST_UID=1000 in `.env`"]
        );
        // Root without capabilities is a user like any other.
        for (image, mode, is_fine) in [
            ("", 0o600, false),
            ("0:0", 0o640, false),
            ("1000", 0o600, true),
            ("1000:1000", 0o400, true),
            ("1001:1000", 0o640, true),
            ("1001:1000", 0o604, false),
            ("1001", 0o644, true),
            ("copilot", 0o600, true),
        ] {
            assert_eq!(found(image, mode).is_empty(), is_fine, "{image} {mode:o}");
        }
        assert!(said(&plain, Users::Same, None, 0o600, &[]).is_empty(), "an image that is not there");
        for capable in [
            service("a", vec![]),
            service("a", vec![("cap_drop", list("ALL")), ("cap_add", list("CAP_DAC_OVERRIDE"))]),
            service("a", vec![("cap_drop", list("ALL")), ("privileged", true.into())]),
        ] {
            assert!(said(&capable, Users::Same, Some(""), 0o600, &[]).is_empty(), "{:?}", capable.keys);
            assert!(!said(&capable, Users::Same, Some("5"), 0o600, &[]).is_empty(), "not for other users");
        }
        let member = service("a", vec![("cap_drop", list("ALL")), ("group_add", list("1000"))]);
        assert!(said(&member, Users::Same, Some("5"), 0o640, &[]).is_empty());
    }

    #[test]
    fn a_folder_is_searched_and_a_file_is_read() {
        let user = User { number: 5, groups: Vec::new(), reads_all: false };
        for (mode, is_fine) in [
            (0o40_711, true),
            (0o40_755, true),
            (0o40_744, false),
            (0o40_700, false),
            (0o100_604, true),
            (0o100_711, false),
        ] {
            let file = OnHost { path: String::new(), owner: 1000, group: 1000, mode };
            assert_eq!(user.can_read(&file, Users::Same), is_fine, "{mode:o}");
        }
    }

    #[test]
    fn the_way_out_names_what_sets_the_user() {
        let variable = Reference { name: "HOST_UID".to_owned(), operator: Some(Operator::Default(Text::default())) };
        let derived = service("a", vec![("cap_drop", list("ALL")), ("user", Text::from(variable).into())]);
        assert!(said(&derived, Users::Same, Some("472"), 0o600, &[])[0].ends_with("; set HOST_UID=1000 in `.env`"));
        assert!(said(&derived, Users::Same, Some("472"), 0o600, &[("HOST_UID", "1000")]).is_empty());
        let group = Segment::Env(Reference { name: "GROUP".to_owned(), operator: None });
        let both = Text::joined([Segment::Literal("5:".to_owned()), group]);
        let both = service("a", vec![("user", both.into())]);
        assert!(
            said(&both, Users::Same, None, 0o600, &[])[0]
                .ends_with("; set `user = \"1000\"` for the service in the spec")
        );
        let fixed = service("a", vec![("user", Text::from("5:0").into())]);
        assert!(
            said(&fixed, Users::Same, None, 0o600, &[])[0]
                .ends_with("; set `user = \"1000\"` for the service in the spec")
        );
        // Nobody but root is anybody on the host.
        assert!(said(&derived, Users::Rootless, Some("1000"), 0o600, &[])[0].ends_with("; set HOST_UID=0 in `.env`"));
        assert!(said(&derived, Users::Rootless, Some("1000"), 0o600, &[("HOST_UID", "0")]).is_empty());
        assert!(said(&derived, Users::Mapped, Some("472"), 0o600, &[]).is_empty());
    }
}
