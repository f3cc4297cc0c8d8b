//! `gen kind`.

use std::fmt::Write as _;
use std::io;

use stackgen::spec::kind::Kind;

use super::{Outcome, print};
use crate::cli::KindCommand;

pub fn run(KindCommand::Show { name }: &KindCommand) -> Outcome {
    let mut text = String::new();
    for (file, contents) in Kind::files_of_built_in(name).into_iter().flatten() {
        let space = if text.is_empty() { "" } else { "\n" };
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "{space}# {file}\n{}", contents.trim_end());
    }
    print(io::stdout(), &text);
    Outcome::Clean
}
