//! Files that templates of the spec make: those of `[files]` and of the project's own kinds.

use super::{Area, Change, Fate, Id, Pair, fates, quoted};
use crate::model::Stack;

/// A file: its path, its template, its text and whether it is executable.
type File<'s> = (&'s str, &'s str, &'s str, bool);

fn of(stack: &Stack) -> Vec<File<'_>> {
    let of_kinds = stack.services.iter().flat_map(|service| &service.files);
    let of_kinds =
        of_kinds.filter_map(|file| Some((&*file.path, file.template.as_deref()?, file.text.as_deref()?, false)));
    let own = stack.files.iter().map(|file| (&*file.path, &*file.template, &*file.text, file.executable));
    of_kinds.chain(own).collect()
}

/// Added and removed files are listed as outputs, and whatever mounts them changes.
pub(super) fn compare(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    for fate in fates(&of(pair.before), &of(pair.after), |(path, ..)| *path) {
        if let Fate::Stays(old, new) = fate
            && (old.2, old.3) != (new.2, new.3)
        {
            let what = format!("the file that {} makes changed", quoted(new.1));
            changes.push(Change::notice(Id::FileChanged, Area::Files, new.0, what));
        }
    }
}
