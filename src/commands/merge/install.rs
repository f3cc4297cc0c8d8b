//! `gen git install` and `gen git uninstall`.
//!
//! The configuration and the hooks of a clone are its owner's and are never committed; `.gitattributes` is, and names the driver.
//! Several projects of a repository share the driver and the hooks, in which each has a line.

use std::fs;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use stackgen::links;
use stackgen::model::Outputs;
use stackgen::output::{self, Mode};
use stackgen::spec;

use super::git;
use super::hook::NAMES;
use crate::cli::Format;
use crate::commands::confined::Programs;
use crate::commands::git::Git;
use crate::commands::report::{BOLD, RESET};
use crate::commands::{Outcome, Ran, location, print_text, project, root, stop, stop_with};

/// The configuration of the driver.
const SETTINGS: [(&str, &str); 3] = [
    ("merge.gen.name", "outputs of gen"),
    // What went wrong, or is not installed, must not lose a side.
    (
        "merge.gen.driver",
        "gen git merge-driver %O %A %B %L %P; s=$?; test $s -le 1 && exit $s; git merge-file --marker-size=%L %A %O %B",
    ),
    // A base that Git makes up for a criss-cross merge is nobody's output.
    ("merge.gen.recursive", "text"),
];

const BEGIN: &str = "# Begin of `gen git install`";
const END: &str = "# End of `gen git install`";

/// The file that names the driver of each path.
const ATTRIBUTES: &str = ".gitattributes";

/// What is written to a hook around the projects' lines.
const FOUND: &str = "if command -v gen >/dev/null 2>&1; then";
const NOT_FOUND: &str = "else\n  echo 'gen is not on PATH: the outputs are not rendered' >&2\nfi";

pub fn install() -> Ran {
    let project = project(None, Format::Text)?;
    let git = git(&project.root)?;
    let hooks = hooks(&git)?;
    if Programs::new(&project.root).find("gen").is_none() {
        let help = "install it there, for example in `~/.local/bin`: Git and its hooks run it by its name";
        return Err(stop_with(Outcome::Invalid, "`gen` is not on PATH", help));
    }
    for (name, value) in SETTINGS {
        ask(&git, &["config", "--local", name, value])?;
        said("set", &format!("{name} = {value}"));
    }
    let mut outcome = Outcome::Clean;
    match hooks {
        Hooks::Own(folder) => {
            fs::create_dir_all(&folder).map_err(|error| cannot("create", &folder, &error))?;
            for name in NAMES {
                outcome = outcome.max(add_to_hook(&folder.join(name), &line(&git, name)?)?);
            }
        }
        Hooks::Shared(folder) => {
            let message = format!("the hooks are in `{folder}` (`core.hooksPath`), which is left alone");
            let lines: Vec<String> =
                NAMES.iter().map(|name| Ok(format!("{name}: {}", line(&git, name)?))).collect::<Ran<_>>()?;
            outcome = stop_with(Outcome::Findings, message, format!("add a line to each:\n  {}", lines.join("\n  ")));
        }
    }
    let old = attributes(&project.root)?;
    let new = with_block(&old, Some(&patterns(&project.folders())), None);
    if new != old {
        output::replace(&project.root, ATTRIBUTES.into(), &new, Mode::Keep)
            .map_err(|error| stop(Outcome::Failed, error))?;
        said("wrote", &format!("{ATTRIBUTES}, to be committed"));
    }
    Ok(outcome)
}

pub fn uninstall() -> Ran {
    let root = root()?;
    let git = git(&root)?;
    let mut is_used = false;
    let mut is_undone = false;
    let mut outcome = Outcome::Clean;
    if let Hooks::Shared(folder) = hooks(&git)? {
        let message = format!("the hooks are in `{folder}` (`core.hooksPath`), which is left alone");
        outcome = stop_with(Outcome::Findings, message, "remove the lines with `git hook` that call `gen` from them");
    }
    let folder = own_hooks(&git)?;
    for name in NAMES {
        let (is_changed, is_left) = remove_from_hook(&folder.join(name), &line(&git, name)?)?;
        is_used |= is_left;
        is_undone |= is_changed;
    }
    // Another project of the repository uses the driver, too.
    if !is_used
        && git.run("", &["config", "--local", "--get", "merge.gen.driver"]).is_ok_and(|got| got.status.success())
    {
        ask(&git, &["config", "--local", "--remove-section", "merge.gen"])?;
        said("removed", "merge.gen.name, merge.gen.driver, merge.gen.recursive");
        is_undone = true;
    }
    let old = attributes(&root)?;
    let new = with_block(&old, None, None);
    if new == old {
        if !is_undone && outcome == Outcome::Clean {
            print_text("There is nothing to undo.\n");
        }
    } else {
        let committed = git.run("", &["cat-file", "blob", &format!("HEAD:./{ATTRIBUTES}")]);
        if committed.is_ok_and(|text| String::from_utf8_lossy(&text.stdout).contains(BEGIN)) {
            said("left", &format!("{ATTRIBUTES}, which is committed and has no effect without the driver"));
        } else if new.is_empty() {
            fs::remove_file(root.join(ATTRIBUTES)).map_err(|error| cannot("remove", ATTRIBUTES.into(), &error))?;
            said("removed", ATTRIBUTES);
        } else {
            output::replace(&root, ATTRIBUTES.into(), &new, Mode::Keep)
                .map_err(|error| stop(Outcome::Failed, error))?;
            said("wrote", ATTRIBUTES);
        }
    }
    Ok(outcome)
}

fn said(verb: &str, what: &str) {
    print_text(&format!("{BOLD}{verb}{RESET} {what}\n"));
}

fn cannot(operation: &str, path: &Utf8Path, error: &io::Error) -> Outcome {
    stop(Outcome::Failed, format!("cannot {operation} `{path}`: {error}"))
}

fn ask(git: &Git<'_>, arguments: &[&str]) -> Ran<String> {
    let answer = git.succeed("", arguments).map_err(|failure| stop(failure.outcome, failure.message))?;
    Ok(answer.trim_end_matches('\n').to_owned())
}

/// Where the hooks of a repository are.
enum Hooks {
    /// In its `.git`.
    Own(Utf8PathBuf),
    /// Where `core.hooksPath` says: often in the tree, for all.
    Shared(String),
}

/// The hooks of the repository itself.
fn own_hooks(git: &Git<'_>) -> Ran<Utf8PathBuf> {
    let common = ask(git, &["rev-parse", "--path-format=absolute", "--git-common-dir"])?;
    Ok(Utf8Path::new(&common).join("hooks"))
}

fn hooks(git: &Git<'_>) -> Ran<Hooks> {
    prefix(git)?;
    // Git here runs without hooks, by a setting that comes last.
    let chosen = ask(git, &["config", "--get-all", "core.hooksPath"])?;
    let mut chosen: Vec<&str> = chosen.lines().collect();
    chosen.pop();
    match chosen.pop() {
        Some(path) if !path.is_empty() => Ok(Hooks::Shared(path.to_owned())),
        _ => own_hooks(git).map(Hooks::Own),
    }
}

fn prefix(git: &Git<'_>) -> Ran<String> {
    git.prefix("run `git init` first").map_err(|failure| stop(failure.outcome, failure.message))
}

/// The command of a project's hook, from the top of the work tree, where Git runs hooks.
fn line(git: &Git<'_>, hook: &str) -> Ran<String> {
    let prefix = prefix(git)?;
    let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let folder =
        if prefix.is_empty() { String::new() } else { format!("-C {} ", quoted(prefix.trim_end_matches('/'))) };
    let file = location();
    let file = if file.is_default() { String::new() } else { format!("--spec {} ", quoted(file.main().as_str())) };
    // Only that a merge is refused is an answer.
    let end = if hook == "pre-merge-commit" { " || [ $? -ne 1 ] || exit 1" } else { " || :" };
    let is_there = if prefix.is_empty() {
        String::new()
    } else {
        format!("[ ! -d {} ] || ", quoted(prefix.trim_end_matches('/')))
    };
    Ok(format!("{is_there}gen {folder}{file}git hook {hook} \"$@\" </dev/null{end}"))
}

/// Adds a project's line to a hook, which may be the user's own.
fn add_to_hook(path: &Utf8Path, line: &str) -> Ran<Outcome> {
    let left_alone = |what: &str| {
        let help = format!("run this in it:\n  {line}");
        Ok(stop_with(Outcome::Findings, format!("`{path}` is {what}, and is left alone"), help))
    };
    // Its target may be committed, or shared with other repositories.
    if path.is_symlink() {
        return left_alone("a link");
    }
    let old = read_hook(path)?;
    if !old.lines().next().is_none_or(is_shell) {
        return left_alone("not a shell script");
    }
    let mut lines: Vec<&str> = ours(&old);
    if !lines.contains(&line) {
        lines.push(line);
    }
    let start = if old.is_empty() { "#!/bin/sh\n".to_owned() } else { old.clone() };
    write_hook(path, &old, &put_in_hook(&start, &lines))?;
    Ok(Outcome::Clean)
}

/// Whether the first line of a script is that of a shell, such as `#!/bin/sh -e` or `#!/usr/bin/env -S bash`.
fn is_shell(line: &str) -> bool {
    let words = line.strip_prefix("#!").unwrap_or_default().split_whitespace();
    let mut names = words.map(|word| word.rsplit('/').next().unwrap_or_default());
    let program = names.find(|name| *name != "env" && !name.starts_with('-'));
    program.is_some_and(|name| ["sh", "bash", "dash", "zsh", "ksh"].contains(&name))
}

/// Removes a project's line; whether it was there, and whether another one is.
fn remove_from_hook(path: &Utf8Path, line: &str) -> Ran<(bool, bool)> {
    if path.is_symlink() {
        return Ok((false, false));
    }
    let old = read_hook(path)?;
    let lines: Vec<&str> = ours(&old).into_iter().filter(|other| *other != line).collect();
    let new = put_in_hook(&old, &lines);
    if new != old && new.trim() == "#!/bin/sh" {
        fs::remove_file(path).map_err(|error| cannot("remove", path, &error))?;
        said("removed", path.as_str());
    } else {
        write_hook(path, &old, &new)?;
    }
    Ok((new != old, !lines.is_empty()))
}

/// The projects' lines of a hook.
fn ours(hook: &str) -> Vec<&str> {
    let inside = hook.lines().skip_while(|line| *line != FOUND).skip(1).take_while(|line| *line != "else");
    inside.map(str::trim).collect()
}

/// A hook with the projects' lines after its first line, so that no `exit` of the user's comes before.
fn put_in_hook(hook: &str, lines: &[&str]) -> String {
    let body = format!("{FOUND}\n  {}\n{NOT_FOUND}\n", lines.join("\n  "));
    let after_first = hook.find('\n').map_or(hook.len(), |newline| newline + 1);
    with_block(hook, (!lines.is_empty()).then_some(body.as_str()), Some(after_first))
}

fn read_hook(path: &Utf8Path) -> Ran<String> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(cannot("read", path, &error)),
    }
}

fn write_hook(path: &Utf8Path, old: &str, new: &str) -> Ran<()> {
    if new == old {
        return Ok(());
    }
    fs::write(path, new).map_err(|error| cannot("write", path, &error))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(path).map_err(|error| cannot("read", path, &error))?.permissions().mode();
        let executable = fs::Permissions::from_mode(mode | ((mode & 0o444) >> 2));
        fs::set_permissions(path, executable).map_err(|error| cannot("write", path, &error))?;
    }
    said("wrote", path.as_str());
    Ok(())
}

fn attributes(root: &Utf8Path) -> Ran<String> {
    match links::read_text(root, ATTRIBUTES.into(), spec::LARGEST) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(cannot("read", ATTRIBUTES.into(), &error)),
    }
}

/// The lines of `.gitattributes`: whatever `gen` may write.
fn patterns(outputs: &Outputs) -> String {
    let Outputs { generated, terraform, .. } = outputs;
    let spec = location().folder();
    let paths = [
        format!("/{generated}/**"),
        format!("/{terraform}/**"),
        format!("/{spec}/*.schema.json"),
        format!("/{spec}/schema.sha256"),
        format!("/{spec}/REFERENCE.md"),
    ];
    let quoted = |path: &String| if path.contains(' ') { format!("\"{path}\"") } else { path.clone() };
    let lines: Vec<String> = paths.iter().map(quoted).collect();
    format!("{} merge=gen\n", lines.join(" merge=gen\n"))
}

/// A file of the user with other lines of ours, which are between two comments; without the comments if there are none. New
/// ones are put at a place, or at the end.
fn with_block(text: &str, lines: Option<&str>, place: Option<usize>) -> String {
    let block = lines.map(|lines| format!("{BEGIN}\n{lines}{END}\n")).unwrap_or_default();
    if let Some(start) = line_start(text, BEGIN)
        && let Some(end) = line_start(&text[start..], END)
    {
        let end = start + end + END.len();
        let end = end + usize::from(text[end..].starts_with('\n'));
        return format!("{}{block}{}", &text[..start], &text[end..]);
    }
    let at = place.unwrap_or(text.len());
    let newline = if at == 0 || text[..at].ends_with('\n') || block.is_empty() { "" } else { "\n" };
    format!("{}{newline}{block}{}", &text[..at], &text[at..])
}

/// Where a line starts that says this.
fn line_start(text: &str, line: &str) -> Option<usize> {
    let mut at = 0;
    for each in text.split_inclusive('\n') {
        if each.trim_end_matches(['\n', '\r']) == line {
            return Some(at);
        }
        at += each.len();
    }
    None
}
