//! What `${NAME:+word}` makes of a stack: the word, or nothing. Everything that gives a container the host is judged in
//! both forms, whatever key it is in.

use crate::model::service::{Mount, Service};
use crate::model::text::{Operator, Reference, Segment, Text, Tree, Value};
use crate::model::{Keys, Named, Stack};

use super::host::always;

/// Conditional variables in a text. With more of them it stays as it is, which is something that only `.env` knows.
const MOST: usize = 4;

/// The stack in each of its forms, as far as the host is concerned; nothing if it has only one.
pub(super) fn of(stack: &Stack) -> Vec<Stack> {
    let mut forms = Vec::new();
    let mut count = 1;
    while forms.len() < count {
        let choice = forms.len();
        let mut form = relevant(stack);
        each_text(&mut form, &mut |text| count = count.max(choose(text, choice)));
        forms.push(form);
    }
    if count > 1 { forms } else { Vec::new() }
}

/// What a review of privileges reads.
fn relevant(stack: &Stack) -> Stack {
    let service = |service: &Service| Service {
        name: service.name.clone(),
        network_mode: service.network_mode.clone(),
        networks: service.networks.clone(),
        mounts: service.mounts.clone(),
        secrets: service.secrets.clone(),
        configs: service.configs.clone(),
        keys: service.keys.clone(),
        paths: service.paths.clone(),
        ..Service::default()
    };
    Stack {
        profile: stack.profile.clone(),
        networks: stack.networks.clone(),
        volumes: stack.volumes.clone(),
        secrets: stack.secrets.clone(),
        configs: stack.configs.clone(),
        services: stack.every_service().map(service).collect(),
        ..Stack::default()
    }
}

/// Chooses the word or nothing for each conditional variable of a text: one bit of the choice for each. Returns the number
/// of choices.
fn choose(text: &mut Text, choice: usize) -> usize {
    let Text::Parts(segments) = text else { return 1 };
    let conditional = |segment: &Segment| match segment {
        Segment::Env(Reference { name, operator: Some(Operator::Alternative(_)) }) => Some(name.clone()),
        _ => None,
    };
    let mut names: Vec<String> = segments.iter().filter_map(conditional).collect();
    if names.is_empty() {
        return 1;
    }
    names.retain(|name| always(name).is_none());
    names.sort_unstable();
    names.dedup();
    if names.len() > MOST {
        return 1;
    }
    let is_set = |name: &str| names.iter().position(|known| known == name).is_none_or(|bit| choice >> bit & 1 == 0);
    *text = Text::joined(std::mem::take(segments).into_iter().flat_map(|segment| match segment {
        Segment::Env(Reference { name, operator: Some(Operator::Alternative(word)) }) => {
            if is_set(&name) {
                word.into_segments()
            } else {
                Vec::new()
            }
        }
        other => vec![other],
    }));
    // A word for what is always set is a form that differs from the text.
    1 << names.len().max(1)
}

fn each_text(stack: &mut Stack, change: &mut impl FnMut(&mut Text)) {
    let Stack { networks, volumes, secrets, configs, services, .. } = stack;
    for Named { keys, .. } in networks.iter_mut().chain(volumes).chain(secrets).chain(configs) {
        of_keys(keys, change);
    }
    for Service { network_mode, mounts, keys, paths, .. } in services {
        network_mode.iter_mut().for_each(&mut *change);
        of_keys(keys, change);
        for named in paths {
            change(&mut named.path);
        }
        for Mount { source, target, read_only, keys, .. } in mounts {
            source.iter_mut().for_each(&mut *change);
            change(target);
            if let Some(Value::Env(text)) = read_only {
                change(text);
            }
            of_keys(keys, change);
        }
    }
}

fn of_keys(keys: &mut Keys, change: &mut impl FnMut(&mut Text)) {
    keys.0.iter_mut().for_each(|(_, tree)| of_tree(tree, change));
}

fn of_tree(tree: &mut Tree, change: &mut impl FnMut(&mut Text)) {
    match tree {
        Tree::Text(text) => change(text),
        Tree::List(items) => items.iter_mut().for_each(|item| of_tree(item, change)),
        Tree::Table(entries) => entries.iter_mut().for_each(|(_, value)| of_tree(value, change)),
        Tree::Integer(_) | Tree::Float(_) | Tree::Boolean(_) => {}
    }
}
