//! What a path of the host gives a container: a variable stands for its default, and the path is normalized by its text
//! alone, since the host isn't known here.

use std::borrow::Cow;

use super::written::text;
use super::{Ground, Id, Led, Severity, Side, quoted};
use crate::model::Stack;
use crate::model::text::{Operator, Reference, Segment, Text};
use crate::spec::stack::{GENERATED, TERRAFORM};

/// Folders below the project's root that the Compose file is in, which relative paths start from.
const DEPTH: usize = 2;

/// Folders of the project that decide what runs.
const OF_GEN: &[&str] = &[".git", ".github", GENERATED, "spec", TERRAFORM];

/// Folders of the system: each, what is in it, and what it is in. Those of WSL and macOS have whole disks.
const SYSTEM: &str = "boot c/users c/windows cygdrive dev etc host_mnt mnt/c mnt/d mnt/e mnt/f proc root run sys \
    tmp/.x11-unix var/backups var/lib/buildkit var/lib/cloud var/lib/containerd var/lib/containers var/lib/docker \
    var/lib/incus var/lib/jenkins var/lib/kubelet var/lib/libvirt var/lib/lxd var/lib/rancher var/root var/run var/snap \
    var/spool/cron volumes windows wsl$ wsl.localhost";

/// Folders whose programs the system runs, so that writing there is enough.
const PROGRAMS: &[&str] = &["bin", "lib", "lib32", "lib64", "opt", "sbin", "usr", "program files"];

/// What is in a folder of the system, and that every container may have.
const HARMLESS: &str = "dev/null dev/zero dev/random dev/urandom etc/localtime etc/timezone etc/ssl/certs";

/// Folders that have a folder for each user.
const HOMES: &[&str] = &["home", "users"];

/// Where users have keys, tokens, passwords and what they typed, anywhere in a path.
const KEYS: &str = ".age .ansible .aws .azure .bash_history .bitcoin .boto .bundle/config .cargo/credentials \
    .cargo/credentials.toml .claude .claude.json .cloudflared .codex .composer/auth.json .config/1password \
    .config/age .config/bravesoftware .config/chromium .config/code .config/containers .config/doctl .config/gcloud \
    .config/gh .config/git .config/github-copilot .config/glab-cli .config/google-chrome .config/hcloud \
    .config/heroku .config/hub .config/ngrok .config/op .config/rclone .config/rustic .config/sops .config/stripe \
    .cursor .databrickscfg .docker .dropbox .electrum .fly .gem/credentials .gemini .git-credentials .gnupg \
    .gradle/gradle.properties .huggingface .iceauthority .kaggle .kube .lesshst .local/share/atuin .local/share/fish \
    .local/share/keyrings .m2/settings.xml .minikube .mozilla .my.cnf .mysql_history .netrc .node_repl_history \
    .npmrc .nuget .oci .password-store .pgpass .pki .psql_history .pulumi .pypirc .python_history .s3cfg .ssh \
    .terraform.d .terraformrc .thunderbird .tsh .vault-token .vault_pass .vercel .viminfo .wrangler .xauthority \
    .yarnrc.yml .zhistory .zsh_history library/keychains";

/// Folders that contain one of [`KEYS`].
const ABOVE_KEYS: &[&str] = &[".cargo", ".config", ".local", ".local/share", ".m2", "appdata", "library"];

/// Files of engines that run without root, anywhere in a path.
const OF_ENGINES: &str = ".local/share/containers .local/share/docker .rd .colima .lima .orbstack";

/// What a program of the host runs by itself, anywhere in a path.
const STARTED: &str = ".bash_login .bash_logout .bash_profile .bashrc .cargo/bin .cargo/config.toml .claude \
    .config/autostart .config/environment.d .config/fish .config/nvim .config/systemd .devcontainer .envrc .git \
    .gitconfig .github .husky .idea .inputrc .local/bin .pam_environment .pre-commit-config.yaml .profile .vim \
    .vimrc .vscode .xinitrc .xprofile .xsession .xsessionrc .zlogin .zlogout .zprofile .zshenv .zshrc gnumakefile \
    justfile makefile library/launchagents";

/// Engines, whose sockets and pipes control the host: words in a name.
const ENGINES: &[&str] = &[
    "docker",
    "podman",
    "containerd",
    "crio",
    "buildkit",
    "balena",
    "libvirt",
    "virtqemud",
    "lxd",
    "incus",
    "kubelet",
];

/// Variables that every shell or session sets, and what is there. The agent's socket is as good as the keys.
const ALWAYS: &[(&str, &str)] = &[
    ("HOME", "~"),
    ("USERPROFILE", "~"),
    ("PWD", "../.."),
    ("SSH_AUTH_SOCK", "~/.ssh/agent"),
    ("XDG_RUNTIME_DIR", "/run/user/1000"),
];

/// How the name of a socket or a pipe ends.
const SOCKETS: &[&str] = &[".sock", ".socket", "-sock", ".ttrpc", "docker_engine"];

/// The host's AWS credentials, which a service with `aws = true` has, too.
pub(super) const CREDENTIALS: &str = "the host's AWS credentials";

/// A text without `.env`: each variable is its default. What only the host knows stays a reference.
pub(super) struct Given {
    pub text: String,
    /// Whether a variable has no default: its value may be anything.
    pub open: bool,
}

/// What stands for a variable that is always set, so that no default of it applies.
pub(super) fn always(name: &str) -> Option<&'static str> {
    ALWAYS.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

impl Given {
    pub(super) fn of(text: &Text) -> Self {
        let segments = match text {
            Text::Literal(literal) => return Self { text: literal.clone(), open: false },
            Text::Parts(segments) => segments,
        };
        let mut given = Self { text: String::new(), open: false };
        for segment in segments {
            match segment {
                Segment::Literal(literal) => given.text.push_str(literal),
                // Both forms were judged, unless there are too many.
                Segment::Env(Reference { operator: Some(Operator::Alternative(word)), .. }) => {
                    given.open = true;
                    given.text.push_str(&word.shown());
                }
                Segment::Env(reference) => {
                    let known = always(&reference.name).map(Cow::Borrowed).or_else(|| reference.stand_in());
                    given.open |= known.is_none() || reference.name == "PWD";
                    given.text.push_str(&known.unwrap_or_else(|| reference.plain().into()));
                }
            }
        }
        given
    }

    /// Whether it is true to Compose.
    pub(super) fn is_on(&self) -> bool {
        matches!(self.text.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "y" | "t" | "1")
    }
}

/// The project of a stack: its links may lead anywhere.
pub(super) struct Project<'p> {
    pub stack: &'p Stack,
    pub ground: &'p dyn Ground,
    pub side: Side,
}

impl Project<'_> {
    /// A path of the project, relative to its root, from one that is relative to the Compose file.
    pub(super) fn inside(&self, path: &str) -> Option<String> {
        let Path { start, parts } = Path::of(path);
        let parts = parts.join("/");
        match start {
            Start::Above(0) => Some(format!("{}/{parts}", self.stack.generated())),
            Start::Above(1) => Some(format!("{}/{parts}", self.stack.outputs.generated)),
            Start::Above(DEPTH) => Some(parts),
            _ => None,
        }
    }
}

/// How a container gets a path.
pub(super) struct Way<'w> {
    /// The key, or what else the path is in; empty for a mount.
    pub through: &'w str,
    /// Whether the container can write there.
    pub written: bool,
    /// Whether a path outside of the project is to be reported whatever it is.
    pub outside: bool,
}

/// What a path gives.
pub(super) struct Gift {
    pub id: Id,
    pub severity: Severity,
    pub what: String,
    /// The path, normalized, with `:rw` if it can be written.
    pub path: String,
}

/// What a path of the host gives a container, if it is worth saying.
pub(super) fn gift(project: &Project<'_>, source: &Text, way: &Way<'_>) -> Option<Gift> {
    let given = Given::of(source);
    let path = Path::of(&given.text);
    let led = project.inside(&given.text).and_then(|path| project.ground.leads(project.side, &path));
    let (target, place) = match &led {
        None => (None, path.place(project.stack, way.written)),
        Some(Led::Inside(inside)) => {
            (Some(inside), Path::of(&format!("../../{inside}")).place(project.stack, way.written))
        }
        Some(Led::Outside(outside)) => (Some(outside), Place::Outside),
    };
    let (id, severity, what) = if let Some(Led::Outside(target)) = &led {
        (Id::LinkedPath, Severity::Danger, format!("{}, where a link in the project leads", quoted(target)))
    } else {
        match place {
            Place::Socket => (Id::EngineSocket, Severity::Danger, ENGINE.to_owned()),
            Place::Root => (Id::HostRoot, Severity::Danger, "the host's entire file system".to_owned()),
            Place::Aws => (Id::HostCredentials, Severity::Danger, CREDENTIALS.to_owned()),
            Place::Keys => (Id::HostCredentials, Severity::Danger, "credentials of the host".to_owned()),
            Place::Home => (Id::HostHome, Severity::Danger, "a home directory of the host".to_owned()),
            Place::Started => {
                (Id::HostStartFile, Severity::Danger, "what the host runs by itself, such as hooks of Git".to_owned())
            }
            Place::System => (Id::HostSystemPath, Severity::Danger, "a system path of the host".to_owned()),
            Place::Unknown => (Id::HostPathVariable, Severity::Caution, "a host path set in `.env`".to_owned()),
            _ if given.open => (Id::HostPathVariable, Severity::Caution, "a host path set in `.env`".to_owned()),
            Place::Near | Place::Outside if way.written => {
                (Id::HostPathWritable, Severity::Caution, "a host path".to_owned())
            }
            Place::Outside if way.outside => {
                (Id::PathOutsideProject, Severity::Caution, "a path outside of the project".to_owned())
            }
            Place::Project | Place::Near | Place::Outside => return None,
        }
    };
    let of_engine = id == Id::EngineSocket;
    let inside = match &led {
        Some(Led::Inside(inside)) => format!(", a link to {}", quoted(if inside.is_empty() { "." } else { inside })),
        _ => String::new(),
    };
    let write = if way.written && !of_engine { "write access to " } else { "" };
    // A path that is all of the answer needs no repetition.
    let written = text(source);
    let plain = matches!(written.as_str(), "/" | "~/.aws" | "~/.aws/" | "/run/docker.sock" | "/var/run/docker.sock");
    let which = match plain {
        true => String::new(),
        false if of_engine => format!(" ({})", quoted(&written)),
        false => format!(": {}", quoted(&written)),
    };
    let through = if way.through.is_empty() { String::new() } else { format!(", through {}", way.through) };
    // To read and to write are accepted separately; of a socket, they are the same.
    let mode = if way.written && id != Id::HostPathWritable && !of_engine { ":rw" } else { "" };
    let shown = if given.open { written } else { path.shown() };
    let led = target.map(|target| format!(" -> {target}")).unwrap_or_default();
    Some(Gift {
        id,
        severity,
        what: format!("{write}{what}{which}{inside}{through}"),
        path: format!("{shown}{led}{mode}"),
    })
}

/// The engine's socket.
pub(super) const ENGINE: &str = "the engine's socket: whoever controls the container controls the host";

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the project.
    Project,
    /// The project itself, its history, or a folder that this program reads or writes.
    Near,
    Socket,
    Root,
    Aws,
    Keys,
    Home,
    /// What a program of the host runs by itself.
    Started,
    System,
    /// Anything else on the host.
    Outside,
    /// Wherever a variable says.
    Unknown,
}

/// A path without `.`, `..` and empty parts.
struct Path<'p> {
    start: Start,
    parts: Vec<&'p str>,
}

/// What a path starts from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    Root,
    /// So many folders above that of the Compose file.
    Above(usize),
    Variable,
}

impl<'p> Path<'p> {
    fn of(path: &'p str) -> Self {
        let path = path.trim();
        let drive = matches!(path.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic());
        let (path, slashes): (&str, &[char]) = if drive {
            (&path[2..], &['/', '\\'])
        } else if path.starts_with('\\') {
            (path, &['/', '\\'])
        } else {
            (path, &['/'])
        };
        let mut start = match path.chars().next() {
            Some('/' | '\\') => Start::Root,
            Some('$') => Start::Variable,
            _ => Start::Above(0),
        };
        let mut parts: Vec<&str> = Vec::new();
        for (index, part) in path.split(slashes).enumerate() {
            match part {
                "" | "." => {}
                ".." if parts.pop().is_some() => {
                    // Wherever the variable is, this is above it.
                    if start == Start::Variable && parts.is_empty() {
                        start = Start::Above(DEPTH + 1);
                    }
                }
                ".." => {
                    if let Start::Above(levels) = &mut start {
                        *levels += 1;
                    }
                }
                // The folder above is that of all home directories.
                _ if index == 0 && part.starts_with('~') => {
                    start = Start::Root;
                    parts.extend(["home", "~"]);
                }
                part => parts.push(part),
            }
        }
        // macOS has the system's folders in the first, some systems the homes in the others.
        if start == Start::Root && matches!(parts.as_slice(), ["private", ..] | ["var" | "usr", "home", ..]) {
            parts.remove(0);
        }
        Self { start, parts }
    }

    fn place(&self, stack: &Stack, written: bool) -> Place {
        let lower: Vec<String> = self.parts.iter().map(|part| part.to_ascii_lowercase()).collect();
        let whole = lower.join("/");
        let last = lower.last().map_or("", String::as_str);
        let has = |name: &str| contains(&whole, name);
        let has_any = |names: &str| names.split_whitespace().any(has);
        let started = written && has_any(STARTED);
        match (self.start, lower.first()) {
            (Start::Above(0), Some(_)) => return Place::Project,
            (Start::Above(DEPTH), Some(_)) if started => return Place::Started,
            // The hooks of Git are in it.
            (Start::Above(DEPTH), None) if written => return Place::Started,
            (Start::Above(DEPTH), Some(first))
                if !OF_GEN.contains(&first.as_str())
                    && ![&stack.outputs.generated, &stack.outputs.terraform].contains(&first)
                    && !stack.spec.top().eq_ignore_ascii_case(first) =>
            {
                return Place::Project;
            }
            (Start::Above(levels), _) if levels <= DEPTH => return Place::Near,
            _ => {}
        }
        let of_engine = |name: &str| ENGINES.iter().any(|engine| name.contains(engine));
        if SOCKETS.iter().any(|end| last.ends_with(end))
            && (of_engine(last) || (matches!(last, "unix.socket" | "api.sock") && of_engine(&whole)))
        {
            return Place::Socket;
        }
        if has(".aws") {
            return Place::Aws;
        }
        let in_home = match lower.as_slice() {
            [first, _, rest @ ..] if self.start == Start::Root && HOMES.contains(&first.as_str()) => rest.join("/"),
            _ => String::new(),
        };
        // Agents of SSH have their sockets there.
        if has_any(KEYS) || ABOVE_KEYS.contains(&in_home.as_str()) || whole.starts_with("tmp/ssh-") {
            return Place::Keys;
        }
        if started || (written && starts(&in_home, "bin")) {
            return Place::Started;
        }
        if has_any(OF_ENGINES) {
            return Place::System;
        }
        if self.start == Start::Variable {
            return Place::Unknown;
        }
        if lower.is_empty() {
            return Place::Root;
        }
        if HARMLESS.split_whitespace().any(|name| starts(&whole, name)) && !written {
            return Place::Outside;
        }
        if whole == "dev/null" {
            return Place::Project;
        }
        if HOMES.contains(&lower[0].as_str()) && lower.len() <= 2 {
            return Place::Home;
        }
        let system = |name: &str| starts(&whole, name) || starts(name, &whole);
        if SYSTEM.split_whitespace().any(system) || (written && PROGRAMS.iter().any(|name| starts(&whole, name))) {
            return Place::System;
        }
        Place::Outside
    }

    fn shown(&self) -> String {
        let parts = self.parts.join("/");
        match self.start {
            Start::Root => match parts.strip_prefix("home/~") {
                Some(rest) => format!("~{rest}"),
                None => format!("/{parts}"),
            },
            Start::Above(levels) => format!("{}{parts}", "../".repeat(levels)),
            Start::Variable => parts,
        }
    }
}

/// Whether a path is another one or in it.
fn starts(path: &str, other: &str) -> bool {
    path.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a path has another one in it.
fn contains(path: &str, other: &str) -> bool {
    path.match_indices(other).any(|(at, _)| (at == 0 || path.as_bytes()[at - 1] == b'/') && starts(&path[at..], other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &str) -> Place {
        Path::of(path).place(&Stack::default(), false)
    }

    #[test]
    fn a_path_is_judged_by_where_it_leads() {
        for (expected, paths) in [
            (Place::Root, "/ // /. /.. /srv/.. /srv/../..//. ~/../.. C:\\ c:/ ../../../"),
            (
                Place::System,
                "/etc //etc /etc/ /./etc /srv/../etc/shadow /ETC/passwd /proc /proc/1/root /sys /dev \
                    /dev/sda /root /root/x /boot /run /run/user/1000/bus /var /var/lib \
                    /var/lib/docker/volumes /var/run /private/etc ../../../../../../etc/passwd \
                    C:\\Windows\\x /etc/${FILE} /etc/localtime/../shadow /mnt/c/Users /mnt /Volumes/Data /tmp /private/tmp \
                    /tmp/.X11-unix /var/root /c/Users/me //wsl$/x /var/lib/jenkins /mnt/e/x /cygdrive/c \
                    /var/lib/rancher/k3s ~/.local/share/docker",
            ),
            (Place::Home, "~ ~/ ~/. /home /home/me /home/me/ /Users/me ~/.. /home/${USER} /var/home/me /usr/home"),
            (Place::Aws, "~/.aws ~/.aws/credentials /root/.aws ${DIR}/.aws /home/me/.AWS/config"),
            (
                Place::Keys,
                "~/.ssh ~/.ssh/id_ed25519 ~/x/../.ssh /home/me/.gnupg ~/.kube/config \
                    ~/.docker/config.json ~/.config/gcloud/x ~/.config ~/.config/ ~/.netrc ../../../../.ssh \
                    ${DIR}/.kube ~/Library ~/Library/Keychains ~/.zsh_history ~/.claude \
                    ~/.local/share/fish/fish_history /tmp/ssh-x/agent.1 ~/.Xauthority /var/home/me/.ssh",
            ),
            (
                Place::Socket,
                "/var/run/docker.sock /run//docker.sock /run/user/1000/podman/podman.sock \
                    ~/.colima/docker.sock /run/containerd/containerd.sock /run/crio/crio.sock \
                    ${XDG_RUNTIME_DIR}/docker.sock \\\\.\\pipe\\docker_engine //./pipe/docker_engine \
                    /run/buildkit/buildkitd.sock /var/snap/lxd/common/lxd/unix.socket /srv/libvirt-sock \
                    ~/x/dockerd.sock /srv/balena-engine.sock \
                    ~/.local/share/containers/podman/machine/podman-machine-default-api.sock",
            ),
            (Place::Project, "./site site/x ./a/../b ./.aws ../../x"),
            (Place::Near, ". ./ ./.. ../x ../../spec ../../.git/hooks ../../x/.. ../.. ./a/.."),
            (
                Place::Outside,
                "/srv ~/src /home/me/src ../../../x /etc/localtime /dev/null /usr/share/x /private/tmp/x \
                    /srv/docker/mysqld.sock /mnt/data ~/.bashrc ~/bin",
            ),
            (Place::Unknown, "${DIR} ${DIR}/x"),
        ] {
            for path in paths.split_whitespace() {
                assert_eq!(place(path), expected, "{path}");
            }
        }
    }

    #[test]
    fn to_write_somewhere_is_another_thing() {
        assert_eq!(Path::of("/usr/bin").place(&Stack::default(), true), Place::System);
        assert_eq!(Path::of("/etc/localtime").place(&Stack::default(), true), Place::System);
        for path in [
            "../../.git/hooks",
            "../../.git",
            "../..",
            "../../a/.envrc",
            "../../.github",
            "../../Makefile",
            "~/.bashrc",
            "~/bin",
        ] {
            assert_eq!(Path::of(path).place(&Stack::default(), true), Place::Started, "{path}");
        }
        assert_eq!(Path::of("../../site").place(&Stack::default(), true), Place::Project);
        let stack = Stack { profile: "dev".to_owned(), ..Stack::default() };
        let project = Project { stack: &stack, ground: &(), side: Side::After };
        for (path, inside) in [
            ("../../a/./b", Some("a/b")),
            ("./a", Some("generated/dev/a")),
            ("../a", Some("generated/a")),
            ("../../../a", None),
            ("/a", None),
            ("~/a", None),
            ("${A}/a", None),
        ] {
            assert_eq!(project.inside(path).as_deref(), inside, "{path}");
        }
        // What a variable climbs out of may be anywhere.
        assert_eq!(place("${DIR}/../../etc"), Place::System);
    }

    #[test]
    fn a_variable_is_its_default() {
        let variable =
            |name: &str, operator: Option<Operator>| Text::from(Reference { name: name.to_owned(), operator });
        let cases = [
            (variable("X", Some(Operator::Default("host".into()))), "host", false),
            (variable("X", Some(Operator::Alternative("host".into()))), "host", true),
            (variable("SSH_AUTH_SOCK", Some(Operator::Default("./x".into()))), "~/.ssh/agent", false),
            (variable("PWD", None), "../..", true),
            (variable("X", Some(Operator::Default(Text::default()))), "${X}", true),
            (variable("X", Some(Operator::Required("set it".to_owned()))), "${X}", true),
            (variable("HOME", Some(Operator::Default("/tmp".into()))), "~", false),
        ];
        for (text, expected, open) in cases {
            let given = Given::of(&text);
            assert_eq!((given.text.as_str(), given.open), (expected, open));
        }
    }
}
