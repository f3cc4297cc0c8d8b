//! A tree that a stranger wrote: nothing in it is run, obeyed as configuration, followed out of it or printed raw.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use super::project::{Project, Run};
use super::review::{Repository, SHOP};
use super::verify::Bench;

/// A checker that writes down where it runs, what is there and what it is told, and accepts everything.
fn spy(bench: &Bench, name: &str) -> (String, String) {
    let notes = bench.project.path(&format!("notes-of-{name}")).display().to_string();
    let script = format!("{{ pwd; find . -type f; env; }} >> '{notes}'\necho '{name}, version 1.0'");
    (script, notes)
}

#[test]
fn checkers_see_only_what_was_rendered() {
    let bench = Bench::new();
    let (script, notes) = spy(&bench, "loki");
    let bench = bench.program("loki", &script);
    // What a linter, Compose or Terraform would obey, beside the outputs and above them.
    for planted in [
        ".checkov.yaml",
        ".hadolint.yaml",
        ".shellcheckrc",
        "generated/dev/.hadolint.yaml",
        "generated/dev/docker-compose.override.yml",
        "terraform/dev/.terraform/providers/evil",
        "terraform/dev/.terraformrc",
        "generated/dev/.env",
    ] {
        bench.project.write(planted, "planted");
    }
    let run = bench.run(&[]);
    assert!(run.stdout.contains("loki 1.0"), "{run:?}");
    let notes = fs::read_to_string(notes).unwrap();
    let (first, second) = notes.split_once("PWD=").unwrap();
    assert!(!first.contains("./"), "asked for its version in an empty folder: {first}");
    let files: Vec<&str> = second.lines().filter(|line| line.starts_with("./")).collect();
    assert_eq!(files, ["./generated/dev/config/loki.yaml"]);
    let folder = second.lines().find(|line| line.starts_with('/')).unwrap();
    assert!(!folder.starts_with(bench.project.root().to_str().unwrap()), "{folder}");
}

#[test]
fn checkers_get_few_variables() {
    let bench = Bench::new();
    let (script, notes) = spy(&bench, "mimir");
    let bench = bench.program("mimir", &script);
    let mut command = bench.command(&[]);
    for name in ["BASH_ENV", "ENV", "LD_PRELOAD_X", "PYTHONPATH", "NODE_OPTIONS", "AWS_SECRET_ACCESS_KEY", "HOME"] {
        command.env(name, "/of/the/user");
    }
    command.output().unwrap();
    let notes = fs::read_to_string(notes).unwrap();
    assert!(!notes.contains("/of/the/user"), "{notes}");
    let mut names: Vec<&str> = notes.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    names.sort_unstable();
    names.dedup();
    let known = [
        "ALL_PROXY",
        "APPDATA",
        "CHECKPOINT_DISABLE",
        "HOME",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "LANG",
        "LC_ALL",
        "LOCALAPPDATA",
        "OLDPWD",
        "PATH",
        "PWD",
        "SHLVL",
        "TEMP",
        "TMP",
        "TMPDIR",
        "USERPROFILE",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "_",
        "all_proxy",
        "http_proxy",
        "https_proxy",
    ];
    let others: Vec<&&str> = names.iter().filter(|name| !known.contains(name)).collect();
    assert!(others.is_empty(), "{others:?}");
}

/// It would keep the output open, and `gen` waiting, long after the checker has ended.
#[test]
fn what_a_checker_leaves_running_is_ended() {
    let bench = Bench::new();
    let (pipe, survived) = (bench.project.path("pipe"), bench.project.path("survived"));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // Nothing waits for the other side of a pipe that it opens for both.
    let both = fs::OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
    let counts = "i=0; while [ $i -lt 100000000 ]; do i=$((i+1)); done";
    let left = format!("exec 9<>'{}'\n({counts}; echo > '{}') &", pipe.display(), survived.display());
    let bench = bench.program("loki", &format!("{left}\necho loki, version 1.0"));
    assert!(bench.run(&[]).stdout.contains("loki 1.0"));
    let reader = fs::File::open(&pipe).unwrap();
    drop(both);
    // Until the last process that has it open is gone.
    assert_eq!(std::io::read_to_string(reader).unwrap(), "");
    assert!(!survived.exists());
}

/// A folder on `PATH` may be the project's, as `node_modules/.bin` often is.
#[test]
fn programs_of_the_project_are_not_run() {
    let bench = Bench::new();
    bench.project.write("node_modules/.bin/loki", "#!/bin/sh\necho loki, version 6.6.6\n");
    let planted = bench.project.path("node_modules/.bin");
    std::process::Command::new("chmod").arg("+x").arg(planted.join("loki")).status().unwrap();
    for path in [planted.to_str().unwrap(), "node_modules/.bin"] {
        let run = bench.command(&[]).env("PATH", path).output().unwrap();
        let stdout = String::from_utf8(run.stdout).unwrap();
        assert!(stdout.contains("skipped: loki: `loki` is not on PATH"), "{stdout}");
    }
}

/// The entrypoint of the Temporal image is a shell script: the one on disk is not run, and the shell is not told to read
/// anything first.
#[test]
fn the_entrypoint_on_disk_is_not_run() {
    let bench = Bench::new().program(
        "temporal-server",
        "case \"$*\" in *--version*) echo temporal version 1.31.2 ;; *render-config*) cat base.yaml ;; *) echo \"$2\" ;; esac",
    );
    let (tampered, sourced) = (bench.project.path("tampered"), bench.project.path("sourced"));
    bench.project.write("evil.sh", format!("echo > '{}'\n", sourced.display()));
    let image = "ref = \"temporal-dsql-runtime:test\"\n";
    bench.project.replace("spec/stack.toml", image, &format!("{image}reads = [\"BASH_ENV\", \"LD_PRELOAD\"]\n"));
    bench.project.replace(
        "spec/stack.toml",
        "[services.temporal-history]\n",
        &format!(
            "[services.temporal-history]\nenvironment.BASH_ENV = \"{}\"\nenvironment.LD_PRELOAD = \"/evil.so\"\n",
            bench.project.path("evil.sh").display()
        ),
    );
    assert_eq!(bench.project.run(&["render"]).code, Some(0));
    bench
        .project
        .write("generated/dev/docker/render-and-start.sh", format!("#!/bin/sh\necho > '{}'\n", tampered.display()));
    let run = bench.run(&[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.starts_with("error: 1 file on disk differs from what the spec renders:"), "{}", run.stdout);
    assert!(
        run.stdout
            .lines()
            .any(|line| line.starts_with("docker/persistence-dsql.template.yaml") && line.contains("accepted")),
        "{}",
        run.stdout
    );
    assert!(!tampered.exists() && !sourced.exists());
}

/// Compose opens the files that some keys name: stand-ins are put in their place.
#[test]
fn compose_is_given_no_file_of_the_host() {
    let bench = Bench::new();
    let copy = bench.project.path("seen.yml").display().to_string();
    let bench = bench.program(
        "docker-compose",
        &format!(
            "case \"$*\" in *version*) echo 2.40.3 ;; *) cat generated/dev/docker-compose.yml generated/dev/bases.yml > '{copy}' ;; esac"
        ),
    );
    bench.project.replace(
        "spec/stack.toml",
        "[services.mimir]\n",
        "[services.mimir]\nenv_file = [\"/proc/self/pagemap\", { path = \"/proc/self/environ\", format = \"raw\" }]\nlabel_file = \"/etc/passwd\"\nextends = { file = \"https://example.com/evil.git\", service = \"evil\" }\n",
    );
    assert_eq!(bench.project.run(&["render"]).code, Some(0));
    let run = bench.run(&[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let seen = fs::read_to_string(copy).unwrap();
    for named in ["/proc/", "/etc/passwd", "example.com/evil"] {
        assert!(!seen.contains(named), "{seen}");
        assert!(bench.project.read("generated/dev/docker-compose.yml").contains(named));
    }
    assert!(seen.ends_with("services:\n  \"evil\": { image: base }\n"), "{seen}");
    let lines = |text: &str| text.lines().position(|line| line.starts_with("volumes:"));
    assert_eq!(lines(&seen), lines(&bench.project.read("generated/dev/docker-compose.yml")));
}

/// A script that leaves a mark if it is run.
fn trap(project: &Project) -> (String, std::path::PathBuf) {
    let mark = project.path("trapped");
    project.write("trap.sh", format!("#!/bin/sh\necho > '{}'\n", mark.display()));
    let script = project.path("trap.sh");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    (script.display().to_string(), mark)
}

#[test]
fn git_runs_nothing_that_a_repository_names() {
    let repository = Repository::new(SHOP);
    let (script, mark) = trap(&repository.project);
    for setting in [
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.alternateRefsCommand",
        "diff.external",
        "core.editor",
        "credential.helper",
    ] {
        repository.git(&["config", setting, &script]);
    }
    repository.git(&["config", "core.hooksPath", repository.project.root().to_str().unwrap()]);
    repository.project.replace("spec/stack.toml", "\"Shop\"", "\"Store\"");
    let review = || repository.project.run(&["review"]);
    assert_eq!(review().code, Some(0), "{:?}", review());
    assert!(!mark.exists());
    // An object of a partial clone is not fetched from where the repository says.
    repository.git(&["config", "extensions.partialClone", "origin"]);
    repository.git(&["config", "remote.origin.promisor", "true"]);
    repository.git(&["config", "remote.origin.url", &format!("ext::{script}")]);
    repository.git(&["config", "protocol.ext.allow", "always"]);
    let blob = repository.git(&["rev-parse", "HEAD:spec/stack.toml"]);
    remove_object(&repository, blob.trim());
    let run = review();
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stderr.contains("cannot read `spec/stack.toml` at `HEAD`"), "{run:?}");
    assert!(run.stderr.contains("check the repository with `git fsck`"), "{run:?}");
    assert!(!mark.exists());
}

fn remove_object(repository: &Repository, object: &str) {
    let path = repository.project.path(&format!(".git/objects/{}/{}", &object[..2], &object[2..]));
    fs::remove_file(path).unwrap();
}

#[test]
fn a_lost_commit_is_not_a_repository_without_commits() {
    for damaged in [false, true] {
        let repository = Repository::new(SHOP);
        let head = repository.git(&["rev-parse", "HEAD"]);
        let head = head.trim();
        remove_object(&repository, head);
        if damaged {
            repository.project.write(&format!(".git/objects/{}/{}", &head[..2], &head[2..]), "");
        }
        let run = repository.project.run(&["review"]);
        assert_eq!(run.code, Some(3), "{run:?}");
        assert!(run.stderr.contains("is missing or damaged; check the repository with `git fsck`"), "{run:?}");
    }
}

/// A stranger can commit a folder that git takes for a repository, with settings that run programs.
#[test]
fn a_bare_repository_in_the_tree_is_not_used() {
    let repository = Repository::new(SHOP);
    let inner = repository.project.path("inner");
    let (script, mark) = trap(&repository.project);
    let bare = ["init", "--quiet", "--bare", inner.to_str().unwrap()];
    repository.git(&bare);
    fs::write(inner.join("config"), format!("[core]\nbare = false\nworktree = .\nfsmonitor = {script}\n")).unwrap();
    repository.project.write("inner/spec/stack.toml", SHOP);
    let mut command = repository.project.command(&["review"]);
    let run: Run = command.current_dir(&inner).output().unwrap().into();
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("is a bare repository, which is not used"), "{run:?}");
    assert!(!mark.exists());
}

#[test]
fn a_spec_in_a_submodule_is_read_at_its_revision() {
    let shared = Repository::of(Project::empty());
    shared.project.write("stack.toml", SHOP);
    shared.commit("The spec");
    let repository = Repository::of(Project::empty());
    let url = shared.project.root().to_str().unwrap();
    repository.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", url, "spec"]);
    repository.commit("Add the spec");
    let run = repository.review(&[]);
    assert_eq!((run.code, run.stdout.contains("everything is new")), (Some(0), false), "{run:?}");
    repository.project.replace("spec/stack.toml", "\"Shop\"", "\"Store\"");
    let run = repository.review(&[]);
    assert!(run.stdout.contains("TITLE") && !run.stdout.contains("everything is new"), "{run:?}");
    fs::remove_dir_all(repository.project.path("spec")).unwrap();
    repository.project.write("spec/stack.toml", SHOP);
    let run = repository.project.run(&["review"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stderr.contains("`spec` is a submodule that is not checked out: run `git submodule update"), "{run:?}");
}

/// What a link in the tree leads to is not read, and so not printed.
#[test]
fn no_link_of_the_spec_leaves_the_project() {
    let project = Project::new("include = [\"more.toml\"]\n[stack]\nname = \"x\"\n[profiles.dev]\n");
    let outside = Project::new("secret = \"of the user\"");
    project.write(".git/config", "secret = of the repository");
    let secret = outside.path("spec/stack.toml");
    project.write("spec/more.toml", "");
    for target in
        [secret.as_path(), Path::new("/proc/self/environ"), Path::new("/etc/passwd"), Path::new("../.git/config")]
    {
        for place in ["spec/more.toml", "spec/dashboards/x.toml", "spec/stack.toml"] {
            let path = project.path(place);
            let kept = fs::read(&path).ok();
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let _ = fs::remove_file(&path);
            let target = if place.contains("dashboards") && target.starts_with("..") {
                Path::new("..").join(target)
            } else {
                target.to_owned()
            };
            symlink(&target, &path).unwrap();
            for arguments in
                [&["check"][..], &["render"], &["fmt"], &["fmt", "--check"], &["list", "services"], &["graph"]]
            {
                let run = project.run(arguments);
                assert_eq!((run.code, run.stdout.as_str()), (Some(3), ""), "{place} -> {target:?}: {run:?}");
                assert!(run.stderr.contains(&format!("cannot read `{place}`: it is a link ")), "{run:?}");
            }
            fs::remove_file(&path).unwrap();
            if let Some(kept) = kept {
                fs::write(&path, kept).unwrap();
            }
        }
    }
    assert_eq!(outside.read("spec/stack.toml"), "secret = \"of the user\"");
}

#[test]
fn no_file_is_written_through_a_link_to_a_hidden_one() {
    let project = Project::reference();
    project.write(".git/config", "kept");
    symlink("../../.git/config", project.path("generated/dev/.env")).unwrap();
    let run = project.run(&["dev", "env", "fill"]);
    assert_ne!(run.code, Some(0), "{run:?}");
    assert_eq!(project.read(".git/config"), "kept");
    assert!(run.stderr.contains("it is a link to a hidden file"), "{run:?}");
}

/// A line of a diff takes memory, whatever it holds.
#[test]
fn an_output_of_millions_of_lines_is_not_compared_line_by_line() {
    let project = Project::reference();
    project.write("generated/dev/config/loki.yaml", "\n".repeat(5_000_000));
    let run = project.run(&["check"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.contains("too long to compare line by line"), "{}", run.stdout);
    let path = project.path("generated/dev/config/mimir.yaml");
    fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let run = project.run(&["check"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stdout.contains("it has 1099511627776 bytes: the limit is "), "{}", run.stdout);
}

/// What nobody rendered, but a consumer would load.
#[test]
fn a_file_among_the_outputs_that_is_none_is_a_finding() {
    let project = Project::reference();
    let planted =
        ["generated/dev/docker-compose.override.yml", "generated/dev/grafana/server/evil.json", "terraform/dev/zz.tf"];
    for path in planted {
        project.write(path, "x");
    }
    symlink("/etc", project.path("terraform/dev/modules")).unwrap();
    for path in [
        "generated/dev/.env",
        "terraform/dev/terraform.tfvars",
        "terraform/dev/terraform.tfstate",
        "terraform/dev/terraform.tfstate.backup",
        "terraform/dev/.terraform/providers/x",
        "terraform/dev/.terraform.lock.hcl",
    ] {
        project.write(path, "of the user");
    }
    let run = project.run(&["check"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    for path in planted.iter().chain(&["terraform/dev/modules"]) {
        let finding = format!("{path}: not an output\n  help: remove it, or list it in `[stack] unmanaged`\n");
        assert!(run.stdout.contains(&finding), "{path}: {}", run.stdout);
    }
    assert_eq!(run.stdout.matches("not an output").count(), 4, "{}", run.stdout);
    let run = project.run(&["render"]);
    assert!(run.stdout.contains("left terraform/dev/zz.tf: not an output"), "{}", run.stdout);
    assert!(project.path("terraform/dev/zz.tf").exists());
    project.replace(
        "spec/stack.toml",
        "[stack]\n",
        "[stack]\nunmanaged = [\"terraform/dev/zz.tf\", \"terraform/dev/modules\", \"generated/dev/grafana/server/\", \"generated/dev/docker-compose.override.yml\"]\n",
    );
    let run = project.run(&["check"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    for wrong in
        ["zz.tf", "/etc/passwd", "terraform", "generated/dev", "generated/dev/", "generated/dev/../x", "spec/dev/x"]
    {
        project.replace("spec/stack.toml", "\"terraform/dev/zz.tf\"", &format!("\"{wrong}\""));
        let run = project.run(&["check"]);
        assert!(
            run.code == Some(2) && run.stderr.contains(&format!("error[invalid-path]: invalid path `{wrong}`")),
            "{run:?}"
        );
        project.replace("spec/stack.toml", &format!("\"{wrong}\""), "\"terraform/dev/zz.tf\"");
    }
}

/// A folder, or a link out of the project, with the name of a file of the user is not the user's.
#[test]
fn only_regular_files_are_the_users() {
    let project = Project::reference();
    let planted =
        ["generated/dev/.env/x", "terraform/dev/terraform.tfstate/x.tf", "terraform/dev/terraform.tfstate.d/a/x.tf"];
    for path in planted {
        project.write(path, "x");
    }
    symlink("/etc/passwd", project.path("terraform/dev/terraform.tfvars")).unwrap();
    let run = project.run(&["check"]);
    assert_eq!(run.stdout.matches(": not an output\n").count(), 4, "{}", run.stdout);
    for path in planted.iter().chain(&["terraform/dev/terraform.tfvars"]) {
        assert!(run.stdout.contains(&format!("{path}: not an output\n")), "{}", run.stdout);
    }
}

/// Terraform reads such files by itself, and they replace every value of the spec.
#[test]
fn a_committed_file_of_values_is_a_danger() {
    let repository = Repository::new(SHOP);
    let paths = ["terraform/dev/terraform.tfvars", "terraform/dev/x.auto.tfvars.json", "generated/dev/.env", ".env"];
    for path in paths {
        repository.project.write(path, "x");
    }
    assert_eq!(repository.review(&[]).code, Some(0), "they are not committed");
    repository.git(&["add", "--all", "--force"]);
    let run = repository.review(&[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.contains("danger[committed-file] .env"), "{}", run.stdout);
    for path in paths {
        assert!(run.stdout.contains(path), "{}", run.stdout);
    }
    repository.commit("Values");
    assert_eq!(repository.review(&[]).code, Some(0), "the base has them");
}

/// All of `generated/` and `terraform/` is checked, with or without a manifest.
#[test]
fn a_file_in_a_folder_of_no_profile_is_a_finding() {
    let project = Project::reference();
    let planted = [
        "generated/docker-compose.yml",
        "generated/prod/docker-compose.yml",
        "generated/prod/grafana/x/y.json",
        "terraform/main.tf",
        "terraform/prod/main.tf",
        "terraform/modules/a/main.tf",
        "generated/a b/x",
        "generated/.hidden/x",
    ];
    for path in planted {
        project.write(path, "x");
    }
    project.write("generated/line\nbreak/x", "x");
    symlink("/etc", project.path("terraform/linked")).unwrap();
    // As beside outputs.
    project.write("generated/prod/.env", "of the user");
    project.write("terraform/prod/terraform.tfstate", "of the user");
    let run = project.run(&["check"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    for path in planted.iter().chain(&["terraform/linked", "generated/line\\nbreak"]) {
        assert!(run.stdout.contains(&format!("{path}: not an output\n")), "{path}: {}", run.stdout);
    }
    assert_eq!(run.stdout.matches("not an output").count(), planted.len() + 2, "{}", run.stdout);
    let json = project.run(&["check", "--format", "json"]).stdout;
    assert_eq!(json.matches(r#""cause": "unlisted""#).count(), planted.len() + 2, "{json}");
    assert_eq!(project.run(&["check", "--profile", "dev"]).code, Some(0));
    let run = project.run(&["render", "--force"]);
    assert!(run.code == Some(0) && run.stdout.contains("left terraform/main.tf: not an output"), "{run:?}");
    for path in planted {
        assert_eq!(project.read(path), "x", "{path}");
    }
    fs::remove_dir_all(project.path("generated/line\nbreak")).unwrap();
    let unmanaged = r#"
unmanaged = ["generated/docker-compose.yml", "generated/prod", "generated/a b/x", "generated/.hidden/", "terraform/main.tf",
    "terraform/prod/main.tf", "terraform/modules", "terraform/linked"]
"#;
    project.replace("spec/stack.toml", "[stack]\n", &format!("[stack]{unmanaged}"));
    let run = project.run(&["check"]);
    assert_eq!(run.code, Some(0), "{run:?}");
}

/// It was removed after its manifest.
#[test]
fn a_removed_profile_without_a_manifest_is_found() {
    let spec =
        "[stack]\nname = \"x\"\nunmanaged = [\"generated/shared\"]\n[services.web]\nimage = \"a:1\"\n[profiles.dev]\n";
    let project = Project::new(format!("{spec}[profiles.old]\n"));
    assert_eq!(project.run(&["render"]).code, Some(0));
    fs::remove_file(project.path("generated/old/manifest.sha256")).unwrap();
    project.write("spec/stack.toml", spec);
    project.write("generated/shared/data/x", "of the user");
    project.write("terraform/main.tf", "of the user");
    project.write("terraform/dev/main.tf", "of the user");
    assert_eq!(project.run(&["check"]).stdout.matches("not an output").count(), 5);
    // A folder that leads elsewhere is not read.
    fs::rename(project.path("terraform"), project.path("infra")).unwrap();
    fs::create_dir(project.path("terraform")).unwrap();
    fs::create_dir(project.path("generated/out")).unwrap();
    symlink("/etc", project.path("terraform/out")).unwrap();
    let run = project.run(&["check"]);
    assert!(run.code == Some(3) && !run.stdout.contains("passwd"), "{run:?}");
    fs::remove_dir_all(project.path("terraform")).unwrap();
    symlink("/etc", project.path("terraform")).unwrap();
    let run = project.run(&["check"]);
    assert!(run.code == Some(3) && !run.stdout.contains("passwd"), "{run:?}");
    fs::remove_file(project.path("terraform")).unwrap();
    let elsewhere = Project::empty();
    elsewhere.write("old/.gen-1-0.new", "of the user");
    fs::create_dir(elsewhere.path("out")).unwrap();
    symlink(elsewhere.root(), project.path("terraform")).unwrap();
    // Without infrastructure, this may be somebody else's.
    let spec = spec.replace("unmanaged = [", "unmanaged = [\"terraform\", ");
    project.write("spec/stack.toml", spec);
    let run = project.run(&["check"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.contains("generated/old/docker-compose.yml: not an output\n"), "{run:?}");
    assert_eq!(run.stdout.matches("not an output").count(), 3, "{run:?}");
    // An empty folder is not worth a word, and goes: a killed render may leave one.
    fs::remove_dir_all(project.path("generated/old")).unwrap();
    fs::create_dir(project.path("generated/old")).unwrap();
    assert_eq!(project.run(&["check"]).code, Some(0));
    assert_eq!(project.run(&["render"]).code, Some(0));
    assert!(!project.path("generated/old").exists());
    assert!(elsewhere.path("out").exists() && elsewhere.path("old/.gen-1-0.new").exists());
}

/// What another file gives a service is not in the spec.
#[test]
fn a_change_of_a_file_that_extends_names_is_a_danger() {
    let spec = "[stack]\nname = \"x\"\n[profiles.dev]\n[services.web]\nextends = { file = \"other.yml\", service = \"x\" }\nimage = \"a:1\"\n";
    let repository = Repository::new(spec);
    let project = &repository.project;
    let other = "services:\n  x:\n    extends:\n      file: deep/base.yml\n      service: y\n";
    project.write("other.yml", other);
    project.write("deep/base.yml", "services: { y: { extends: { 'file': \"../last.yml\", service: z } } }\n");
    project.write("last.yml", "services: {}\n");
    project.write("unrelated.yml", "services: {}\n");
    repository.commit("Extend");
    let verdict = || {
        let run = repository.review(&[]);
        let danger = "danger[extends-file-changed] web: whatever another file gives it changed:";
        assert_eq!(run.code == Some(1), run.stdout.contains(danger), "{run:?}");
        run.code
    };
    assert_eq!(verdict(), Some(0));
    project.write("unrelated.yml", "services: { x: {} }\n");
    project.write("other.yml", other.replace('\n', "\r\n"));
    assert_eq!(verdict(), Some(0));
    project.write("other.yml", other);
    for path in ["other.yml", "deep/base.yml", "last.yml"] {
        let kept = project.read(path);
        project.write(path, format!("{kept}# privileged: true\n"));
        assert_eq!(verdict(), Some(1), "{path}");
        fs::remove_file(project.path(path)).unwrap();
        assert_eq!(verdict(), Some(1), "{path}");
        symlink("/proc/self/environ", project.path(path)).unwrap();
        assert_eq!(verdict(), Some(1), "{path}");
        fs::remove_file(project.path(path)).unwrap();
        project.write(path, kept);
    }
    // A folder on the way is a link now.
    fs::rename(project.path("deep"), project.path("deeper")).unwrap();
    symlink("deeper", project.path("deep")).unwrap();
    assert_eq!(verdict(), Some(1));
    repository.commit("Link");
    assert_eq!(verdict(), Some(0));
    project.write("deeper/base.yml", "services: { y: { privileged: true } }\n");
    assert_eq!(verdict(), Some(1));
}

/// A path of the spec may be a link in the tree.
#[test]
fn a_link_out_of_the_project_below_a_path_of_the_spec_is_a_danger() {
    for (lines, path) in [
        ("volumes = [\"./data:/h:ro\"]", "data"),
        ("volumes = [\"./data/deep/x:/h\"]", "data"),
        (
            "volumes = [\"d:/h\"]@[volumes.d]\ndriver_opts = { type = \"none\", o = \"bind\", device = \"./data\" }",
            "data",
        ),
        ("build = \"./src\"", "src"),
        ("env_file = \"a.env\"", "a.env"),
        ("secrets = [\"s\"]@[secrets.s]\nfile = \"./token\"", "token"),
        ("volumes = [\"./generated/dev/data:/h\"]", "generated/dev/data"),
    ] {
        let (lines, end) = lines.split_once('@').unwrap_or((lines, ""));
        let spec = format!("[stack]\nname = \"x\"\n[profiles.dev]\n[services.web]\nimage = \"a:1\"\n{lines}\n{end}\n");
        let repository = Repository::new(&spec);
        let project = &repository.project;
        let is_danger = |expected: bool| {
            let run = repository.review(&[]);
            let found = run.stdout.contains("danger[linked-path] web: gains ");
            assert_eq!((found, run.code), (expected, Some(i32::from(expected))), "{lines}: {run:?}");
        };
        is_danger(false);
        let full = project.path(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::create_dir(project.path("inside")).unwrap();
        // Within the project, it leads nowhere else.
        symlink(project.path("inside"), &full).unwrap();
        is_danger(false);
        fs::remove_file(&full).unwrap();
        symlink("/etc", &full).unwrap();
        is_danger(true);
        let json = repository.review(&["--format", "json"]).stdout;
        assert!(json.contains(" -> /etc") && json.contains("gains "), "{json}");
        // What the base has is known.
        repository.commit("Link");
        is_danger(false);
        // By way of another one.
        fs::remove_file(&full).unwrap();
        symlink(project.path("inside"), &full).unwrap();
        repository.commit("Link inside");
        is_danger(false);
        fs::remove_dir(project.path("inside")).unwrap();
        symlink("/", project.path("inside")).unwrap();
        is_danger(true);
    }
}

/// A link to another place in the project is judged by where it leads.
#[test]
fn a_link_to_the_project_itself_is_judged_by_where_it_leads() {
    let spec = |line: &str| format!("[stack]\nname = \"x\"\n[profiles.dev]\n[services.web]\nimage = \"a:1\"\n{line}\n");
    for (line, link, target, expected) in [
        ("volumes = [\"./a:/h\"]", "a", ".", "danger[host-start-file] web: gains write access to"),
        ("volumes = [\"./s/a:/h\"]", "s/a", "..", "danger[host-start-file] web: gains write access to"),
        ("volumes = [\"./a:/h\"]", "a", "spec", "caution[host-path-writable] web: gains write access to"),
        ("volumes = [\"./a:/h\"]", "a", "site", ""),
        ("volumes = [\"./a/x:/h:ro\"]", "a", ".", ""),
    ] {
        // The mount is new and the link old, and the other way round.
        for is_old in [true, false] {
            let repository = Repository::new(&spec(if is_old { "" } else { line }));
            let project = &repository.project;
            project.write("site/x", "");
            let place = project.path(link);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            symlink(target, &place).unwrap();
            if is_old {
                repository.commit("Link");
            }
            project.write("spec/stack.toml", spec(line));
            let said = repository.review(&[]).stdout;
            let found = said.contains("web: gains ");
            assert!(said.contains(expected) && found != expected.is_empty(), "{line} {link} {target} {is_old}: {said}");
            repository.commit("Both");
            let said = repository.review(&[]).stdout;
            assert!(!said.contains("web: gains"), "{said}");
        }
    }
}

/// What a nested file extends is found however its YAML spells it, and what is not certain is a danger.
#[test]
fn a_nested_extends_is_found_in_any_spelling() {
    let spec = "[stack]\nname = \"x\"\n[profiles.dev]\n[services.web]\nextends = { file = \"e.yml\", service = \"x\" }\nimage = \"a:1\"\n";
    let repository = Repository::new(spec);
    let project = &repository.project;
    for (anchors, file, is_read) in [
        ("", "file: ./g.yml", true),
        ("", "file: >-\n        ./g.yml", true),
        ("", "file: !!str ./g.yml", true),
        ("x-f: &f ./g.yml\n", "file: *f", true),
        ("", "file: \"./\\u0067.yml\"", true),
        ("", "\"\\u0066ile\": ./g.yml", true),
        ("x-k: &k file\n", "? *k\n      : ./g.yml", true),
        ("x-b: &b { file: ./g.yml }\n", "<<: *b", true),
        ("", "file: \"${F:-./g.yml}\"", false),
        ("", "file: /g.yml", false),
        ("", "file: ../g.yml", false),
        ("", "file: https://example.com/g.yml", false),
        ("", "file: !own ./g.yml", false),
        ("", "!own file: ./g.yml", false),
        ("", "! file: ./g.yml", false),
        ("", "!!binary ZmlsZQ==: ./g.yml", false),
        ("", "file: [", false),
    ] {
        let text = format!("{anchors}services:\n  x:\n    extends:\n      service: y\n      {file}\n");
        project.write("e.yml", &text);
        project.write("g.yml", "services: { y: {} }\n");
        repository.commit("Extend");
        let danger = || repository.review(&[]).stdout.contains("danger[extends-file-changed] web: ");
        assert_eq!(danger(), !is_read, "{text}");
        project.write("g.yml", "services: { y: { privileged: true } }\n");
        assert!(danger(), "{text}");
    }
}

/// A key of a service may name any file, so that does not make it the user's.
#[test]
fn only_one_key_says_what_is_the_users() {
    let spec = "[stack]\nname = \"x\"\n[profiles.dev]\n[services.web]\nimage = \"a:1\"\nenv_file = [\"generated/dev/a.env\", { path = \"./generated/dev/b.env\" }]\nvolumes = [\"./generated/dev/data:/data\"]\nbuild = { context = \"generated/dev/src\" }\n";
    let project = Project::new(spec);
    assert_eq!(project.run(&["render"]).code, Some(0));
    for path in ["a.env", "b.env", "data/x/y", "src/Dockerfile"] {
        project.write(&format!("generated/dev/{path}"), "x");
    }
    assert_eq!(project.run(&["check"]).stdout.matches("not an output").count(), 4);
    let unmanaged = "[stack]\nunmanaged = [\"generated/dev/a.env\", \"generated/dev/b.env\", \"generated/dev/data\", \"generated/dev/src\"]\n";
    project.replace("spec/stack.toml", "[stack]\n", unmanaged);
    assert_eq!(project.run(&["check"]).code, Some(0));
}

#[test]
fn the_outputs_of_a_removed_profile_are_orphans() {
    let spec = "[stack]\nname = \"x\"\n[services.web]\nimage = \"a:1\"\n[profiles.dev]\n";
    let project = Project::new(format!("{spec}[profiles.old]\n"));
    assert_eq!(project.run(&["render"]).code, Some(0));
    project.write("generated/old/.env", "of the user");
    project.write("spec/stack.toml", spec);
    let run = project.run(&["check"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    for name in ["docker-compose.yml", "README.md", ".env.example", "manifest.sha256"] {
        assert!(run.stdout.contains(&format!("generated/old/{name}: orphan\n")), "{name}: {}", run.stdout);
    }
    assert_eq!(project.run(&["check", "--profile", "dev"]).code, Some(0));
    let kept = project.read("generated/old/docker-compose.yml");
    project.write("generated/old/docker-compose.yml", format!("{kept}# by hand\n"));
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("the outputs of profile `old`, which no longer exists, were not written"), "{run:?}");
    project.write("generated/old/docker-compose.yml", kept);
    assert_eq!(project.run(&["render", "--no-prune"]).code, Some(0));
    assert_eq!(project.run(&["check"]).code, Some(1));
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("removed generated/old/manifest.sha256: orphan"), "{}", run.stdout);
    assert_eq!(project.read("generated/old/.env"), "of the user");
    assert_eq!(fs::read_dir(project.path("generated/old")).unwrap().count(), 1);
    assert_eq!(project.run(&["check"]).code, Some(0));
    // Without files of the user the folder goes, too.
    project.write("spec/stack.toml", format!("{spec}[profiles.other]\n"));
    project.run(&["render"]);
    project.write("spec/stack.toml", spec);
    project.run(&["render"]);
    assert!(!project.path("generated/other").exists());
}

/// A manifest that a branch wrote lists files of the user.
#[test]
fn a_manifest_deletes_no_file_of_the_user() {
    let project = Project::new("[stack]\nname = \"x\"\n[profiles.dev]\n[services.web]\nimage = \"a:1\"\n");
    assert_eq!(project.run(&["render"]).code, Some(0));
    let files = ["generated/dev/.env", "terraform/dev/terraform.tfstate", "terraform/dev/terraform.tfvars"];
    let mut manifest = project.read("generated/dev/manifest.sha256");
    for file in files {
        project.write(file, "S=1\n");
        // The digest of that text, and a wrong one.
        for digest in ["187cf5fc57a70b3a4c7253a4b10637e91f132cef2575f83322118b66774ee935", &"0".repeat(64)] {
            manifest.extend([digest, "  ", file, "\n"]);
        }
    }
    project.write("generated/dev/manifest.sha256", manifest);
    project.run(&["render", "--force"]);
    for file in files {
        assert_eq!(project.read(file), "S=1\n", "{file}");
    }
}

#[test]
fn a_name_that_a_terminal_would_obey_is_refused() {
    let project = Project::new("[stack]\nname = \"x\"\n[profiles.dev]\n[services.web]\nimage = \"a:1\"\n");
    project.write("spec/dashboards/a\nb\n0 differences \u{1b}[32mOK.toml", "");
    for command in ["check", "render", "fmt", "review"] {
        let run = project.run(&[command]);
        assert_ne!(run.code, Some(0), "{command}: {run:?}");
        assert!(!(run.stdout + &run.stderr).contains("\n0 differences"), "{command}");
    }
}
