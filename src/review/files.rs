//! Files that templates of the spec make: those of `[files]` and of the project's own kinds.

use super::{Area, Change, Fate, Id, Pair, fates, quoted};
use crate::model::{Outputs, Stack};

/// A file: its path, its template, its text and whether it is executable.
type File<'s> = (&'s str, &'s str, &'s str, bool);

fn of(stack: &Stack) -> Vec<File<'_>> {
    let of_kinds = stack.services.iter().flat_map(|service| &service.files);
    let of_kinds =
        of_kinds.filter_map(|file| Some((&*file.path, file.template.as_deref()?, file.text.as_deref()?, false)));
    let own = stack.files.iter().map(|file| (&*file.path, &*file.template, &*file.text, file.executable));
    of_kinds.chain(own).collect()
}

/// Files that change, and those that are not part of a service that was added or removed.
pub(super) fn compare(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    let own = |stack: &Stack, path: &str| stack.files.iter().any(|file| file.path == path);
    let mut add = |path: &str, what: String| changes.push(Change::notice(Id::FileChanged, Area::Files, path, what));
    for fate in fates(&of(pair.before), &of(pair.after), |(path, ..)| *path) {
        match fate {
            Fate::Stays(old, new) if (old.2, old.3) != (new.2, new.3) => {
                add(new.0, format!("the file that {} makes changed", quoted(new.1)));
            }
            Fate::Added(new) if own(pair.after, new.0) => add(new.0, format!("added, made by {}", quoted(new.1))),
            Fate::Removed(old) if own(pair.before, old.0) => add(old.0, "removed".to_owned()),
            _ => {}
        }
    }
    let of = |stack: &Stack| {
        let Outputs { readme, env_example, schemas, reference, .. } = stack.outputs;
        [("README.md", readme), (".env.example", env_example), ("the schemas", schemas), ("REFERENCE.md", reference)]
    };
    for ((name, before), (_, after)) in of(pair.before).into_iter().zip(of(pair.after)) {
        if before != after {
            add(name, if after { "generated" } else { "no longer generated" }.to_owned());
        }
    }
}
