//! Git, run so that a repository or its tree cannot make it run a program or use the network.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use camino::Utf8Path;
use stackgen::folder;
use stackgen::model::Outputs;

use super::Outcome;
use super::confined::Programs;

/// Why git did not answer.
#[derive(Debug)]
pub struct Failure {
    /// What is wrong, and a way out.
    pub message: String,
    /// Whether the command line is wrong or the system failed.
    pub outcome: Outcome,
}

impl Failure {
    pub fn invalid(message: impl Into<String>) -> Self {
        Self { message: message.into(), outcome: Outcome::Invalid }
    }

    pub fn failed(message: impl Into<String>) -> Self {
        Self { message: message.into(), outcome: Outcome::Failed }
    }
}

/// Git, without what a repository or its tree could make it run or fetch.
pub struct Git<'r> {
    /// The project.
    pub root: &'r Utf8Path,
    program: PathBuf,
}

/// Settings that a repository may have, and that would run a program or use the network.
const OFF: &[&str] = &[
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.sshCommand=false",
    "core.alternateRefsCommand=false",
    "core.pager=cat",
    // `log` would verify signatures with a program of the repository's choice.
    "log.showSignature=false",
    "gpg.program=false",
    "gpg.ssh.program=false",
    "gpg.x509.program=false",
    "protocol.allow=never",
    // A folder of the tree can have the form of a repository, with settings of its own (git 2.38).
    "safe.bareRepository=explicit",
];

/// Variables by which a Git hook, or the user, chooses another repository.
const CHOICES: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_NAMESPACE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_EXTERNAL_DIFF",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
];

impl<'r> Git<'r> {
    /// Git for a project.
    ///
    /// # Errors
    /// It is not installed, or the project is in a repository that a stranger could have made up.
    pub fn new(root: &'r Utf8Path) -> Result<Self, Failure> {
        let not_there = || Failure::failed("`git` is not installed or not on PATH");
        let program = Programs::new(root).find("git").ok_or_else(not_there)?;
        // Older ones than 2.38 would take it for the repository.
        for folder in root.ancestors() {
            if let Ok(found) = folder.join(".git").symlink_metadata() {
                check_readable(&folder.join(".git"), &found)?;
                break;
            }
            if ["HEAD", "objects", "refs"].iter().all(|part| folder.join(part).exists()) {
                let message = format!("`{folder}` is a bare repository, which is not used: remove it from the tree");
                return Err(Failure::invalid(message));
            }
        }
        Ok(Self { root, program })
    }

    /// Git in a folder below the root, without side effects on the repository that it is in.
    pub fn command(&self, folder: impl AsRef<Utf8Path>, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        for setting in OFF {
            command.args(["-c", setting]);
        }
        command.args(arguments).current_dir(self.root.join(folder.as_ref())).stdin(Stdio::null());
        for variable in CHOICES {
            command.env_remove(variable);
        }
        // Objects of a partial clone are not fetched, and no one is asked for a password.
        command.envs([
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_NO_LAZY_FETCH", "1"),
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_ASKPASS", "false"),
            ("GIT_ALLOW_PROTOCOL", ""),
        ]);
        command
    }

    /// The path of the project in its repository; `needed` says what to do if there is none.
    pub fn prefix(&self, needed: &str) -> Result<String, Failure> {
        let prefix = self.succeed("", &["rev-parse", "--show-prefix"]).map_err(|failure| {
            if !failure.message.contains("not a git repository") {
                return failure;
            }
            Failure { message: format!("the project is not in a Git repository: {needed}"), ..failure }
        })?;
        Ok(prefix.strip_suffix('\n').unwrap_or(&prefix).to_owned())
    }

    pub fn run(&self, folder: impl AsRef<Utf8Path>, arguments: &[&str]) -> Result<Output, Failure> {
        let not_run = |error: io::Error| Failure::failed(format!("cannot run `git`: {error}"));
        self.command(folder, arguments).output().map_err(not_run)
    }

    /// As [`Self::run`] for the project, with a text as the input.
    pub fn with_input(&self, arguments: &[&str], input: &[u8]) -> Result<Output, Failure> {
        let failed = |error: io::Error| Failure::failed(format!("cannot run `git`: {error}"));
        let mut command = self.command("", arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(failed)?;
        let mut stdin = child.stdin.take();
        std::thread::scope(|threads| {
            // It may answer before it has read everything.
            threads.spawn(move || stdin.as_mut().map(|stdin| stdin.write_all(input)));
            child.wait_with_output().map_err(failed)
        })
    }

    pub fn succeed(&self, folder: impl AsRef<Utf8Path>, arguments: &[&str]) -> Result<String, Failure> {
        let output = self.run(folder, arguments)?;
        if !output.status.success() {
            return Err(failure(arguments, &output));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// Checks that what Git reads first are files: it would wait for the other end of a pipe for ever.
fn check_readable(git: &Utf8Path, found: &Metadata) -> Result<(), Failure> {
    let not_a_file = |path: &Utf8Path| Err(Failure::failed(format!("`{path}` is not a regular file")));
    // Git itself reports a folder.
    let is_pipe = |found: Metadata| !found.is_file() && !found.is_dir();
    if !found.is_dir() {
        return if found.is_file() || found.is_symlink() { Ok(()) } else { not_a_file(git) };
    }
    let mut paths = ["HEAD", "config", "index", "packed-refs"].map(|name| git.join(name)).to_vec();
    for path in &paths {
        if fs::metadata(path).is_ok_and(is_pipe) {
            return not_a_file(path);
        }
    }
    let head = fs::read_to_string(paths.swap_remove(0)).unwrap_or_default();
    let branch = head.strip_prefix("ref: ").map(|name| git.join(name.trim()));
    match branch.filter(|path| fs::metadata(path).is_ok_and(is_pipe)) {
        Some(path) => not_a_file(&path),
        None => Ok(()),
    }
}

/// Where [`unwanted`] files are.
pub fn places(outputs: &Outputs) -> [&str; 3] {
    [".env", &outputs.generated, &outputs.terraform]
}

/// What a path that Git has should not be, though `gen` leaves it to the user: a file of secrets, of values that Terraform
/// reads by itself, Terraform's state or its plugins. Its profile, unless it is of all, and what is reported.
pub fn unwanted<'p>(path: &'p str, outputs: &Outputs) -> Option<(Option<&'p str>, String)> {
    let Outputs { generated, terraform, .. } = outputs;
    let is_values = |name: &str| {
        let name = name.strip_suffix(".json").unwrap_or(name);
        name == "terraform.tfvars" || name.ends_with(".auto.tfvars")
    };
    let (profile, path) = match path.split('/').collect::<Vec<_>>().as_slice() {
        [".env", ..] => (None, ".env".to_owned()),
        [top, profile, ".env", ..] if top == generated => (Some(*profile), format!("{generated}/{profile}/.env")),
        [top, profile, "kubernetes", "overlays", _, "secrets.env"] if top == generated => {
            (Some(*profile), path.to_owned())
        }
        // A folder of hundreds of files.
        [top, profile, ".terraform", ..] if top == terraform => {
            (Some(*profile), format!("{terraform}/{profile}/.terraform"))
        }
        [top, profile, rest @ ..]
            if top == terraform
                && (rest.iter().any(|name| name.contains(".tfstate")) || matches!(rest, [name] if is_values(name))) =>
        {
            (Some(*profile), path.to_owned())
        }
        _ => return None,
    };
    Some((profile, path))
}

/// What Git has of these profiles, and should not.
///
/// Nothing outside of a work tree.
///
/// # Errors
/// Git can't tell.
pub fn committed<'p>(
    root: &Utf8Path,
    outputs: &Outputs,
    profiles: impl IntoIterator<Item = &'p str>,
) -> Result<Vec<String>, Failure> {
    // Outside a work tree there is usually no need to run Git.
    let mut folders = root.ancestors();
    if !folders.any(|folder| folder.join(".git").symlink_metadata().is_ok()) {
        return Ok(Vec::new());
    }
    // Asking Git takes longer than a small check.
    let profiles: HashSet<&str> = profiles.into_iter().filter(|profile| has_unwanted(root, outputs, profile)).collect();
    if profiles.is_empty() && root.join(".env").symlink_metadata().is_err() {
        return Ok(Vec::new());
    }
    // A pattern for each profile could be too many arguments; Git's own could match folders below.
    let listed = Git::new(root)?.succeed("", &[&["ls-files", "-z", "--"][..], &places(outputs)].concat())?;
    let of_one = |profile: Option<&str>| profile.is_none_or(|profile| profiles.contains(profile));
    let found = |path: &str| unwanted(path, outputs).and_then(|(profile, path)| of_one(profile).then_some(path));
    let mut found: Vec<String> = listed.split_terminator('\0').filter_map(found).collect();
    found.dedup();
    Ok(found)
}

/// Whether a profile has a file that should not be committed, committed or not.
fn has_unwanted(root: &Utf8Path, outputs: &Outputs, profile: &str) -> bool {
    let folder = |top: &str| {
        let entries = folder::entries(root.join(top).join(profile).as_std_path()).unwrap_or_default();
        let path = move |entry: folder::Entry| format!("{top}/{profile}/{}", entry.name.to_string_lossy());
        entries.into_iter().map(path).any(|path| unwanted(&path, outputs).is_some())
    };
    let [dotenv, secrets, _] = stackgen::of_the_user(profile);
    let has = |file: String| root.join(&outputs.generated).join(profile).join(file).symlink_metadata().is_ok();
    has(dotenv) || has(secrets) || folder(&outputs.terraform)
}

pub fn failure(arguments: &[&str], output: &Output) -> Failure {
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim();
    let said = if said.is_empty() { "no error message" } else { said };
    Failure::failed(format!("`git {}` failed: {said}", arguments.first().copied().unwrap_or_default()))
}
