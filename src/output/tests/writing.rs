use std::thread;

use super::*;
use crate::output::Cause;

const NONE: [&str; 0] = [];

#[test]
fn a_first_render_writes_everything_and_a_second_nothing() {
    let sandbox = Sandbox::new();
    let written = sandbox.write(files(), RENDER).unwrap();
    let [compose, start, main] = [0, 1, 2].map(|index| files()[index].path.clone().into_string());
    assert_eq!(paths(&written.written), [&*compose, &*start, &*main, MANIFEST]);
    assert_eq!(
        sandbox.text(MANIFEST),
        format!(
            "# gen format 2: the digest of each output, for `sha256sum --check`\n#\n{}  {compose}\n#\n{}  {start}\n#\n{}  {main}\n",
            digest(&files()[0].contents),
            digest(&files()[1].contents),
            digest(&files()[2].contents)
        )
    );
    assert!(!sandbox.exists("generated/.staging"));

    let before = sandbox.snapshot();
    let written = sandbox.write(files(), RENDER).unwrap();
    assert_eq!((written.unchanged, written.written.len()), (4, 0));
    assert_eq!(sandbox.snapshot(), before);
}

#[test]
fn files_that_do_not_change_keep_their_times() {
    let sandbox = Sandbox::rendered();
    let before = sandbox.snapshot();
    let mut changed = files();
    changed[0].contents.push('#');
    let written = sandbox.write(changed, RENDER).unwrap();
    assert_eq!(paths(&written.written), ["generated/dev/compose.yaml", MANIFEST]);
    assert_eq!(written.unchanged, 2);
    let after = sandbox.snapshot();
    for path in ["generated/dev/temporal/start.sh", "terraform/dev/main.tf", "terraform/dev", "generated/dev/temporal"]
    {
        assert_eq!(after[&sandbox.path(path)], before[&sandbox.path(path)], "{path}");
    }
}

#[test]
fn everything_refused_is_named_and_nothing_written() {
    let sandbox = Sandbox::rendered();
    let mut changed = files();
    changed[0].contents.push('#');
    changed.push(file("generated/dev/new", "rendered"));
    let orphan = changed.remove(2);
    sandbox.put("generated/dev/temporal/start.sh", "edited");
    sandbox.put("generated/dev/new", "mine");
    sandbox.put(orphan.path.as_str(), "edited");
    let before = sandbox.snapshot();
    let refused = [
        "generated/dev/temporal/start.sh: HandEdited { also_stale: false }",
        "generated/dev/new: Unlisted",
        "terraform/dev/main.tf: Orphan { edited: true }",
    ];
    assert_eq!(sandbox.refused(changed.clone(), DRY), refused);
    assert_eq!(sandbox.snapshot(), before);
    assert_eq!(sandbox.refused(changed.clone(), RENDER), refused);
    let untouched = |snapshot: Snapshot| -> Snapshot {
        // Staging comes and goes in its own directory, whose time changes.
        snapshot.into_iter().filter(|(path, _)| !path.ends_with("generated")).collect()
    };
    assert_eq!(untouched(sandbox.snapshot()), untouched(before));

    assert_eq!(sandbox.refused(changed.clone(), KEEP), &refused[..2]);
    let written = sandbox.write(changed.clone(), FORCE).unwrap();
    assert_eq!(paths(&written.removed), ["terraform/dev/main.tf"]);
    assert_eq!(sandbox.differences(changed), NONE);
}

#[test]
fn an_edit_that_is_not_lost_needs_no_force() {
    let path = "generated/dev/compose.yaml";
    let mut changed = files();
    changed[0].contents.push_str("  db:\n");
    let kept = |edited: &str| Kept {
        path: path.into(),
        on_disk: b"edited\n".to_vec(),
        rendered: changed[0].contents.clone(),
        edited: edited.into(),
    };
    for edited in ["edited and rendered\n", "edited\n"] {
        let sandbox = Sandbox::rendered();
        sandbox.put(path, "edited\n");
        let [other, old] =
            [Kept { on_disk: b"other\n".to_vec(), ..kept(edited) }, Kept { rendered: "old".into(), ..kept(edited) }];
        // Another edit, and another spec.
        for kept in [other, old] {
            assert_eq!(
                sandbox.refused(changed.clone(), Options { kept: &[kept], ..RENDER }),
                [format!("{path}: HandEdited {{ also_stale: true }}")]
            );
        }
        sandbox.write(changed.clone(), Options { kept: &[kept(edited)], ..RENDER }).unwrap();
        assert_eq!(sandbox.text(path), edited);
        assert_eq!(sandbox.differences(changed.clone()), [format!("{path}: HandEdited {{ also_stale: false }}")]);
        assert_eq!(sandbox.text("terraform/dev/main.tf"), changed[2].contents);
    }
}

#[test]
fn a_refused_first_render_leaves_no_directories() {
    let sandbox = Sandbox::new();
    sandbox.put("terraform/dev/main.tf", "mine");
    assert_eq!(sandbox.refused(files(), RENDER), ["terraform/dev/main.tf: Unlisted"]);
    assert!(!sandbox.exists("generated"));
}

#[test]
fn what_cannot_be_read_is_refused_even_with_force() {
    let sandbox = Sandbox::rendered();
    fs::remove_file(sandbox.path("terraform/dev/main.tf")).unwrap();
    sandbox.put("terraform/dev/main.tf/inner", "mine");
    let mut changed = files();
    changed[0].contents.push('#');
    assert_eq!(sandbox.refused(changed, FORCE), ["terraform/dev/main.tf: Unreadable(Kind(IsADirectory))"]);
    assert_eq!(sandbox.text("generated/dev/compose.yaml"), files()[0].contents);
}

#[test]
fn orphans_go_with_the_directories_that_they_leave_empty() {
    let sandbox = Sandbox::rendered();
    sandbox.put("generated/dev/a/b/c/old", "old");
    sandbox.put("generated/dev/a/mine", "mine");
    let mut more = files();
    more.push(file("generated/dev/a/b/c/old", "old"));
    sandbox.write(more.clone(), RENDER).unwrap();
    let fewer = vec![files().remove(0)];

    let written = sandbox.write(fewer.clone(), KEEP).unwrap();
    let orphans = ["generated/dev/a/b/c/old", "generated/dev/temporal/start.sh", "terraform/dev/main.tf"];
    assert_eq!(paths(&written.left), orphans);
    assert_eq!((written.written.len(), written.unchanged), (0, 2));
    assert_eq!(sandbox.differences(fewer.clone()), orphans.map(|path| format!("{path}: Orphan {{ edited: false }}")));

    let dry = sandbox.write(fewer.clone(), DRY).unwrap();
    assert_eq!(paths(&dry.removed), orphans);
    assert!(sandbox.exists(orphans[0]));
    let written = sandbox.write(fewer.clone(), RENDER).unwrap();
    assert_eq!(paths(&written.removed), orphans);
    assert_eq!(sandbox.differences(fewer), NONE);
    for (path, exists) in [
        ("generated/dev/a/b", false),
        ("generated/dev/a/mine", true),
        ("generated/dev/temporal", false),
        ("terraform/dev", true),
    ] {
        assert_eq!(sandbox.exists(path), exists, "{path}");
    }
}

#[cfg(unix)]
#[test]
fn with_force_a_link_is_replaced_and_its_target_is_not() {
    let sandbox = Sandbox::rendered();
    let path = sandbox.path("terraform/dev/main.tf");
    fs::remove_file(&path).unwrap();
    sandbox.put("target", "precious");
    std::os::unix::fs::symlink("../../target", &path).unwrap();
    assert_eq!(sandbox.refused(files(), RENDER), ["terraform/dev/main.tf: Symlink"]);
    sandbox.write(files(), FORCE).unwrap();
    assert_eq!(sandbox.text("target"), "precious");
    assert!(fs::symlink_metadata(&path).unwrap().is_file());
}

#[test]
fn leftovers_of_a_killed_run_are_removed() {
    let sandbox = Sandbox::rendered();
    sandbox.put("generated/.staging/0", "half");
    sandbox.put("generated/.staging/deep/er", "x");
    sandbox.write(files(), RENDER).unwrap();
    assert!(!sandbox.exists("generated/.staging"));
}

#[cfg(unix)]
#[test]
fn a_staging_directory_that_is_a_link_is_only_unlinked() {
    let sandbox = Sandbox::rendered();
    sandbox.put("home/precious", "precious");
    std::os::unix::fs::symlink("../home", sandbox.path("generated/.staging")).unwrap();
    let mut changed = files();
    changed[0].contents.push('#');
    sandbox.write(changed, RENDER).unwrap();
    assert_eq!(sandbox.text("home/precious"), "precious");
    assert!(!sandbox.exists("generated/.staging"));
}

#[test]
fn an_error_names_the_operation_and_the_path() {
    let sandbox = Sandbox::rendered();
    sandbox.put("generated/.staging", "a file");
    let before = sandbox.snapshot();
    let error = sandbox.write(files(), FORCE).unwrap_err().to_string();
    assert!(error.starts_with("cannot remove `generated/.staging`: "), "{error}");
    assert_eq!(sandbox.snapshot(), before);
}

#[test]
fn a_directory_that_vanishes_between_is_an_error_and_the_next_render_completes() {
    let sandbox = Sandbox::rendered();
    let mut changed = files();
    changed[2].contents.push('#');
    let folder = sandbox.path("terraform/dev");
    // The directory goes once the file in it has been examined.
    let vanishing = changed.clone().into_iter().chain(std::iter::from_fn(|| {
        fs::remove_dir_all(&folder).unwrap();
        None
    }));
    let error = write(&sandbox.root, &scope(), vanishing.map(Ok), RENDER).unwrap_err().to_string();
    assert_eq!(error, "cannot rename `terraform/dev/main.tf`: No such file or directory (os error 2)");
    assert!(!sandbox.exists("generated/.staging"));
    assert_eq!(
        sandbox.differences(files()),
        ["terraform/dev/main.tf: Missing", "generated/dev/manifest.sha256: Interrupted"]
    );
    sandbox.write(changed.clone(), RENDER).unwrap();
    assert_eq!(sandbox.differences(changed), NONE);
}

#[test]
fn a_panic_while_rendering_leaves_nothing_behind() {
    let sandbox = Sandbox::rendered();
    let mut changed = files();
    changed[0].contents.push('#');
    let panicking = changed.into_iter().chain(std::iter::from_fn(|| panic!("rendering failed")));
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        write(&sandbox.root, &scope(), panicking.map(Ok), RENDER).unwrap()
    }));
    assert!(result.is_err());
    assert!(!sandbox.exists("generated/.staging"));
    assert_eq!(sandbox.differences(files()), NONE);
}

#[cfg(unix)]
#[test]
fn a_write_shuts_out_everybody_and_a_comparison_only_writes() {
    type Act<'a> = dyn Fn(Vec<File>, &dyn Fn()) + 'a;
    let sandbox = Sandbox::rendered();
    let open = || fs::File::open(&sandbox.root).unwrap();
    // Asked while the files are being rendered: whether another could read, whether another could write.
    let probe = |act: &Act<'_>| {
        let seen = std::cell::Cell::new(None);
        act(files(), &|| {
            // One after the other, for the first would be in the way of the second.
            let read = open().try_lock_shared().is_ok();
            let write = open().try_lock().is_ok();
            seen.set(Some((read, write)));
        });
        assert!(open().try_lock().is_ok(), "the lock is left behind");
        seen.get().unwrap()
    };
    let write_with = |options| {
        probe(&|files, look| {
            write(&sandbox.root, &scope(), files.into_iter().inspect(|_| look()).map(Ok), options).unwrap();
        })
    };
    assert_eq!(write_with(RENDER), (false, false));
    assert_eq!(write_with(DRY), (true, false));
    let compared = probe(&|files, look| {
        compare(&sandbox.root, &scope(), files.into_iter().inspect(|_| look()).map(Ok)).unwrap();
    });
    assert_eq!(compared, (true, false));
}

#[test]
fn two_renders_at_once_leave_one_of_their_trees() {
    let sandbox = Sandbox::rendered();
    let tree = |name: &str| -> Vec<File> {
        let common = (0..4).map(|index| file(&format!("generated/dev/{index}"), name));
        common.chain([file(&format!("terraform/dev/{name}/only.tf"), name)]).collect()
    };
    for _ in 0..30 {
        thread::scope(|scope| {
            for name in ["a", "b"] {
                let sandbox = &sandbox;
                scope.spawn(move || sandbox.write(tree(name), RENDER).unwrap());
            }
            // Meanwhile whatever is seen is a whole tree, so nothing in it is somebody's.
            for name in ["a", "b"] {
                for difference in sandbox.compare(tree(name)).unwrap().differences {
                    assert!(!difference.cause.needs_force() && !difference.cause.is_hopeless(), "{difference:?}");
                    assert!(!matches!(difference.cause, Cause::Interrupted), "{difference:?}");
                }
            }
        });
        let clean = ["a", "b"].map(|name| sandbox.differences(tree(name)).is_empty());
        assert!(clean[0] != clean[1], "{clean:?}");
    }
}
