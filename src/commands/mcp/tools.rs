//! The tools that an agent can call, and the commands that they are.
//!
//! Each call is a process of its own: it prints what the command line prints, and reads the spec as it is then.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use camino::Utf8Path;
use serde_json::{Map, Value, json};
use stackgen::spec::decode::{expected, shown};

use crate::commands::{Outcome, Ran, report, stop};

/// A command as a tool.
pub struct Tool {
    pub name: &'static str,
    description: &'static str,
    /// How the command begins.
    command: &'static [&'static str],
    arguments: &'static [Argument],
    /// Whether it needs one of them, whichever.
    needs_one: bool,
    /// Of its report, the only key that is returned.
    only: Option<&'static str>,
    /// Whether it changes files.
    pub writes: bool,
}

/// An argument of a tool.
struct Argument {
    name: &'static str,
    description: &'static str,
    place: Place,
    required: bool,
    /// The values that there are.
    values: &'static [&'static str],
}

/// Where a command takes an argument.
#[derive(PartialEq, Eq)]
enum Place {
    /// By its position.
    Position,
    /// After this option.
    Option(&'static str),
}

const PROFILE: Argument = Argument {
    name: "profile",
    description: "The profile of the spec; without it, the only one, or `dev`",
    place: Place::Option("--profile"),
    required: false,
    values: &[],
};

const ALL_PROFILES: Argument = Argument { description: "The profile of the spec; without it, all", ..PROFILE };

/// Every tool.
pub const ALL: [Tool; 9] = [
    Tool {
        name: "list",
        description: "List services, ports, variables of `.env`, images, datasources, kinds of services, or the rendered files \
                      (artifacts) of the stack",
        command: &["list", "--format=json"],
        arguments: &[
            Argument {
                name: "what",
                description: "What to list",
                place: Place::Position,
                required: true,
                values: &["services", "ports", "env", "images", "datasources", "kinds", "artifacts"],
            },
            PROFILE,
        ],
        needs_one: false,
        only: None,
        writes: false,
    },
    Tool {
        name: "explain",
        description: "Show which keys of the spec produce a line of a rendered file, or what the code of a diagnostic means; give \
                      either",
        command: &["explain", "--format=json"],
        arguments: &[
            Argument {
                name: "place",
                description: "A line of a rendered file, such as `generated/dev/docker-compose.yml:12`",
                place: Place::Position,
                required: false,
                values: &[],
            },
            Argument {
                name: "code",
                description: "The code of a diagnostic, such as `port-clash`",
                place: Place::Option("--code"),
                required: false,
                values: &[],
            },
        ],
        needs_one: true,
        only: None,
        writes: false,
    },
    Tool {
        name: "impact",
        description: "Show which lines of the rendered files a key of the spec affects",
        command: &["impact", "--format=json"],
        arguments: &[
            Argument {
                name: "key",
                description: "A dotted key such as `services.loki.settings.retention`, or a line such as `spec/stack.toml:148`",
                place: Place::Position,
                required: true,
                values: &[],
            },
            ALL_PROFILES,
        ],
        needs_one: false,
        only: None,
        writes: false,
    },
    Tool {
        name: "check",
        description: "Compare the files on disk with what the spec renders: each difference with its cause, its lines and how to fix it",
        command: &["check", "--format=json"],
        arguments: &[ALL_PROFILES],
        needs_one: false,
        only: None,
        writes: false,
    },
    Tool {
        name: "review",
        description: "Explain what changed in the spec since a Git revision, most dangerous first: data that would be lost, ports \
                      that are opened, privileges, images, variables",
        command: &["review", "--format=json"],
        arguments: &[
            Argument {
                name: "against",
                description: "The revision to compare with; without it, HEAD",
                place: Place::Option("--against"),
                required: false,
                values: &[],
            },
            ALL_PROFILES,
        ],
        needs_one: false,
        only: None,
        writes: false,
    },
    Tool {
        name: "model",
        description: "The resolved stack: services with their images, ports, variables, mounts and dependencies, networks, volumes, \
                      datasources and clusters; values of secrets are left out",
        command: &["model"],
        arguments: &[PROFILE],
        needs_one: false,
        only: None,
        writes: false,
    },
    Tool {
        name: "diagnostics",
        description: "What is wrong or looks wrong in the spec: errors and warnings with their locations and fixes",
        command: &["check", "--format=json", "--stat"],
        arguments: &[],
        needs_one: false,
        only: Some("diagnostics"),
        writes: false,
    },
    Tool {
        name: "render",
        description: "Write the files that the spec describes. If one was edited by hand, nothing of its profile is written",
        command: &["render"],
        arguments: &[ALL_PROFILES],
        needs_one: false,
        only: None,
        writes: true,
    },
    Tool {
        name: "adopt",
        description: "Take edits of rendered files over into the spec, as far as keys of the spec can produce them",
        command: &["adopt"],
        arguments: &[Argument {
            name: "place",
            description: "A file, or a line of it as `FILE:LINE`; without it, all files that were edited",
            place: Place::Position,
            required: false,
            values: &[],
        }],
        needs_one: false,
        only: None,
        writes: true,
    },
];

/// This program, as a call runs it.
pub struct Program<'p> {
    path: PathBuf,
    spec: Option<&'p Utf8Path>,
}

impl<'p> Program<'p> {
    pub fn new(spec: Option<&'p Utf8Path>) -> Ran<Self> {
        let path = std::env::current_exe()
            .map_err(|error| stop(Outcome::Failed, format!("cannot find the path of this program: {error}")))?;
        Ok(Self { path, spec })
    }
}

impl Tool {
    /// The tool as the protocol describes it.
    pub fn described(&self) -> Value {
        let property = |argument: &Argument| {
            let mut schema = json!({ "type": "string", "description": argument.description });
            if !argument.values.is_empty() {
                schema["enum"] = argument.values.into();
            }
            (argument.name.to_owned(), schema)
        };
        let properties: Map<String, Value> = self.arguments.iter().map(property).collect();
        let required: Vec<&str> =
            self.arguments.iter().filter(|argument| argument.required).map(|argument| argument.name).collect();
        json!({
            "name": self.name,
            "description": self.description,
            "inputSchema": {
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": false,
            },
            "annotations": {
                "readOnlyHint": !self.writes,
                "destructiveHint": self.writes,
                "idempotentHint": true,
                "openWorldHint": false,
            },
        })
    }

    /// What the command prints. What is wrong with the arguments is a result, too: agents read those.
    pub fn call(&self, arguments: &Map<String, Value>, program: &Program<'_>) -> Value {
        let words = match self.words(arguments) {
            Ok(words) => words,
            Err(message) => return failed(&message),
        };
        let mut command = Command::new(&program.path);
        command.args(program.spec.map(|spec| format!("--spec={spec}"))).args(self.command).args(words);
        command.env_remove("CLICOLOR_FORCE").env("NO_COLOR", "1").stdin(Stdio::null());
        let ended = match command.output() {
            Ok(ended) => ended,
            Err(error) => return failed(&format!("cannot run `{}`: {error}", program.path.display())),
        };
        let mut report: Option<Value> = serde_json::from_slice(&ended.stdout).ok();
        let mut texts = vec![String::from_utf8_lossy(&ended.stdout).into_owned()];
        if let (Some(name), Some(found)) = (self.only, &mut report) {
            let only = report::versioned(json!({ name: found[name] }));
            report = serde_json::from_str(&only).ok();
            texts = vec![only];
        } else {
            texts.push(String::from_utf8_lossy(&ended.stderr).into_owned());
        }
        texts.retain(|text| !text.is_empty());
        let content: Vec<Value> = texts.iter().map(|text| json!({ "type": "text", "text": text })).collect();
        let is_error = match ended.status.code() {
            Some(0) => false,
            // Findings are what was asked for.
            Some(1) => self.writes,
            _ => self.only.is_none() || report.is_none(),
        };
        let mut result = json!({ "content": content, "isError": is_error });
        if let Some(report @ Value::Object(_)) = report {
            result["structuredContent"] = report;
        }
        result
    }

    /// The arguments as those of the command. No value is taken for an option.
    fn words(&self, arguments: &Map<String, Value>) -> Result<Vec<String>, String> {
        if let Some(unknown) = arguments.keys().find(|name| !self.arguments.iter().any(|known| known.name == **name)) {
            return Err(format!("unknown argument `{unknown}` of `{}`", self.name));
        }
        let (mut words, mut positions) = (Vec::new(), vec!["--".to_owned()]);
        for argument in self.arguments {
            let value = match arguments.get(argument.name) {
                None | Some(Value::Null) if argument.required => {
                    return Err(format!("`{}` needs the argument `{}`", self.name, argument.name));
                }
                None | Some(Value::Null) => continue,
                Some(Value::String(value))
                    if !argument.values.is_empty() && !argument.values.contains(&value.as_str()) =>
                {
                    let known = expected(argument.values.iter().copied());
                    return Err(format!("invalid value `{}` of `{}`: {known}", shown(value), argument.name));
                }
                Some(Value::String(value)) => value,
                Some(_) => return Err(format!("the argument `{}` must be a string", argument.name)),
            };
            match argument.place {
                Place::Position => positions.push(value.clone()),
                Place::Option(option) => words.push(format!("{option}={value}")),
            }
        }
        if self.needs_one && words.is_empty() && positions.len() == 1 {
            let names: Vec<String> = self.arguments.iter().map(|argument| format!("`{}`", argument.name)).collect();
            return Err(format!("`{}` needs the argument {}", self.name, names.join(" or ")));
        }
        words.append(&mut positions);
        Ok(words)
    }
}

/// The result of a call that did not run.
fn failed(message: &str) -> Value {
    json!({ "content": [{ "type": "text", "text": message }], "isError": true })
}
