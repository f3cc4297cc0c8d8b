//! Docker Compose reads `docker-compose.yml` and, for the values in it, `.env`.

use camino::Utf8Path;

use super::{Answer, Arg, Check, Consumer, EXAMPLE, Outputs, Program, Reading, Run, place};

pub(super) const CONSUMER: Consumer = Consumer {
    name: "compose",
    programs: &[
        Program { name: "docker", first: &["compose"], version: &["version", "--short"] },
        Program { name: "docker-compose", first: &[], version: &["version", "--short"] },
    ],
    how_to_get: "https://docs.docker.com/compose/install/",
};

pub(super) fn check(outputs: &Outputs<'_>, read: &dyn Fn(&Utf8Path) -> Option<String>) -> Check {
    let file = outputs.generated("docker-compose.yml");
    let example = outputs.generated(".env.example");
    // A variable without a default gets a value; line numbers stay the same.
    let mut environment = String::new();
    for line in read(&example).unwrap_or_default().lines() {
        environment.push_str(line);
        if line.ends_with('=') && !line.starts_with('#') {
            environment.push_str(EXAMPLE);
        }
        environment.push('\n');
    }
    let local = Run::new([])
        .with(Arg::Input("--env-file=", "env"))
        .with(Arg::Is(format!("--file={file}")))
        .with(Arg::Is("--profile=*".to_owned()))
        .with(Arg::Is("config".to_owned()))
        .with(Arg::Is("--quiet".to_owned()));
    Check {
        stops_at_the_first: true,
        inputs: vec![("env".to_owned(), environment)],
        ..Check::new(&CONSUMER, vec![file, example], local, reading)
    }
}

/// Compose stops at the first error. Only YAML errors have a line (compose-go 2.9 and 2.16).
fn reading(answer: &Answer<'_>) -> Reading {
    if answer.succeeded {
        return Reading::Judged(Vec::new());
    }
    let message = answer
        .stderr
        .lines()
        .filter(|line| !line.starts_with("time=") && !line.trim().is_empty())
        .collect::<Vec<_>>()
        .join("\n");
    if message.is_empty() {
        return answer.unreadable();
    }
    let of_environment = message.contains("failed to read") && message.contains("env");
    let index = usize::from(of_environment && answer.files.len() > 1);
    let (path, text) = answer.files.get(index).cloned().unwrap_or_default();
    let line = place::line(&text, &message);
    Reading::Judged(vec![super::Complaint { path, line, message }])
}
