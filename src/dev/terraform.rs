//! Terraform's commands and outputs.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use super::{Finding, Invocation};
use crate::model::{Infrastructure, Stack};

/// Terraform in the folder of a profile.
#[derive(Debug, Clone)]
pub struct Terraform {
    root: Utf8PathBuf,
    folder: Utf8PathBuf,
}

/// A variable of `.env` and the output that fills it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    /// The variable.
    pub name: String,
    /// The output.
    pub output: String,
    /// The value of the output.
    pub value: String,
}

impl Terraform {
    /// Terraform in the folder of a profile.
    pub fn new(root: &Utf8Path, stack: &Stack) -> Self {
        Self { root: root.to_owned(), folder: stack.terraform().into() }
    }

    /// The folder, relative to the root.
    pub fn folder(&self) -> &Utf8Path {
        &self.folder
    }

    /// A command on the folder.
    pub fn command(&self, args: &[&str]) -> Invocation {
        Invocation::new("terraform", &self.root, [format!("-chdir={}", self.folder).as_str()])
            .with(args.iter().copied())
    }

    /// How providers are installed, if they have to be: those of the lock file, if there is one.
    pub fn init(&self) -> Option<Invocation> {
        let folder = self.root.join(&self.folder);
        let locked = folder.join(".terraform.lock.hcl").is_file();
        let init = self.command(&["init", "-input=false"]);
        match (locked, folder.join(".terraform/providers").is_dir()) {
            (true, true) => None,
            (true, false) => Some(init.with(["-lockfile=readonly"])),
            (false, _) => Some(init),
        }
    }
}

/// The variables that Terraform's outputs fill, without empty outputs.
///
/// # Errors
/// The text is not the output of `terraform output -json`.
pub fn filled(infrastructure: &Infrastructure, answer: &str) -> Result<Vec<Filled>, Finding> {
    #[derive(Deserialize)]
    struct Output {
        value: serde_json::Value,
    }
    let outputs: BTreeMap<String, Output> = serde_json::from_str(answer).map_err(|error| {
        Finding::error(
            format!("unexpected output of `terraform output -json`: {error}"),
            "copy the values from `gen dev infra output` to `.env`",
        )
    })?;
    let mut filled = Vec::new();
    for output in &infrastructure.outputs {
        let value = match outputs.get(&output.name).map(|output| &output.value) {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(value @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_))) => value.to_string(),
            _ => continue,
        };
        if value.is_empty() {
            continue;
        }
        let fills = output.fills.iter();
        filled.extend(fills.map(|name| Filled {
            name: name.clone(),
            output: output.name.clone(),
            value: value.clone(),
        }));
    }
    Ok(filled)
}
