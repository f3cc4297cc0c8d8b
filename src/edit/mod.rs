//! Starting and editing a spec: what a person would do with an editor, as data. Nothing here writes to the disk but
//! [`save`].
//!
//! Every edit is an insertion into the text, at a place that the tokens of the file give, so that it can neither move
//! nor change what is there.

pub mod draft;
pub mod example;
pub mod format;
pub mod new;
pub mod outline;
pub mod save;
mod tokens;
