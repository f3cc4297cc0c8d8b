//! `gen schema`.

use std::io;

use stackgen::editor;
use stackgen::spec::schema;

use super::{Outcome, print};
use crate::cli::{Schema, SchemaOf};

pub fn run(arguments: &Schema) -> Outcome {
    let schema = match arguments.of {
        SchemaOf::Stack => editor::STACK.text.to_owned(),
        SchemaOf::Dashboard => editor::DASHBOARD.text.to_owned(),
        SchemaOf::Kind => editor::text_of(&schema::kind()),
        SchemaOf::Report => include_str!("../../templates/report.schema.json").to_owned(),
        SchemaOf::Reference => editor::REFERENCE.text.to_owned(),
    };
    print(io::stdout(), &schema);
    Outcome::Clean
}
