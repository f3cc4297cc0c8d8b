//! `.env.example`.

use askama::Template;

use crate::lit::dotenv as filters;
use crate::model::{Stack, Variable};

#[derive(Template)]
#[template(path = ".env.example")]
struct Dotenv<'a> {
    dev: String,
    groups: Vec<Group<'a>>,
}

/// Variables under one heading.
pub(super) struct Group<'a> {
    pub(super) title: &'a str,
    pub(super) variables: Vec<&'a Variable>,
}

/// Variables by heading, in the order in which the headings first appear.
pub(super) fn groups(stack: &Stack) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for variable in &stack.variables {
        match groups.iter_mut().find(|group| group.title == variable.group) {
            Some(group) => group.variables.push(variable),
            None => groups.push(Group { title: &variable.group, variables: vec![variable] }),
        }
    }
    groups
}

pub(super) fn render(stack: &Stack) -> askama::Result<String> {
    Dotenv { dev: stack.dev(), groups: groups(stack) }.render()
}
