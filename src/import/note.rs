//! Notes about an import.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fmt;

/// What happened to a piece of the JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It is below `grafana`, unchanged.
    Passed,
    /// It is written in another way.
    Converted,
    /// It is somewhere else in the dashboard.
    Moved,
    /// It had to be guessed or can't be checked.
    Assumed,
    /// It is not in the result.
    Dropped,
}

impl Kind {
    /// Every kind, in the order in which they are counted.
    pub const ALL: [Self; 5] = [Self::Passed, Self::Converted, Self::Moved, Self::Assumed, Self::Dropped];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed through",
            Self::Converted => "converted",
            Self::Moved => "moved",
            Self::Assumed => "assumed",
            Self::Dropped => "dropped",
        })
    }
}

/// One note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What happened.
    pub kind: Kind,
    /// The panel, variable, annotation or row: "panel `CPU`"; "dashboard" otherwise.
    pub place: String,
    /// The JSON path: `panels[3].options.foo`; empty for the whole dashboard.
    pub path: String,
    /// What and why.
    pub message: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, place, path, message } = self;
        let path = if path.is_empty() { "." } else { path };
        // Titles come from a file that may hold anything; a terminal must not get control characters.
        for c in format!("{kind}: {place}: {path}: {message}").chars() {
            if c.is_control() { write!(f, "{}", c.escape_default())? } else { write!(f, "{c}")? }
        }
        Ok(())
    }
}

/// The notes of one import.
#[derive(Debug, Default)]
pub(super) struct Notes {
    list: RefCell<Vec<Note>>,
    said: RefCell<HashSet<String>>,
    /// How many there are besides.
    left_out: Cell<usize>,
}

/// The limit of notes: a megabyte of nonsense has a million of them.
const MOST: usize = 100_000;

impl Notes {
    pub fn add(&self, kind: Kind, place: &str, path: &str, message: impl Into<String>) {
        let mut notes = self.list.borrow_mut();
        if notes.len() < MOST {
            notes.push(Note { kind, place: place.to_owned(), path: path.to_owned(), message: message.into() });
        } else {
            self.left_out.set(self.left_out.get() + 1);
        }
    }

    /// Adds a note about the dashboard that would be the same for every panel.
    pub fn once(&self, kind: Kind, path: &str, message: &str) {
        if self.said.borrow_mut().insert(format!("{path}\n{message}")) {
            self.add(kind, "dashboard", path, message);
        }
    }

    /// Adds a note unless the place has the same one already: a panel's queries repeat its datasource.
    pub fn add_new(&self, kind: Kind, place: &str, path: &str, message: String) {
        if self.said.borrow_mut().insert(format!("{place}\n{message}")) {
            self.add(kind, place, path, message);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.list.borrow().is_empty()
    }

    pub fn into_vec(self) -> Vec<Note> {
        let mut notes = self.list.into_inner();
        if self.left_out.get() > 0 {
            let message = format!("{} more notes like these", self.left_out.get());
            notes.push(Note { kind: Kind::Dropped, place: "dashboard".to_owned(), path: String::new(), message });
        }
        notes
    }
}
