//! How real Git merges outputs, with `gen git install` and without.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::project::{Project, Run, clean};

const SPEC: &str = r#"[stack]
name = "shop"

[profiles.dev]

[images.nginx]
ref = "nginx:1.29"

[services.web]
image = "nginx"
ports.http = 8080

[services.api]
image = "shop/api:1.4.2"
ports.http = 8081

[services.mail]
image = "shop/mail:1.0"

[services.queue]
image = "shop/queue:3.0"
"#;

const WEB: (&str, &str) = ("nginx:1.29", "nginx:1.30");
const API: (&str, &str) = ("api:1.4.2", "api:1.5.0");
const MAIL: (&str, &str) = ("mail:1.0", "mail:2.0");
const COMPOSE: &str = "generated/dev/docker-compose.yml";

/// A repository with a rendered project, and Git as its owner has set it up.
struct Repository {
    project: Project,
    path: PathBuf,
}

impl Repository {
    fn new() -> Self {
        let project = Project::new(SPEC);
        let programs = PathBuf::from(env!("CARGO_BIN_EXE_gen"));
        let path = [programs.parent().unwrap().to_owned()];
        let path = env::join_paths(path.into_iter().chain(env::split_paths(&env::var_os("PATH").unwrap()))).unwrap();
        let repository = Self { project, path: path.into() };
        clean(&repository.project.run(&["render"]));
        repository.succeed(&["init", "--quiet", "--initial-branch=main"]);
        repository.commit("Begin");
        repository
    }

    fn with_driver() -> Self {
        let repository = Self::new();
        let run = repository.gen_git("install");
        assert_eq!(run.code, Some(0), "{run:?}");
        repository.commit("Let Git merge outputs");
        repository
    }

    fn gen_git(&self, what: &str) -> Run {
        self.own(self.project.command(&["git", what])).output().unwrap().into()
    }

    fn own(&self, mut command: Command) -> Command {
        command
            .env("PATH", &self.path)
            .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_EDITOR", "true")])
            // Each commit would start two more processes.
            .envs([
                ("GIT_CONFIG_COUNT", "1"),
                ("GIT_CONFIG_KEY_0", "maintenance.auto"),
                ("GIT_CONFIG_VALUE_0", "false"),
            ])
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "Test")))
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "test@example.org")));
        command
    }

    fn git(&self, arguments: &[&str]) -> Run {
        let mut command = self.own(Command::new("git"));
        command.args(arguments).current_dir(self.project.root()).output().unwrap().into()
    }

    fn succeed(&self, arguments: &[&str]) -> String {
        let run = self.git(arguments);
        assert_eq!(run.code, Some(0), "git {arguments:?}: {run:?}");
        run.stdout
    }

    fn commit(&self, message: &str) {
        self.succeed(&["add", "--all"]);
        self.succeed(&["commit", "--quiet", "--message", message]);
    }

    /// A branch from the start with changes of the spec, rendered and committed one by one.
    fn branch(&self, name: &str, changes: &[(&str, &str)]) {
        self.succeed(&["switch", "--quiet", "--create", name, "main"]);
        for change in changes {
            self.change(*change);
        }
    }

    fn change(&self, (from, to): (&str, &str)) {
        self.project.replace("spec/stack.toml", from, to);
        clean(&self.project.run(&["render"]));
        self.commit(to);
    }

    fn switch(&self, name: &str) {
        self.succeed(&["switch", "--quiet", name]);
    }

    /// The files that are in conflict.
    fn conflicts(&self) -> Vec<String> {
        let listed = self.succeed(&["diff", "--name-only", "--diff-filter=U"]);
        listed.lines().map(str::to_owned).collect()
    }

    /// Asserts that the last commit has these texts in its spec, outputs that are up to date, and that nothing is left to do.
    fn is_merged(&self, texts: &[&str]) {
        assert_eq!(self.succeed(&["status", "--porcelain"]), "");
        clean(&self.project.run(&["check"]));
        let (spec, compose) = (self.project.read("spec/stack.toml"), self.project.read(COMPOSE));
        for text in texts {
            assert!(spec.contains(text) && compose.contains(text), "{text}");
        }
    }
}

#[test]
fn a_merge_renders_into_its_commit() {
    let repository = Repository::with_driver();
    repository.branch("topic", &[API]);
    repository.branch("other", &[WEB, MAIL]);
    let run = repository.git(&["merge", "--quiet", "--no-edit", "topic"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    repository.is_merged(&[API.1, WEB.1, MAIL.1]);
    assert_eq!(repository.succeed(&["rev-list", "--parents", "--max-count=1", "HEAD"]).split_whitespace().count(), 3);
}

#[test]
fn without_a_driver_a_render_resolves_the_outputs() {
    let repository = Repository::new();
    repository.branch("topic", &[API]);
    repository.branch("other", &[WEB]);
    let run = repository.git(&["merge", "--quiet", "--no-edit", "topic"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(!repository.conflicts().is_empty() && !repository.conflicts().contains(&"spec/stack.toml".to_owned()));
    let run = repository.project.run(&["render"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    assert!(run.stdout.contains("mark the outputs as resolved with `git add`"), "{run:?}");
    repository.commit("Merge");
    repository.is_merged(&[API.1, WEB.1]);
}

#[test]
fn a_conflict_in_the_spec_is_left_to_people() {
    let repository = Repository::with_driver();
    repository.branch("topic", &[("nginx:1.29", "nginx:1.31"), API]);
    repository.branch("other", &[WEB, MAIL]);
    let run = repository.git(&["merge", "--quiet", "--no-edit", "topic"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert_eq!(repository.conflicts(), ["spec/stack.toml"]);
    let run = repository.project.run(&["render"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    repository.succeed(&["checkout", "--quiet", "--theirs", "spec/stack.toml"]);
    repository.project.replace("spec/stack.toml", MAIL.0, MAIL.1);
    let run = repository.project.run(&["render"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    repository.succeed(&["add", "--all"]);
    repository.succeed(&["commit", "--quiet", "--no-edit"]);
    repository.is_merged(&["nginx:1.31", API.1, MAIL.1]);
}

#[test]
fn a_spec_that_is_invalid_after_a_clean_merge_is_not_committed() {
    let repository = Repository::with_driver();
    // Each is valid without the other.
    repository.branch("topic", &[("ports.http = 8081", "ports.http = 9000")]);
    repository.branch("other", &[("ports.http = 8080", "ports.http = 9000")]);
    let head = repository.succeed(&["rev-parse", "HEAD"]);
    let run = repository.git(&["merge", "--no-edit", "topic"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("port-clash") && run.stderr.contains("the merge is not committed"), "{run:?}");
    assert_eq!(repository.succeed(&["rev-parse", "HEAD"]), head);
    repository.project.replace(
        "spec/stack.toml",
        "shop/api:1.4.2\"\nports.http = 9000",
        "shop/api:1.4.2\"\nports.http = 9001",
    );
    clean(&repository.project.run(&["render"]));
    repository.succeed(&["add", "--all"]);
    repository.succeed(&["commit", "--quiet", "--no-edit"]);
    repository.is_merged(&[]);
}

#[test]
fn a_rebase_renders_at_its_end() {
    let repository = Repository::with_driver();
    repository.branch("topic", &[API, MAIL]);
    repository.switch("main");
    repository.change(WEB);
    repository.switch("topic");
    let run = repository.git(&["rebase", "--quiet", "main"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    repository.is_merged(&[API.1, MAIL.1, WEB.1]);
    assert_eq!(repository.succeed(&["rev-list", "--count", "main..HEAD"]).trim(), "2");
}

#[test]
fn a_rebase_in_conflict_goes_on_once_the_spec_is_merged() {
    let repository = Repository::with_driver();
    repository.branch("topic", &[API, ("nginx:1.29", "nginx:1.31"), MAIL]);
    repository.switch("main");
    repository.change(WEB);
    repository.switch("topic");
    let run = repository.git(&["rebase", "main"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert_eq!(repository.conflicts(), ["spec/stack.toml"]);
    repository.succeed(&["checkout", "--quiet", "--theirs", "spec/stack.toml"]);
    repository.succeed(&["add", "--all"]);
    repository.succeed(&["rebase", "--continue"]);
    repository.is_merged(&[API.1, MAIL.1, "nginx:1.31"]);
}

#[test]
fn a_rebase_without_a_driver_goes_on_after_renders() {
    let repository = Repository::new();
    repository.branch("topic", &[API, MAIL]);
    repository.switch("main");
    repository.change(WEB);
    repository.switch("topic");
    let mut run = repository.git(&["rebase", "--quiet", "main"]);
    while run.code != Some(0) {
        assert!(!repository.conflicts().contains(&"spec/stack.toml".to_owned()), "{run:?}");
        clean(&repository.project.run(&["render"]));
        repository.succeed(&["add", "--all"]);
        run = repository.git(&["rebase", "--continue"]);
    }
    repository.is_merged(&[API.1, MAIL.1, WEB.1]);
}

#[test]
fn a_cherry_pick_renders_into_its_commit_and_a_squash_into_the_index() {
    let repository = Repository::with_driver();
    repository.branch("topic", &[API, MAIL]);
    repository.branch("other", &[WEB]);
    let run = repository.git(&["cherry-pick", "topic~1"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("rendered into the commit"), "{run:?}");
    repository.is_merged(&[API.1, WEB.1]);
    assert_eq!(repository.succeed(&["log", "-1", "--format=%s"]).trim(), API.1);
    let run = repository.git(&["merge", "--squash", "topic"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("rendered after the merge, and are staged"), "{run:?}");
    repository.succeed(&["commit", "--quiet", "--message", "Squash"]);
    repository.is_merged(&[API.1, MAIL.1, WEB.1]);
    // So does the last of a series, and one in conflict can be aborted.
    repository.succeed(&["switch", "--quiet", "--create", "series", "main"]);
    repository.change(WEB);
    repository.succeed(&["cherry-pick", "topic~1", "topic"]);
    repository.is_merged(&[API.1, MAIL.1, WEB.1]);
    repository.succeed(&["switch", "--quiet", "--create", "clash", "main"]);
    repository.change(("mail:1.0", "mail:9.0"));
    let start = repository.succeed(&["rev-parse", "HEAD"]);
    assert_eq!(repository.git(&["cherry-pick", "topic~1", "topic"]).code, Some(1));
    repository.succeed(&["cherry-pick", "--abort"]);
    assert_eq!(repository.succeed(&["rev-parse", "HEAD"]), start);
}

#[test]
fn a_revert_renders_into_its_commit() {
    let repository = Repository::with_driver();
    repository.branch("topic", &[API, WEB]);
    let run = repository.git(&["revert", "--no-edit", "HEAD~1"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    repository.is_merged(&[API.0, WEB.1]);
}

#[test]
fn git_refuses_an_octopus_in_conflict_whatever_the_driver() {
    let repository = Repository::with_driver();
    repository.branch("one", &[API]);
    repository.branch("two", &[MAIL]);
    repository.branch("three", &[WEB]);
    let head = repository.succeed(&["rev-parse", "HEAD"]);
    // Git merges more than two heads without drivers, and gives up at the first conflict.
    let run = repository.git(&["merge", "--quiet", "--no-edit", "one", "two"]);
    assert_ne!(run.code, Some(0), "{run:?}");
    repository.succeed(&["reset", "--quiet", "--merge"]);
    assert_eq!(repository.succeed(&["rev-parse", "HEAD"]), head);
    for branch in ["one", "two"] {
        repository.succeed(&["merge", "--quiet", "--no-edit", branch]);
    }
    repository.is_merged(&[API.1, MAIL.1, WEB.1]);
}

#[test]
fn outputs_of_a_spec_that_is_not_committed_become_part_of_no_commit() {
    let repository = Repository::with_driver();
    repository.branch("topic", &[API]);
    repository.branch("other", &[WEB]);
    repository.succeed(&["merge", "--quiet", "--no-commit", "topic"]);
    repository.succeed(&["add", "--all"]);
    // Not part of the merge.
    repository.project.replace("spec/stack.toml", MAIL.0, MAIL.1);
    let run = repository.git(&["commit", "--quiet", "--no-edit"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("rendered after the commit; commit them yourself"), "{run:?}");
    assert!(!repository.succeed(&["show", &format!("HEAD:{COMPOSE}")]).contains(MAIL.1));
    clean(&repository.project.run(&["check"]));
}

#[test]
fn a_criss_cross_merge_renders() {
    let repository = Repository::with_driver();
    repository.branch("one", &[API]);
    repository.branch("two", &[MAIL]);
    for (branch, other) in [("one", "two"), ("two", "one~0")] {
        repository.succeed(&["branch", "--force", &format!("{branch}-before"), branch]);
        repository.switch(branch);
        let other = if other == "one~0" { "one-before" } else { other };
        repository.succeed(&["merge", "--quiet", "--no-edit", other]);
        repository.is_merged(&[API.1, MAIL.1]);
    }
    repository.change(WEB);
    repository.switch("one");
    repository.change(("queue:3.0", "queue:3.1"));
    let bases = repository.succeed(&["merge-base", "--all", "one", "two"]);
    assert_eq!(bases.lines().count(), 2);
    let run = repository.git(&["merge", "--quiet", "--no-edit", "two"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    repository.is_merged(&[API.1, MAIL.1, WEB.1, "queue:3.1"]);
}

#[test]
fn both_add_and_both_remove_outputs() {
    let repository = Repository::with_driver();
    let profile =
        |name: &str| ("[profiles.dev]\n", format!("[profiles.dev]\n[profiles.{name}]\nstack.name = \"{name}\"\n"));
    for (branch, names) in [("one", "a"), ("two", "b")] {
        let (from, to) = profile(names);
        repository.branch(branch, &[(from, to.as_str())]);
    }
    // Both insert after one line, so people decide.
    let run = repository.git(&["merge", "--quiet", "--no-edit", "one"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert_eq!(repository.conflicts(), ["spec/stack.toml"]);
    let spec = repository.project.read("spec/stack.toml");
    let is_marker = |line: &&str| ["<<<<", "====", ">>>>"].iter().any(|marker| line.starts_with(marker));
    let spec: Vec<&str> = spec.lines().filter(|line| !is_marker(line)).collect();
    repository.project.write("spec/stack.toml", spec.join("\n") + "\n");
    let run = repository.project.run(&["render"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    repository.succeed(&["add", "--all"]);
    repository.succeed(&["commit", "--quiet", "--no-edit"]);
    repository.is_merged(&[]);
    assert!(repository.project.path("generated/a").is_dir() && repository.project.path("generated/b").is_dir());
}

#[test]
fn branches_that_touch_different_outputs_do_not_conflict() {
    // Without a driver: this is the manifest's form alone.
    let repository = Repository::new();
    for at in ["a.conf", "b.conf"] {
        repository.project.write(&format!("spec/files/{at}"), "begin\n");
    }
    repository.project.write(
        "spec/stack.toml",
        format!("{SPEC}\n[files.\"a.conf\"]\ntemplate = \"spec/files/a.conf\"\n[files.\"b.conf\"]\ntemplate = \"spec/files/b.conf\"\n"),
    );
    clean(&repository.project.run(&["render"]));
    repository.commit("Files");
    for (name, at) in [("one", "a.conf"), ("two", "b.conf")] {
        repository.succeed(&["switch", "--quiet", "--create", name, "main"]);
        repository.project.write(&format!("spec/files/{at}"), format!("{name}\n"));
        clean(&repository.project.run(&["render"]));
        repository.commit(name);
    }
    let run = repository.git(&["merge", "--quiet", "--no-edit", "one"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    repository.is_merged(&[]);
    assert_eq!(repository.project.read("generated/dev/a.conf"), "one\n");
    // Nor does an octopus.
    repository.succeed(&["switch", "--quiet", "--create", "octopus", "main"]);
    repository.project.write("README", "A third one\n");
    repository.commit("Third");
    let run = repository.git(&["merge", "--quiet", "--no-edit", "one", "two~0"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    repository.is_merged(&[]);
}

#[test]
fn a_hand_edit_survives_each_way_of_merging() {
    for driver in [true, false] {
        let ways: [&[&str]; 4] = [
            &["merge", "--no-edit", "topic"],
            &["rebase", "topic"],
            &["cherry-pick", "topic"],
            &["merge", "--squash", "topic"],
        ];
        for (way, edited_side) in ways.iter().flat_map(|way| [(way, "topic"), (way, "other")]) {
            let repository = if driver { Repository::with_driver() } else { Repository::new() };
            // A line that the other side doesn't change, and one that it does.
            for service in ["queue:3.0", if edited_side == "topic" { WEB.0 } else { API.0 }] {
                repository.succeed(&["checkout", "--quiet", "--force", "main"]);
                let edited = format!("{}:edited", service.split(':').next().unwrap());
                for (name, change) in [("topic", API), ("other", WEB)] {
                    repository.git(&["branch", "--quiet", "-D", name]);
                    // One commit, so that a cherry-pick takes both.
                    repository.branch(name, &[]);
                    repository.project.replace("spec/stack.toml", change.0, change.1);
                    clean(&repository.project.run(&["render"]));
                    if name == edited_side {
                        repository.project.replace(COMPOSE, service, &edited);
                    }
                    repository.commit(name);
                }
                let run = repository.git(way);
                let what = format!("driver {driver}, {way:?}, {edited_side}, {edited}: {run:?}");
                assert!(repository.project.read(COMPOSE).contains(&edited), "{what}");
                assert!(!repository.conflicts().contains(&"spec/stack.toml".to_owned()), "{what}");
                let run = repository.project.run(&["render"]);
                assert_eq!(run.code, Some(1), "{what}\n{run:?}");
                assert!(run.stderr.contains("edited by hand"), "{what}\n{run:?}");
                assert!(repository.project.read(COMPOSE).contains(&edited), "{what}");
                for state in ["merge", "rebase", "cherry-pick"] {
                    repository.git(&[state, "--abort"]);
                }
                repository.succeed(&["reset", "--quiet", "--hard"]);
            }
        }
    }
}

#[test]
fn a_text_that_was_rendered_once_and_is_restored_by_hand_survives() {
    // Beside the edit, or the same line.
    for (driver, main) in [(true, WEB), (true, ("mail:2.0", "mail:3.0")), (false, ("mail:2.0", "mail:3.0"))] {
        for way in [&["merge", "--no-edit", "hand"][..], &["cherry-pick", "hand"], &["rebase", "main", "hand"]] {
            let repository = if driver { Repository::with_driver() } else { Repository::new() };
            repository.change(MAIL);
            repository.succeed(&["switch", "--quiet", "--create", "hand"]);
            repository.project.replace(COMPOSE, MAIL.1, MAIL.0);
            repository.commit("Roll back by hand");
            repository.switch("main");
            repository.change(main);
            let run = repository.git(way);
            let compose = repository.project.read(COMPOSE);
            assert!(compose.contains(MAIL.0), "{way:?} {run:?} {compose}");
            let run = repository.project.run(&["render"]);
            assert_eq!(run.code, Some(1), "{way:?}: {run:?}");
            assert!(repository.project.read(COMPOSE).contains(MAIL.0), "{way:?} {run:?}");
        }
    }
}

#[test]
fn a_restored_text_survives_where_no_branch_has_its_commit() {
    for is_stashed in [true, false] {
        let repository = Repository::with_driver();
        repository.succeed(&["config", "color.ui", "always"]);
        repository.change(MAIL);
        repository.branch("other", &[WEB]);
        repository.switch("main");
        repository.project.replace(COMPOSE, MAIL.1, MAIL.0);
        let run = if is_stashed {
            repository.git(&["merge", "--autostash", "--no-edit", "other"])
        } else {
            repository.commit("Roll back by hand");
            let picked = repository.succeed(&["rev-parse", "HEAD"]);
            repository.succeed(&["reset", "--quiet", "--hard", "other"]);
            fs::write(repository.project.path(".git/FETCH_HEAD"), format!("{}\t\tbranch 'x' of ../x\n", picked.trim()))
                .unwrap();
            repository.succeed(&["reflog", "expire", "--expire=now", "--all"]);
            repository.git(&["cherry-pick", "FETCH_HEAD"])
        };
        assert!(repository.project.read(COMPOSE).contains(MAIL.0), "{run:?}");
    }
}

#[test]
fn colours_of_git_do_not_matter() {
    let repository = Repository::with_driver();
    repository.succeed(&["config", "color.ui", "always"]);
    repository.succeed(&["config", "color.grep", "always"]);
    repository.branch("topic", &[API]);
    repository.switch("main");
    repository.change(WEB);
    assert_eq!(repository.git(&["merge", "--no-edit", "topic"]).code, Some(0));
    repository.succeed(&["config", "color.ui", "never"]);
    repository.is_merged(&[API.1, WEB.1]);
}

#[test]
fn a_hand_edit_keeps_only_its_profile_from_being_rendered() {
    let other = "generated/other/docker-compose.yml";
    let repository = Repository::with_driver();
    repository.project.replace("spec/stack.toml", "[profiles.dev]\n", "[profiles.dev]\n\n[profiles.other]\n");
    clean(&repository.project.run(&["render"]));
    repository.commit("Add a profile");
    repository.branch("topic", &[API]);
    repository.project.replace(COMPOSE, "queue:3.0", "queue:edited");
    repository.commit("By hand");
    repository.switch("main");
    repository.change(WEB);
    let run = repository.git(&["merge", "--no-edit", "topic"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains(&format!("{COMPOSE}: edited by hand")), "{run:?}");
    assert_eq!(repository.succeed(&["status", "--porcelain"]), "");
    let text = repository.project.read(other);
    assert!(text.contains(API.1) && text.contains(WEB.1), "{text}");
    let run = repository.project.run(&["check"]);
    assert!(run.stdout.contains(COMPOSE) && !run.stdout.contains(other), "{run:?}");
}

#[test]
fn the_setup_is_said_repeated_and_undone() {
    let repository = Repository::new();
    let hook = |name: &str| repository.project.path(&format!(".git/hooks/{name}"));
    fs::create_dir_all(hook("")).unwrap();
    let own = "#!/usr/bin/env bash\necho mine\nexit 0\n";
    fs::write(hook("post-commit"), own).unwrap();
    let config = repository.project.read(".git/config");
    let attributes = "* text=auto";
    repository.project.write(".gitattributes", attributes);
    repository.commit("Attributes");
    let run = repository.gen_git("install");
    clean(&run);
    for said in
        ["set merge.gen.driver = gen git merge-driver", "hooks/pre-merge-commit", "hooks/post-commit", ".gitattributes"]
    {
        assert!(run.stdout.contains(said), "{said}: {run:?}");
    }
    let text = fs::read_to_string(hook("post-commit")).unwrap();
    assert!(text.starts_with("#!/usr/bin/env bash\n# Begin") && text.ends_with("\necho mine\nexit 0\n"), "{text}");
    assert!(repository.project.read(".gitattributes").starts_with("* text=auto\n# Begin"));
    let before = (repository.project.read(".git/config"), text, repository.project.read(".gitattributes"));
    let run = repository.gen_git("install");
    clean(&run);
    assert!(!run.stdout.contains("wrote"), "{run:?}");
    let text = fs::read_to_string(hook("post-commit")).unwrap();
    assert_eq!((repository.project.read(".git/config"), text, repository.project.read(".gitattributes")), before);
    let run = repository.gen_git("uninstall");
    clean(&run);
    assert_eq!(fs::read_to_string(hook("post-commit")).unwrap(), own);
    assert!(!hook("pre-merge-commit").exists());
    assert_eq!(repository.project.read(".git/config"), config);
    assert_eq!(repository.project.read(".gitattributes"), format!("{attributes}\n"));
    clean(&repository.gen_git("uninstall"));
}

#[test]
fn what_cannot_be_set_up_says_what_to_do() {
    let repository = Repository::new();
    let run = repository.project.command(&["git", "install"]).env("PATH", "/usr/bin:/bin").output().unwrap().into();
    let Run { code, stderr, .. } = run;
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("`gen` is not on PATH"), "{stderr}");
    assert!(!repository.project.read(".git/config").contains("merge"));
    fs::create_dir_all(repository.project.path(".git/hooks")).unwrap();
    fs::write(repository.project.path(".git/hooks/post-commit"), "#!/usr/bin/python3\n").unwrap();
    let run = repository.gen_git("install");
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("not a shell script") && run.stderr.contains("gen git hook post-commit"), "{run:?}");
    #[cfg(unix)]
    {
        repository.project.write("tools/rewrite", "#!/bin/sh -e\n");
        let hook = repository.project.path(".git/hooks/post-rewrite");
        fs::remove_file(&hook).unwrap();
        std::os::unix::fs::symlink("../../tools/rewrite", &hook).unwrap();
        let run = repository.gen_git("install");
        assert!(run.stderr.contains("hooks/post-rewrite` is a link, and is left alone"), "{run:?}");
        assert_eq!(repository.project.read("tools/rewrite"), "#!/bin/sh -e\n");
    }
    clean(&repository.gen_git("uninstall"));
    repository.succeed(&["config", "core.hooksPath", "tools/hooks"]);
    let run = repository.gen_git("install");
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("tools/hooks") && run.stderr.contains("git hook post-rewrite"), "{run:?}");
    let outside = Project::new(SPEC);
    let run = outside.run(&["git", "install"]);
    assert_eq!(run.code, Some(3), "{run:?}");
}

#[test]
fn a_project_in_a_folder_has_its_own_lines() {
    let repository = Repository::new();
    let project = &repository.project;
    project
        .write("more/it's one/ops/stack.toml", format!("{SPEC}[outputs]\ngenerated = \"out\"\nterraform = \"tf\"\n"));
    let spec = ["--spec", "ops/stack.toml"];
    clean(&project.run_in("more/it's one", &[&spec[..], &["render"]].concat()));
    let mut install = repository.own(project.command(&[&spec[..], &["git", "install"]].concat()));
    let run: Run = install.current_dir(project.path("more/it's one")).output().unwrap().into();
    clean(&run);
    clean(&repository.gen_git("install"));
    repository.commit("Two projects");
    let spec = "more/it's one/ops/stack.toml";
    let change = |(from, to): (&str, &str)| {
        project.replace(spec, from, to);
        clean(&project.run_in("more/it's one", &["--spec", "ops/stack.toml", "render"]));
        repository.commit(to);
    };
    repository.succeed(&["switch", "--quiet", "--create", "topic"]);
    change(API);
    repository.switch("main");
    change(WEB);
    let run = repository.git(&["merge", "--quiet", "--no-edit", "topic"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(repository.succeed(&["status", "--porcelain"]), "");
    clean(&project.run_in("more/it's one", &["--spec", "ops/stack.toml", "check"]));
    // The files of a project are no outputs of another one.
    repository.succeed(&["switch", "--quiet", "--create", "copied", "main"]);
    let copied = project.read(COMPOSE);
    project.write("more/it's one/out/dev/docker-compose.yml", &copied);
    repository.commit("Copy by hand");
    repository.switch("main");
    change(("nginx:1.30", "nginx:1.31"));
    let head = repository.succeed(&["rev-parse", "HEAD"]);
    let run = repository.git(&["merge", "--quiet", "--no-edit", "copied"]);
    let merged = project.read("more/it's one/out/dev/docker-compose.yml");
    assert!(merged.contains("Generated from spec/stack.toml"), "{run:?} {merged}");
    repository.succeed(&["reset", "--quiet", "--hard", head.trim()]);
    // Both have to be rendered.
    repository.succeed(&["switch", "--quiet", "--create", "both", "main"]);
    change(("mail:1.0", "mail:2.0"));
    repository.change(MAIL);
    repository.switch("main");
    change(("queue:3.0", "queue:4.0"));
    repository.change(("queue:3.0", "queue:4.0"));
    repository.succeed(&["merge", "--quiet", "--no-edit", "both"]);
    repository.is_merged(&[MAIL.1, "queue:4.0"]);
    clean(&project.run_in("more/it's one", &["--spec", "ops/stack.toml", "check"]));
    clean(&repository.gen_git("uninstall"));
    // The other one still needs it.
    assert!(project.read(".git/config").contains("merge-driver"));
    assert!(!project.read(".git/hooks/post-commit").contains("gen git hook post-commit"));
    assert!(
        project.read(".git/hooks/post-commit").contains(r"gen -C 'more/it'\''s one' --spec 'ops/stack.toml' git hook")
    );
}

#[test]
fn outputs_that_git_ignores_become_part_of_no_commit() {
    let repository = Repository::with_driver();
    repository.project.write(".gitignore", "/generated/\n");
    repository.succeed(&["rm", "-r", "--quiet", "--cached", "generated"]);
    repository.commit("Ignore outputs");
    repository.branch("topic", &[API]);
    repository.branch("other", &[WEB]);
    repository.succeed(&["merge", "--quiet", "--no-edit", "topic"]);
    repository.is_merged(&[API.1, WEB.1]);
    assert_eq!(repository.succeed(&["ls-files", "generated"]), "");
}

#[test]
fn a_merge_that_was_aborted_changes_no_later_commit() {
    let repository = Repository::with_driver();
    // Outputs that are not those of the spec, of which nobody asked for a merge.
    let stale = |branch: &str, to: &str| {
        repository.succeed(&["switch", "--quiet", "--create", branch, "main"]);
        repository.project.replace("spec/stack.toml", MAIL.0, to);
        repository.commit("Stale");
        repository.succeed(&["rev-parse", "HEAD"])
    };
    let ahead = stale("ahead", "mail:8.0");
    repository.branch("topic", &[("nginx:1.29", "nginx:1.31"), API]);
    repository.switch("main");
    repository.change(WEB);
    let before = repository.succeed(&["rev-parse", "HEAD~1"]);
    assert_eq!(repository.git(&["merge", "--quiet", "--no-edit", "topic"]).code, Some(1));
    repository.succeed(&["merge", "--abort"]);
    // A commit.
    repository.project.replace("spec/stack.toml", MAIL.0, "mail:7.0");
    repository.succeed(&["commit", "--quiet", "--all", "--message", "Stale"]);
    assert!(!repository.succeed(&["show", &format!("HEAD:{COMPOSE}")]).contains("mail:7.0"));
    // Fast-forwards, also to a merge of somebody without hooks.
    repository.succeed(&["reset", "--quiet", "--hard", before.trim()]);
    repository.succeed(&["switch", "--quiet", "--create", "published", "main"]);
    let without_hooks = ["-c", "core.hooksPath=/dev/null", "merge", "--quiet", "--no-ff", "--no-edit", "ahead"];
    repository.succeed(&without_hooks);
    let published = repository.succeed(&["rev-parse", "HEAD"]);
    for (branch, commit) in [("ahead", ahead), ("published", published)] {
        repository.switch("main");
        repository.succeed(&["reset", "--quiet", "--hard", before.trim()]);
        assert_eq!(repository.git(&["merge", "--quiet", "--no-ff", "--no-commit", "topic"]).code, Some(0));
        repository.succeed(&["merge", "--abort"]);
        repository.succeed(&["merge", "--quiet", branch]);
        assert_eq!(repository.succeed(&["rev-parse", "HEAD"]), commit);
        assert_eq!(repository.succeed(&["status", "--porcelain"]), "");
    }
}

#[test]
fn only_what_merged_outputs_is_rendered() {
    let repository = Repository::with_driver();
    repository.branch("topic", &[API]);
    repository.branch("text", &[]);
    repository.project.write("README", "Nothing of the stack\n");
    repository.commit("README");
    repository.branch("other", &[WEB]);
    repository.succeed(&["merge", "--quiet", "--no-edit", "topic"]);
    // Somebody renders later, such as a bot.
    repository.project.replace("spec/stack.toml", MAIL.0, MAIL.1);
    repository.commit("Stale");
    repository.succeed(&["cherry-pick", "text"]);
    repository.succeed(&["revert", "--no-edit", "HEAD"]);
    repository.succeed(&[
        "-c",
        "sequence.editor=sed -i s/pick/reword/",
        "rebase",
        "--quiet",
        "--interactive",
        "HEAD~1",
    ]);
    assert_eq!(repository.succeed(&["status", "--porcelain"]), "");
    assert!(!repository.project.read(COMPOSE).contains(MAIL.1));
}

#[cfg(unix)]
#[test]
fn git_verifies_no_signature_with_a_program_of_the_repository() {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;
    let repository = Repository::new();
    let mode = |stage: u8, blob: &str| format!("100644 {} {stage}\t{COMPOSE}\n", blob.trim());
    let old = repository.succeed(&["rev-parse", &format!("HEAD:{COMPOSE}")]);
    repository.change(WEB);
    let new = repository.succeed(&["rev-parse", &format!("HEAD:{COMPOSE}")]);
    let signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n";
    let commit = repository.succeed(&["cat-file", "commit", "HEAD"]).replacen("\n\n", &format!("\n{signature}\n"), 1);
    repository.project.write("commit", commit);
    let signed = repository.succeed(&["hash-object", "-t", "commit", "-w", "commit"]);
    repository.succeed(&["reset", "--quiet", "--soft", signed.trim()]);
    // A conflict with a text that only that commit had.
    let mut command = repository.own(Command::new("git"));
    command.args(["update-index", "--index-info"]).current_dir(repository.project.root()).stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let entries = format!("0 {} 0\t{COMPOSE}\n{}{}{}", "0".repeat(40), mode(1, &old), mode(2, &new), mode(3, &old));
    child.stdin.take().unwrap().write_all(entries.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    repository.project.write(COMPOSE, "<<<<<<< a\nx\n=======\ny\n>>>>>>> b\n");
    let program = repository.project.path("verify.sh");
    fs::write(&program, "#!/bin/sh\ntouch ran\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    repository.succeed(&["config", "log.showSignature", "true"]);
    repository.succeed(&["config", "gpg.program", program.to_str().unwrap()]);
    let run = repository.project.run(&["check"]);
    assert!(run.stdout.contains("edited by hand in a merge"), "{run:?}");
    assert!(!repository.project.path("ran").exists());
    // Git itself would.
    repository.git(&["log", "-1"]);
    assert!(repository.project.path("ran").exists());
}

#[test]
fn a_file_of_the_spec_that_is_not_committed_keeps_outputs_out_of_the_commit() {
    let repository = Repository::with_driver();
    repository.project.write("spec/more.toml", "");
    repository.project.write(".gitignore", "/spec/more.toml\n");
    let spec = repository.project.read("spec/stack.toml");
    repository.project.write("spec/stack.toml", format!("include = [\"more.toml\"]\n{spec}"));
    repository.commit("Include a file of each clone");
    repository.branch("topic", &[API]);
    repository.branch("other", &[WEB]);
    repository.project.write("spec/more.toml", "[services.more]\nimage = \"shop/more:1.0\"\n");
    let run = repository.git(&["merge", "--quiet", "--no-edit", "topic"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("commit them yourself"), "{run:?}");
    assert!(!repository.succeed(&["show", &format!("HEAD:{COMPOSE}")]).contains("shop/more"));
    clean(&repository.project.run(&["check"]));
    // One that Git doesn't look at.
    let repository = Repository::with_driver();
    repository.branch("topic", &[API]);
    repository.branch("other", &[WEB]);
    repository.succeed(&["merge", "--quiet", "--no-commit", "topic"]);
    repository.succeed(&["update-index", "--assume-unchanged", "spec/stack.toml"]);
    repository.project.replace("spec/stack.toml", MAIL.0, MAIL.1);
    let run = repository.git(&["commit", "--quiet", "--no-edit"]);
    assert!(run.stderr.contains("commit them yourself"), "{run:?}");
    assert!(!repository.succeed(&["show", &format!("HEAD:{COMPOSE}")]).contains(MAIL.1));
}

#[test]
fn a_commit_that_is_in_no_branch_is_merged_like_any_other() {
    let repository = Repository::with_driver();
    repository.branch("topic", &[API]);
    let topic = repository.succeed(&["rev-parse", "HEAD"]);
    repository.branch("other", &[WEB]);
    // As after `git pull` from an address.
    repository.succeed(&["branch", "--quiet", "--delete", "--force", "topic"]);
    repository.succeed(&["merge", "--quiet", "--no-edit", topic.trim()]);
    repository.is_merged(&[API.1, WEB.1]);
}

#[test]
fn an_edit_while_a_conflict_is_resolved_is_kept() {
    for is_resolved in [false, true] {
        let repository = Repository::new();
        repository.branch("topic", &[API]);
        repository.branch("other", &[WEB]);
        repository.git(&["merge", "--quiet", "--no-edit", "topic"]);
        let manifest = "generated/dev/manifest.sha256";
        assert!(repository.project.read(manifest).contains("<<<<<<<"));
        let text = repository.project.read(COMPOSE);
        // Images are lines that both sides left as they were.
        assert!(text.contains(MAIL.0), "{text}");
        let edited = text.replace(MAIL.0, "mail:1.0-patched");
        let edited = if is_resolved {
            let mut lines: Vec<&str> = edited.lines().collect();
            lines.retain(|line| !["<<<<<<<", "=======", ">>>>>>>"].iter().any(|marker| line.starts_with(marker)));
            lines.join("\n")
        } else {
            edited
        };
        repository.project.write(COMPOSE, &edited);
        let run = repository.project.run(&["render"]);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.stderr.contains("edited"), "{run:?}");
        assert_eq!(repository.project.read(COMPOSE), edited);
    }
}

#[test]
fn adoption_of_an_edit_of_one_side_undoes_nothing_of_the_other() {
    let merged = |is_committed: bool| {
        let repository = Repository::with_driver();
        repository.branch("topic", &[API]);
        repository.branch("other", &[]);
        repository.project.replace("spec/stack.toml", WEB.0, WEB.1);
        clean(&repository.project.run(&["render"]));
        if is_committed {
            repository.commit("As rendered");
        }
        repository.project.replace(COMPOSE, "queue:3.0", "queue:3.1");
        repository.commit("By hand");
        repository.git(&["merge", "--quiet", "--no-edit", "topic"]);
        repository.succeed(&["checkout", "HEAD^1", "--", COMPOSE]);
        repository
    };
    // Nobody knows what was edited.
    let repository = merged(false);
    let run = repository.project.run(&["adopt"]);
    assert!(run.code == Some(1) && run.stdout.contains("Git does not have the text that was edited"), "{run:?}");
    assert_eq!(repository.succeed(&["status", "--porcelain", "spec"]), "");
    let repository = merged(true);
    let run = repository.project.run(&["adopt"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let spec = repository.project.read("spec/stack.toml");
    assert!(["queue:3.1", API.1, WEB.1].iter().all(|text| spec.contains(text)), "{spec}");
    clean(&repository.project.run(&["check"]));
    // A conflict is nothing to adopt.
    let marked = repository
        .project
        .read(COMPOSE)
        .replace("    image: shop/mail", "<<<<<<< a\n=======\n>>>>>>> b\n    image: shop/mail");
    repository.project.write(COMPOSE, &marked);
    let run = repository.project.run(&["adopt"]);
    assert!(run.code == Some(1) && run.stdout.contains("it has conflict markers"), "{run:?}");
    assert_eq!(repository.project.read(COMPOSE), marked);
}

#[test]
fn a_conflict_in_an_ejected_file_is_left_to_people() {
    let repository = Repository::with_driver();
    let run = repository.project.run(&["eject", COMPOSE, "--reason", "Ours"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    clean(&repository.project.run(&["render"]));
    repository.commit("Eject");
    for (branch, to) in [("topic", "nginx:1.31"), ("other", "nginx:1.32")] {
        repository.succeed(&["switch", "--quiet", "--create", branch, "main"]);
        repository.project.replace(COMPOSE, WEB.0, to);
        repository.commit(to);
    }
    let run = repository.git(&["merge", "--quiet", "--no-edit", "topic"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert_eq!(repository.conflicts(), [COMPOSE]);
}

#[test]
fn outputs_of_a_newer_version_are_left_alone() {
    let project = Project::new(SPEC);
    clean(&project.run(&["render"]));
    project.replace("generated/dev/manifest.sha256", "# gen format 2:", "# gen format 9:");
    for command in ["render", "check"] {
        let run = project.run(&[command]);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.stderr.contains("was written by a newer version of gen, in format 9"), "{run:?}");
    }
}
