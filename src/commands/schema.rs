//! `gen schema`.

use std::io;

use stackgen::editor;

use super::{Outcome, print};
use crate::cli::{Schema, SchemaOf};

pub fn run(arguments: &Schema) -> Outcome {
    let schema = match arguments.of {
        SchemaOf::Stack => editor::STACK,
        SchemaOf::Dashboard => editor::DASHBOARD,
    };
    print(io::stdout(), schema.text);
    Outcome::Clean
}
