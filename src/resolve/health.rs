//! Healthchecks: a GET or a connection by a port's name, or any command.

use super::Resolver;
use crate::diagnostic::{Diagnostic, Span};
use crate::model::service::{Command, Healthcheck, Probe};
use crate::model::text::Text as ModelText;
use crate::spec::decode::{Spanned, listed, shown};
use crate::spec::service as spec;
use crate::spec::text::{Part, Text, Value};
use crate::spec::value::Duration;

/// The names under which a container reaches itself.
const SELF: [&str; 3] = ["localhost:", "127.0.0.1:", "[::1]:"];

impl Resolver<'_> {
    /// The healthcheck of the spec, merged over that of the kind.
    pub(super) fn healthcheck(
        &mut self,
        index: usize,
        written: Option<&spec::Healthcheck>,
        implied: Option<Probe>,
    ) -> Option<Healthcheck> {
        let Some(written) = written else { return implied.map(|probe| Healthcheck::Probe(Box::new(probe))) };
        let forms: Vec<(&str, Span)> = [
            written.http.as_ref().map(|form| ("http", form.span)),
            written.tcp.as_ref().map(|form| ("tcp", form.span)),
            written.test.as_ref().map(|form| ("test", form.span)),
        ]
        .into_iter()
        .flatten()
        .collect();
        if let Some(disable) = written.disable.as_ref().filter(|disable| disable.value.0) {
            if let Some((form, span)) = forms.first() {
                self.report(
                    Diagnostic::new("contradiction", format!("`{form}` has no effect with `disable`"), *span)
                        .also(disable.span, "turns the healthcheck off")
                        .help("remove one of the two, or set `disable = false` if another service has it"),
                );
            }
            return Some(Healthcheck::Disabled { by_test: false });
        }
        if let [(first, first_span), (second, span), ..] = forms.as_slice() {
            self.report(
                Diagnostic::new("contradiction", format!("`{second}` conflicts with `{first}`"), *span)
                    .also(*first_span, "the other probe")
                    .help("remove one of the two"),
            );
        }
        let of_form = [
            ("port", written.port.as_ref().map(|port| port.span), written.http.is_some(), "`http`"),
            (
                "probe",
                written.probe.as_ref().map(|probe| probe.span),
                written.http.is_some() || written.tcp.is_some(),
                "`http` or `tcp`",
            ),
        ];
        for (key, span, fits, form) in of_form {
            if let Some(span) = span.filter(|_| !fits && written.sound) {
                self.report(
                    Diagnostic::new("contradiction", format!("`{key}` has no effect without {form}"), span)
                        .help("remove it"),
                );
            }
        }
        if let Some(test) = &written.test
            && let spec::Command::Arguments(texts) = &test.value
            && let [none] = texts.as_slice()
            && none.literal() == Some("NONE")
        {
            return Some(Healthcheck::Disabled { by_test: true });
        }
        let implied = implied.unwrap_or_default();
        let (test, http, tcp) = if let Some(path) = &written.http {
            let (test, http) = self.get(index, written, path);
            (test, http, None)
        } else if let Some(port) = &written.tcp {
            let (test, tcp) = self.connect(index, written, port);
            (test, None, tcp)
        } else if let Some(test) = &written.test {
            (Some(self.test(index, test)), None, None)
        } else {
            (implied.test, implied.http, implied.tcp)
        };
        let mut time = |value: &Option<Spanned<Value<Duration>>>, implied: Option<ModelText>| match value {
            Some(value) => Some(self.written(&value.value, |duration| duration.text.clone())),
            None => implied,
        };
        let interval = time(&written.interval, implied.interval);
        let timeout = time(&written.timeout, implied.timeout);
        let start_period = time(&written.start_period, implied.start_period);
        let start_interval = time(&written.start_interval, implied.start_interval);
        let retries = match &written.retries {
            Some(retries) => Some(self.value(retries)),
            None => implied.retries,
        };
        self.check_program(index, written, test.as_ref());
        let enable = written.disable.is_some();
        let keys = self.keys(&written.compose);
        let probe = Probe { test, interval, timeout, retries, start_period, start_interval, enable, http, tcp, keys };
        Some(Healthcheck::Probe(Box::new(probe)))
    }

    /// A healthcheck always fails if the image lacks its program.
    fn check_program(&mut self, index: usize, written: &spec::Healthcheck, test: Option<&Command>) {
        let spec = self.spec;
        let (_, service) = &spec.services.entries[index];
        // The programs of another image are unknown.
        let Some(kind) = service.kind.as_ref().filter(|_| service.image.is_none()) else { return };
        let span = match (&written.probe, &written.http, &written.tcp, &written.test) {
            (Some(probe), ..) => probe.span,
            (_, Some(path), ..) => path.span,
            (_, _, Some(port), _) => port.span,
            (.., Some(test)) => test.span,
            _ => return,
        };
        let program = match test {
            Some(Command::Line(_)) => "sh",
            Some(Command::Arguments(arguments)) => match arguments.as_slice() {
                [form, ..] if form.literal() == Some("CMD-SHELL") => "sh",
                [_, program, ..] => program.literal().unwrap_or_default(),
                _ => return,
            },
            None => return,
        };
        let name = program.rsplit('/').next().unwrap_or_default();
        let Some(known) = &kind.programs else { return };
        // Kinds only declare which of these programs they have.
        if !["sh", "bash", "curl", "wget", "nc", "python3"].contains(&name) || known.iter().any(|known| known == name) {
            return;
        }
        let usable: Vec<&str> = known.iter().map(String::as_str).filter(|program| !program.ends_with("sh")).collect();
        self.report(
            Diagnostic::new(
                "missing-program",
                format!("the image of kind `{}` does not contain `{name}`", kind.as_str()),
                span,
            )
            .at("would always fail")
            .help(match (usable.as_slice(), kind.has_healthcheck()) {
                ([], true) => "remove the healthcheck: the kind has a default one".to_owned(),
                ([], false) => "remove the healthcheck: the image contains no program to run it".to_owned(),
                (usable, _) => format!("use one of {}", listed(usable.iter().copied())),
            }),
        );
    }

    pub(super) fn get(
        &mut self,
        index: usize,
        written: &spec::Healthcheck,
        path: &Spanned<String>,
    ) -> (Option<Command>, Option<(u16, String)>) {
        if !path.value.starts_with('/') {
            self.report(
                Diagnostic::new("invalid-path", format!("invalid path `{}`", shown(&path.value)), path.span)
                    .help("start it with `/`, and set the port with `port`"),
            );
        }
        let port = match &written.port {
            Some(port) => self.port_of(index, &port.value, port.span, &[]),
            None => self.port_of(index, spec::HTTP_PORT, path.span, &[]),
        };
        let Some(port) = port else { return (None, None) };
        let url = format!("http://127.0.0.1:{port}{}", path.value);
        let probe = written.probe.as_ref().map_or_else(|| self.usual_probe(index), |probe| probe.value);
        let arguments = match probe {
            spec::Probe::Curl => curl(&url),
            spec::Probe::Wget => wget(&url),
            spec::Probe::Python3 => vec![
                "python3".to_owned(),
                "-c".to_owned(),
                format!("import urllib.request; urllib.request.urlopen({url:?}, timeout=4).close()"),
            ],
            spec::Probe::Nc => {
                let span = written.probe.as_ref().map_or(path.span, |probe| probe.span);
                self.report(
                    Diagnostic::new("contradiction", "`nc` cannot be used with `http`", span)
                        .help("use `curl`, `wget` or `python3`, or replace `http` with `tcp`"),
                );
                Vec::new()
            }
        };
        (Some(run(arguments)), Some((port, path.value.clone())))
    }

    /// The program for a GET: the first that the image has, as far as its kind says.
    fn usual_probe(&self, index: usize) -> spec::Probe {
        let service = &self.spec.services.entries[index].1;
        let kind = service.kind.as_ref().filter(|_| service.image.is_none());
        let known = kind.and_then(|kind| kind.programs.as_ref()).into_iter().flatten();
        let known: Vec<spec::Probe> = known.filter_map(|program| spec::Probe::from_word(program)).collect();
        let order = [spec::Probe::Curl, spec::Probe::Wget, spec::Probe::Python3];
        order.into_iter().find(|probe| known.contains(probe)).unwrap_or(spec::Probe::Curl)
    }

    pub(super) fn connect(
        &mut self,
        index: usize,
        written: &spec::Healthcheck,
        port: &Spanned<String>,
    ) -> (Option<Command>, Option<u16>) {
        if let Some(probe) = &written.probe
            && matches!(probe.value, spec::Probe::Curl | spec::Probe::Wget)
        {
            self.report(
                Diagnostic::new("contradiction", format!("`{}` cannot be used with `tcp`", probe.as_str()), probe.span)
                    .help("use `nc` or `python3`, or replace `tcp` with `http`"),
            );
        }
        let Some(number) = self.port_of(index, &port.value, port.span, &[]) else { return (None, None) };
        let python = written.probe.as_ref().is_some_and(|probe| probe.value == spec::Probe::Python3);
        let test = run(if python {
            vec![
                "python3".to_owned(),
                "-c".to_owned(),
                format!("import socket; socket.create_connection((\"127.0.0.1\", {number}), 4).close()"),
            ]
        } else {
            nc("127.0.0.1", number)
        });
        (Some(test), Some(number))
    }

    fn test(&mut self, index: usize, test: &Spanned<spec::Command>) -> Command {
        let texts = match &test.value {
            spec::Command::Line(line) => std::slice::from_ref(line),
            spec::Command::Arguments(texts) => texts.as_slice(),
        };
        if matches!(test.value, spec::Command::Arguments(_)) {
            let first = texts.first().and_then(Text::literal).unwrap_or_default();
            if !matches!(first, "CMD" | "CMD-SHELL" | "NONE") || (first != "NONE" && texts.len() < 2) {
                let span = texts.first().map_or(test.span, |text| text.span);
                self.report(
                    Diagnostic::new(
                        "invalid-healthcheck",
                        "invalid `test` of a healthcheck",
                        span,
                    )
                    .help("start it with `\"CMD\"` and a program, or `\"CMD-SHELL\"` and one shell line, or write `[\"NONE\"]`"),
                );
            }
            if first == "CMD" {
                self.check_no_shell(texts.get(1..).unwrap_or_default());
            }
        }
        for text in texts {
            self.check_own_ports(index, text);
        }
        self.command(&test.value)
    }

    /// A healthcheck always fails on a port without a listener.
    fn check_own_ports(&mut self, index: usize, text: &Text) {
        for part in text.parts() {
            let Part::Literal(literal) = part else { continue };
            for host in SELF {
                for (at, _) in literal.match_indices(host) {
                    let digits = literal[at + host.len()..].split(|c: char| !c.is_ascii_digit()).next();
                    let Some(port) = digits.and_then(|digits| digits.parse::<u16>().ok()) else { continue };
                    let ports = &self.ports[index];
                    if ports.iter().any(|known| known.target == port) {
                        continue;
                    }
                    let names: Vec<String> =
                        ports.iter().map(|port| format!("{} ({})", port.name, port.target)).collect();
                    let sound = self.spec.services.entries[index].1.sound;
                    self.report_missing(
                        sound,
                        Diagnostic::new(
                            "undeclared-port",
                            format!("port {port} is not declared in this service"),
                            text.span,
                        )
                        .help(if names.is_empty() {
                            "declare it in the service's `ports`".to_owned()
                        } else {
                            format!("declare it in the service's `ports`, or use one of {}", names.join(", "))
                        }),
                    );
                }
            }
        }
    }
}

/// A GET with curl, which fails unless the status is 2xx.
pub(super) fn curl(url: &str) -> Vec<String> {
    ["curl", "-fsS", "-o", "/dev/null", url].map(str::to_owned).to_vec()
}

/// A GET with wget, which fails unless the status is 2xx.
pub(super) fn wget(url: &str) -> Vec<String> {
    ["wget", "-q", "-O", "/dev/null", url].map(str::to_owned).to_vec()
}

/// A connection with netcat.
pub(super) fn nc(host: &str, port: u16) -> Vec<String> {
    ["nc", "-z", host, &port.to_string()].map(str::to_owned).to_vec()
}

/// A command without a shell, as a healthcheck lists it.
pub(super) fn run(arguments: Vec<String>) -> Command {
    Command::Arguments(
        std::iter::once("CMD".to_owned()).chain(arguments).map(crate::model::text::Text::Literal).collect(),
    )
}
