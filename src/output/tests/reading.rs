use std::fmt::Write as _;

use super::*;
use crate::output::{Cause, PathProblem, ProblemKind};

const NONE: [&str; 0] = [];

#[test]
fn what_was_rendered_is_clean() {
    let sandbox = Sandbox::rendered();
    let comparison = sandbox.compare(files()).unwrap();
    assert_eq!(comparison.compared, 4);
    assert!(comparison.differences.is_empty());
}

#[test]
fn the_order_of_rendering_is_of_no_account() {
    let sandbox = Sandbox::rendered();
    assert_eq!(sandbox.differences(files().into_iter().rev().collect()), NONE);
}

#[test]
fn an_empty_root_lacks_everything() {
    let missing = Sandbox::new().differences(files());
    assert_eq!(missing.len(), 4);
    assert!(missing.iter().all(|difference| difference.ends_with(": Missing")), "{missing:?}");
}

#[cfg(unix)]
#[test]
fn comparing_writes_nothing() {
    let sandbox = Sandbox::rendered();
    sandbox.put("generated/dev/compose.yaml", "edited");
    sandbox.put("generated/.staging/0", "left over");
    fs::remove_file(sandbox.path("terraform/dev/main.tf")).unwrap();
    set_mode(&sandbox.path("generated/dev/temporal/start.sh"), 0o644);
    let before = sandbox.snapshot();
    assert_eq!(sandbox.compare(files()).unwrap().differences.len(), 3);
    assert_eq!(sandbox.snapshot(), before);
    sandbox.write(files(), Options { dry_run: true, ..FORCE }).unwrap();
    assert_eq!(sandbox.snapshot(), before);
}

#[test]
fn an_edit_is_told_from_a_change_of_the_spec() {
    let sandbox = Sandbox::rendered();
    let mut changed = files();
    changed[0].contents.push_str("  db:\n");
    changed[2].contents.push_str("# new\n");
    sandbox.put("generated/dev/temporal/start.sh", "#!/bin/sh\nedited\n");
    sandbox.put("terraform/dev/main.tf", "edited");
    #[cfg(unix)]
    set_mode(&sandbox.path("generated/dev/temporal/start.sh"), 0o755);
    assert_eq!(
        sandbox.differences(changed),
        [
            "generated/dev/compose.yaml: Stale",
            "generated/dev/temporal/start.sh: HandEdited { also_stale: false }",
            "terraform/dev/main.tf: HandEdited { also_stale: true }",
            "generated/dev/manifest.sha256: Stale",
        ]
    );
}

#[test]
fn a_difference_holds_both_texts() {
    let sandbox = Sandbox::rendered();
    sandbox.put("terraform/dev/main.tf", b"\xff");
    let mut differences = sandbox.compare(files()).unwrap().differences;
    let difference = differences.pop().unwrap();
    assert_eq!(difference.on_disk.as_deref(), Some(&b"\xff"[..]));
    assert_eq!(difference.expected.as_deref(), Some("terraform {}\n"));
    assert!(differences.is_empty());
}

#[cfg(unix)]
#[test]
fn a_difference_holds_the_text_of_a_file_that_was_read() {
    let sandbox = Sandbox::rendered();
    fs::remove_file(sandbox.path("generated/dev/compose.yaml")).unwrap();
    set_mode(&sandbox.path("generated/dev/temporal/start.sh"), 0o644);
    sandbox.put("terraform/dev/main.tf", "terraform {}\r\n");
    let differences = sandbox.compare(files()).unwrap().differences;
    let found: Vec<_> = differences.iter().map(|one| one.on_disk.as_deref()).collect();
    assert_eq!(found, [None, Some(&b"#!/bin/sh\nexec temporal\n"[..]), Some(b"terraform {}\r\n")]);
}

#[test]
fn a_file_in_place_of_a_folder_hides_what_should_be_in_it() {
    let sandbox = Sandbox::rendered();
    let mut files = files();
    files.push(file("generated/dev/compose.yaml/deep/er", "x"));
    files.remove(0);
    let found = sandbox.differences(files);
    assert!(found[0].starts_with("generated/dev/compose.yaml/deep/er: Unreadable("), "{found:?}");
}

#[test]
fn an_orphan_that_cannot_be_read_is_reported() {
    let sandbox = Sandbox::rendered();
    // A hole takes no space on disk.
    let orphan = fs::File::create(sandbox.path("generated/dev/compose.yaml")).unwrap();
    orphan.set_len(crate::output::LARGEST + 1).unwrap();
    let found = sandbox.differences(files().into_iter().skip(1).collect());
    assert!(found[0].starts_with("generated/dev/compose.yaml: Unreadable("), "{found:?}");
}

#[test]
fn what_a_merge_left_open_stays_so_if_it_is_listed_again() {
    let sandbox = Sandbox::rendered();
    let line = format!("{}  generated/dev/compose.yaml\n", digest("services:\n  web:\n"));
    let merge = format!("<<<<<<< ours\n{line}=======\n{line}>>>>>>> theirs\n");
    sandbox.put("generated/dev/compose.yaml", "merged");
    for text in [format!("{merge}{line}"), format!("{line}{merge}")] {
        sandbox.put(MANIFEST, text);
        assert_eq!(sandbox.differences(files())[0], "generated/dev/compose.yaml: Merged");
    }
}

#[cfg(unix)]
#[test]
fn the_executable_bit_counts_in_both_directions() {
    let sandbox = Sandbox::rendered();
    assert_eq!(mode(&fs::metadata(sandbox.path("generated/dev/temporal/start.sh")).unwrap()) & 0o100, 0o100);
    set_mode(&sandbox.path("generated/dev/temporal/start.sh"), 0o644);
    set_mode(&sandbox.path("generated/dev/compose.yaml"), 0o755);
    assert_eq!(
        sandbox.differences(files()),
        [
            "generated/dev/compose.yaml: Mode { executable: false }",
            "generated/dev/temporal/start.sh: Mode { executable: true }",
        ]
    );
    sandbox.write(files(), RENDER).unwrap();
    assert_eq!(sandbox.differences(files()), NONE);
}

#[cfg(unix)]
#[test]
fn what_containers_read_is_readable() {
    let sandbox = Sandbox::rendered();
    let scope = Scope { others: Some(Vec::new()), ..scope() };
    let files = || files().into_iter().map(Ok);
    for path in ["generated", "generated/dev", "generated/dev/temporal", "terraform/dev"] {
        set_mode(&sandbox.path(path), 0o700);
    }
    for path in ["generated/dev/compose.yaml", "terraform/dev/main.tf", MANIFEST] {
        set_mode(&sandbox.path(path), 0o640);
    }
    let found = || {
        let differences = compare(&sandbox.root, &scope, files()).unwrap().differences;
        differences.iter().map(|one| format!("{}: {:?}", one.path, one.cause)).collect::<Vec<_>>()
    };
    let all = ["generated/dev/compose.yaml: Closed", "generated/dev: Closed", "generated/dev/temporal: Closed"];
    assert_eq!(found(), all);
    let before = sandbox.snapshot();
    write(&sandbox.root, &scope, files(), DRY).unwrap();
    assert_eq!(sandbox.snapshot(), before);
    let written = write(&sandbox.root, &scope, files(), RENDER).unwrap();
    assert_eq!(paths(&written.written), ["generated/dev/compose.yaml"]);
    assert_eq!(paths(&written.opened), ["generated/dev", "generated/dev/temporal"]);
    assert_eq!(found(), NONE);
    // With nothing else to write.
    set_mode(&sandbox.path("generated/dev/temporal"), 0o2770);
    assert_eq!(paths(&write(&sandbox.root, &scope, files(), RENDER).unwrap().opened), ["generated/dev/temporal"]);
    assert_eq!(mode(&fs::metadata(sandbox.path("generated/dev/temporal")).unwrap()) & 0o7777, 0o2775);
}

#[test]
fn a_checkout_with_crlf_is_no_edit_even_when_stale() {
    let sandbox = Sandbox::rendered();
    for path in ["generated/dev/compose.yaml", "terraform/dev/main.tf", MANIFEST] {
        sandbox.put(path, sandbox.text(path).replace('\n', "\r\n"));
    }
    assert_eq!(
        sandbox.differences(files()),
        [
            "generated/dev/compose.yaml: LineEndings",
            "terraform/dev/main.tf: LineEndings",
            "generated/dev/manifest.sha256: LineEndings",
        ]
    );
    let mut changed = files();
    changed[2].contents = "terraform { }\n".into();
    assert_eq!(
        sandbox.differences(changed.clone()),
        [
            "generated/dev/compose.yaml: LineEndings",
            "terraform/dev/main.tf: Stale",
            "generated/dev/manifest.sha256: Stale",
        ]
    );
    sandbox.write(changed.clone(), RENDER).unwrap();
    assert_eq!(sandbox.differences(changed), NONE);
}

#[test]
fn a_file_that_the_manifest_does_not_list_is_somebody_elses_unless_equal() {
    let sandbox = Sandbox::rendered();
    let mut more = files();
    more.push(file("generated/dev/mine.txt", "rendered\n"));
    sandbox.put("generated/dev/mine.txt", "mine\n");
    assert_eq!(
        sandbox.differences(more.clone()),
        ["generated/dev/mine.txt: Unlisted", "generated/dev/manifest.sha256: Stale"]
    );
    sandbox.put("generated/dev/mine.txt", "rendered\n");
    assert_eq!(sandbox.differences(more), ["generated/dev/manifest.sha256: Stale"]);
}

#[test]
fn orphans_are_what_is_listed_and_there() {
    let sandbox = Sandbox::rendered();
    sandbox.put("generated/dev/not-ours", "x");
    let fewer = vec![files().remove(0)];
    sandbox.put("terraform/dev/main.tf", "edited");
    assert_eq!(
        sandbox.differences(fewer.clone()),
        ["generated/dev/temporal/start.sh: Orphan { edited: false }", "terraform/dev/main.tf: Orphan { edited: true }",]
    );
    fs::remove_dir_all(sandbox.path("terraform")).unwrap();
    fs::remove_file(sandbox.path("generated/dev/temporal/start.sh")).unwrap();
    fs::create_dir(sandbox.path("generated/dev/temporal/start.sh")).unwrap();
    assert_eq!(sandbox.differences(fewer), ["generated/dev/manifest.sha256: Stale"]);
}

#[test]
fn what_cannot_be_read_is_reported_and_the_rest_compared() {
    let sandbox = Sandbox::rendered();
    fs::remove_file(sandbox.path("generated/dev/compose.yaml")).unwrap();
    fs::create_dir(sandbox.path("generated/dev/compose.yaml")).unwrap();
    fs::remove_dir_all(sandbox.path("generated/dev/temporal")).unwrap();
    sandbox.put("generated/dev/temporal", "a file where a directory was");
    sandbox.put("terraform/dev/main.tf", "edited");
    let differences = sandbox.compare(files()).unwrap().differences;
    let causes: Vec<_> = differences.iter().map(|difference| &difference.cause).collect();
    let [Cause::Unreadable(directory), Cause::Unreadable(below), Cause::HandEdited { .. }] = causes[..] else {
        panic!("{causes:?}");
    };
    assert_eq!(directory.kind(), std::io::ErrorKind::IsADirectory);
    assert_eq!(below.kind(), std::io::ErrorKind::NotADirectory);
}

#[cfg(unix)]
#[test]
fn a_socket_is_not_opened() {
    let sandbox = Sandbox::rendered();
    let path = sandbox.path("terraform/dev/main.tf");
    fs::remove_file(&path).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let differences = sandbox.differences(files());
    assert_eq!(differences.len(), 1);
    assert!(differences[0].contains("not a regular file"), "{differences:?}");
}

#[cfg(unix)]
#[test]
fn an_output_that_is_a_link_is_not_followed() {
    use std::os::unix::fs::symlink;
    let sandbox = Sandbox::rendered();
    let path = sandbox.path("terraform/dev/main.tf");
    fs::rename(&path, sandbox.path("elsewhere")).unwrap();
    symlink(sandbox.path("elsewhere"), &path).unwrap();
    assert_eq!(sandbox.differences(files()), ["terraform/dev/main.tf: Symlink"]);
    let fewer = files()[..2].to_vec();
    assert_eq!(sandbox.differences(fewer), ["terraform/dev/main.tf: Orphan { edited: true }"]);
}

#[cfg(unix)]
#[test]
fn a_directory_may_be_a_link_only_within_the_root() {
    use std::os::unix::fs::symlink;
    let sandbox = Sandbox::rendered();
    fs::rename(sandbox.path("terraform"), sandbox.path("infrastructure")).unwrap();
    symlink("infrastructure", sandbox.path("terraform")).unwrap();
    assert_eq!(sandbox.differences(files()), NONE);

    let outside = sandbox.root.with_file_name("outside");
    fs::rename(sandbox.path("infrastructure"), &outside).unwrap();
    for target in ["../outside", "nowhere", "terraform"] {
        fs::remove_file(sandbox.path("terraform")).unwrap();
        symlink(target, sandbox.path("terraform")).unwrap();
        for error in [sandbox.compare(files()).unwrap_err(), sandbox.write(files(), FORCE).unwrap_err()] {
            let message = error.to_string();
            assert!(message.starts_with("cannot use `terraform/dev/main.tf`: `terraform` leads to `"), "{message}");
        }
    }
    assert_eq!(fs::read_to_string(outside.join("dev/main.tf")).unwrap(), "terraform {}\n");
    assert!(!sandbox.exists("generated/.staging"));
}

#[test]
fn hostile_entries_are_reported_and_never_touched() {
    let sandbox = Sandbox::rendered();
    let outside = sandbox.root.with_file_name("precious");
    fs::write(&outside, "precious").unwrap();
    sandbox.put("Cargo.toml", "precious");
    sandbox.put("generated/prod/x", "precious");
    let precious = digest("precious");
    let mut manifest = sandbox.text(MANIFEST);
    for path in
        ["../precious", outside.as_str(), "generated/dev/../../Cargo.toml", "Cargo.toml", "generated/prod/x", MANIFEST]
    {
        writeln!(manifest, "{precious}  {path}").unwrap();
    }
    sandbox.put(MANIFEST, &manifest);
    let difference = sandbox.compare(files()).unwrap().differences.pop().unwrap();
    let Cause::Malformed(problems) = difference.cause else { panic!("{difference:?}") };
    assert_eq!(
        problems.iter().map(|problem| (problem.line, problem.kind)).collect::<Vec<_>>(),
        [
            (8, ProblemKind::Path(PathProblem::NotPlain)),
            (9, ProblemKind::Path(PathProblem::NotPlain)),
            (10, ProblemKind::Path(PathProblem::NotPlain)),
            (11, ProblemKind::Path(PathProblem::OutsideScope)),
            (12, ProblemKind::Path(PathProblem::OutsideScope)),
            (13, ProblemKind::Path(PathProblem::Reserved)),
        ]
    );
    let written = sandbox.write(files(), FORCE).unwrap();
    assert!(written.removed.is_empty());
    assert_eq!(fs::read_to_string(&outside).unwrap(), "precious");
    assert_eq!(sandbox.text("Cargo.toml"), "precious");
    assert_eq!(sandbox.text("generated/prod/x"), "precious");
    assert_eq!(sandbox.differences(files()), NONE);
}

#[cfg(unix)]
#[test]
fn an_entry_through_a_link_is_never_deleted() {
    use std::os::unix::fs::symlink;
    let sandbox = Sandbox::rendered();
    let outside = sandbox.root.with_file_name("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("x"), "precious").unwrap();
    sandbox.put("src/x", "precious");
    symlink("../../../outside", sandbox.path("generated/dev/out")).unwrap();
    symlink("../../src", sandbox.path("generated/dev/in")).unwrap();
    let mut manifest = sandbox.text(MANIFEST);
    for path in ["generated/dev/out/x", "generated/dev/in/x"] {
        writeln!(manifest, "{}  {path}", digest("precious")).unwrap();
    }
    sandbox.put(MANIFEST, &manifest);
    let difference = sandbox.compare(files()).unwrap().differences.pop().unwrap();
    let Cause::Malformed(problems) = difference.cause else { panic!("{difference:?}") };
    assert_eq!(
        problems.iter().map(|problem| (problem.line, problem.kind)).collect::<Vec<_>>(),
        [(8, ProblemKind::ThroughSymlink), (9, ProblemKind::ThroughSymlink)]
    );
    assert!(sandbox.write(files(), FORCE).unwrap().removed.is_empty());
    assert_eq!(sandbox.text("src/x"), "precious");
    assert_eq!(fs::read_to_string(outside.join("x")).unwrap(), "precious");
}

#[test]
fn garbage_for_a_manifest_is_malformed_and_owns_nothing() {
    let sandbox = Sandbox::rendered();
    sandbox.put(MANIFEST, b"\xff\0\x1b[2J\n");
    sandbox.put("terraform/dev/main.tf", "edited");
    let differences = sandbox.differences(files());
    assert_eq!(differences[0], "terraform/dev/main.tf: Unlisted");
    assert!(differences[1].starts_with("generated/dev/manifest.sha256: Malformed"), "{differences:?}");
}

/// `compose.yaml` changed on both sides and merged as text, `start.sh` in conflict, `main.tf` on neither side.
fn merge(sandbox: &Sandbox) {
    let lines = |side: &str| {
        format!("{}  generated/dev/compose.yaml\n{}  generated/dev/temporal/start.sh\n", digest(side), digest(side))
    };
    let manifest = format!(
        "<<<<<<< HEAD\n{}=======\n{}>>>>>>> topic\n{}  terraform/dev/main.tf\n",
        lines("ours"),
        lines("theirs"),
        digest("terraform {}\n")
    );
    sandbox.put(MANIFEST, manifest);
    sandbox.put("generated/dev/compose.yaml", "ours and theirs");
    sandbox.put("generated/dev/temporal/start.sh", "<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> topic\n");
}

#[test]
fn a_merge_is_told_from_an_edit() {
    let sandbox = Sandbox::rendered();
    merge(&sandbox);
    assert_eq!(
        sandbox.differences(files()),
        [
            "generated/dev/compose.yaml: Merged",
            "generated/dev/temporal/start.sh: MergeConflict",
            "generated/dev/manifest.sha256: MergeConflict",
        ]
    );
    sandbox.put("generated/dev/compose.yaml", "theirs");
    assert_eq!(sandbox.differences(files())[0], "generated/dev/compose.yaml: Stale");
    sandbox.put("terraform/dev/main.tf", "edited");
    assert_eq!(sandbox.refused(files(), RENDER), ["terraform/dev/main.tf: HandEdited { also_stale: false }"]);
    sandbox.put("terraform/dev/main.tf", "terraform {}\n");
    sandbox.write(files(), RENDER).unwrap();
    assert_eq!(sandbox.differences(files()), NONE);
}

#[test]
fn paths_that_may_not_be_written_are_errors() {
    let sandbox = Sandbox::rendered();
    for (path, problem) in [
        ("../x", PathProblem::NotPlain),
        ("/etc/passwd", PathProblem::NotPlain),
        ("generated/prod/x", PathProblem::OutsideScope),
        (MANIFEST, PathProblem::Reserved),
        ("terraform/dev/main.tf", PathProblem::Duplicate),
    ] {
        let mut more = files();
        more[0].contents.push('#');
        more.push(file(path, "x"));
        for error in [sandbox.compare(more.clone()).unwrap_err(), sandbox.write(more, FORCE).unwrap_err()] {
            assert!(matches!(error, Error::Path { problem: found, .. } if found == problem), "{error:?}");
        }
    }
    assert_eq!(sandbox.differences(files()), NONE);
    assert!(!sandbox.exists("generated/.staging"));
}

#[test]
fn a_root_that_is_not_there_is_an_error() {
    let sandbox = Sandbox::new();
    fs::remove_dir(&sandbox.root).unwrap();
    for error in [sandbox.compare(files()).unwrap_err(), sandbox.write(files(), FORCE).unwrap_err()] {
        assert_eq!(
            error.to_string(),
            format!("cannot open `{}`: No such file or directory (os error 2)", sandbox.root)
        );
    }
}
