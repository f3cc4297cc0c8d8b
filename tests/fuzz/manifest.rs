//! A folder of outputs as somebody left it: compared, and written without losing what isn't ours.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use camino::Utf8Path;
use sha2::{Digest as _, Sha256};
use stackgen::output::{self, Cause, Error, File, Options, Scope};

use super::project::{self, Spec};
use super::random::Random;
use super::run::Target;
use super::text;

pub const TARGET: Target = Target { name: "manifest", cases: 150, make, check };

/// The outputs.
const OUTPUTS: [(&str, &str); 3] = [("g/p/a.yml", "a: 1\n"), ("g/p/b/c.yml", "c: 2\n"), ("t/p/d.tf", "d\n")];

const MANIFEST: &str = "g/p/manifest.sha256";

/// Files that may be on disk.
const PATHS: [&str; 9] = [
    "g/p/a.yml",
    "g/p/b/c.yml",
    "t/p/d.tf",
    "g/p/old.yml",
    "g/p/b/old.yml",
    "g/p/.env",
    "g/p/x",
    "g/q/other",
    "outside",
];

const TEXTS: [&str; 6] = ["a: 1\n", "c: 2\n", "a: 1\r\n", "old\n", "", "<<<<<<< a\nx\n=======\ny\n>>>>>>> b\n"];

fn scope() -> Scope {
    Scope {
        manifest: MANIFEST.into(),
        folders: vec!["g/p".into(), "t/p".into()],
        others: Some(vec!["g/p/.env".to_owned()]),
        ..Scope::default()
    }
}

fn outputs() -> impl Iterator<Item = Result<File, Error>> {
    OUTPUTS
        .into_iter()
        .map(|(path, contents)| Ok(File { path: path.into(), executable: false, contents: contents.to_owned() }))
}

fn make(random: &mut Random) -> Vec<u8> {
    let mut manifest = String::new();
    for _ in 0..random.below(8) {
        let line = match random.below(12) {
            0 => "<<<<<<< HEAD".to_owned(),
            1 => "=======".to_owned(),
            2 => ">>>>>>> x".to_owned(),
            3 => "# A render is in progress or was interrupted. Run `gen render` to complete it.".to_owned(),
            4 => format!("{}  {}", digest(TEXTS[random.below(TEXTS.len())].as_bytes()), text::text(random)),
            _ => {
                format!("{}  {}", digest(TEXTS[random.below(TEXTS.len())].as_bytes()), PATHS[random.below(PATHS.len())])
            }
        };
        manifest.push_str(&line);
        manifest.push_str(if random.one_in(8) { "\r\n" } else { "\n" });
    }
    let mut manifest = manifest.into_bytes();
    if random.one_in(3) {
        text::scratch(&mut manifest, random);
    }
    let mut files = vec![("stack.toml".to_owned(), manifest)];
    for path in PATHS {
        if random.one_in(2) {
            let given = OUTPUTS.iter().find(|(output, _)| *output == path && random.one_in(2));
            let text = given.map_or_else(|| *random.pick(&TEXTS), |(_, text)| text);
            files.push((path.to_owned(), text.into()));
        }
    }
    Spec { files }.text()
}

/// The manifest is the main file of such an input.
fn check(input: &[u8]) -> bool {
    let folder = project::folder();
    let root = Utf8Path::from_path(folder.path()).unwrap();
    for (index, (path, bytes)) in Spec::read(input).files.iter().enumerate() {
        let path = if index == 0 { MANIFEST } else { path };
        if index == 0 && bytes.is_empty() || index > 0 && !PATHS.contains(&path) {
            continue;
        }
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let before = tree(folder.path());
    let options = |force, dry_run| Options { force, dry_run, prune: true, kept: &[] };
    let compared = output::compare(root, &scope(), outputs()).unwrap();
    let foreseen = output::write(root, &scope(), outputs(), options(false, true));
    assert_eq!(tree(folder.path()), before, "a dry run writes");
    let written = output::write(root, &scope(), outputs(), options(false, false));
    let after = tree(folder.path());
    let is_written = match (foreseen, written) {
        (Err(Error::Refused(foreseen)), Err(Error::Refused(refused))) => {
            assert_eq!(format!("{foreseen:?}"), format!("{refused:?}"));
            assert_eq!(after, before, "refused, but written");
            assert!(!refused.is_empty());
            false
        }
        (Ok(foreseen), Ok(written)) => {
            assert_eq!(format!("{foreseen:?}"), format!("{written:?}"));
            kept(&before, &after, false);
            true
        }
        (foreseen, written) => panic!("{foreseen:?}, but {written:?}"),
    };
    let forced = output::write(root, &scope(), outputs(), options(true, false)).unwrap();
    if is_written {
        assert!(forced.written.is_empty() && forced.removed.is_empty(), "written twice: {forced:?}");
    }
    let after = tree(folder.path());
    kept(&before, &after, true);
    for (path, text) in OUTPUTS {
        assert_eq!(after[path], text.as_bytes(), "{path}");
    }
    let clean = output::compare(root, &scope(), outputs()).unwrap();
    // What isn't an output stays, and is reported.
    assert!(clean.differences.iter().all(|found| matches!(found.cause, Cause::Stray)), "{:?}", clean.differences);
    assert_eq!(compared.differences.is_empty(), before == after && clean.differences.is_empty());
    is_written
}

/// Files stay that `gen` didn't write, as far as the manifest tells: those that it doesn't list, and without force, those
/// that it lists with other contents, unless a merge made them.
fn kept(before: &BTreeMap<String, Vec<u8>>, after: &BTreeMap<String, Vec<u8>>, force: bool) {
    let manifest = before.get(MANIFEST).cloned().unwrap_or_default();
    let manifest = String::from_utf8_lossy(&manifest).to_lowercase();
    for (path, bytes) in before.iter().filter(|(path, _)| *path != MANIFEST) {
        let is_output = OUTPUTS.iter().any(|(output, _)| output == path);
        let times_listed = manifest.matches(path.as_str()).count();
        let unix = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
        let is_listed_so = [bytes.as_slice(), unix.as_bytes()].iter().any(|bytes| manifest.contains(&digest(bytes)));
        let has_marker = ["<<<<<<<", "|||||||", "======="].iter().any(|marker| manifest.contains(marker));
        let is_merged = times_listed > 1 || has_marker || unix.contains(">>>>>>>");
        let is_rendered = OUTPUTS.iter().any(|(output, text)| output == path && *text == unix);
        let may_go = if force {
            is_output || times_listed > 0
        } else {
            is_rendered || times_listed > 0 && (is_listed_so || is_merged)
        };
        assert!(may_go || after.get(path) == Some(bytes), "{path} was somebody's");
    }
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn tree(root: &Path) -> BTreeMap<String, Vec<u8>> {
    fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(root, &path, files);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut files = BTreeMap::new();
    collect(root, root, &mut files);
    files
}
