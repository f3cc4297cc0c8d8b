//! `gen schema`.

use std::io;

use stackgen::spec::schema;

use super::{Outcome, print, report};
use crate::cli::{Schema, SchemaOf};

pub fn run(arguments: &Schema) -> Outcome {
    let schema = match arguments.of {
        SchemaOf::Stack => schema::stack(),
        SchemaOf::Dashboard => schema::dashboard(),
    };
    print(io::stdout(), &report::serialise(&schema));
    Outcome::Clean
}
