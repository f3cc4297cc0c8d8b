//! Names of panels, rows and annotations: the title, if it is not taken.

use std::collections::HashMap;

/// Hands out names that are unique in a dashboard.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// How often each name was asked for; the next suffix to try is found without counting up from 2 again.
    wishes: HashMap<String, usize>,
    taken: std::collections::HashSet<String>,
}

impl Names {
    /// The name itself, or the name with the first free number behind it.
    pub fn unique(&mut self, wish: &str) -> String {
        self.unique_with(wish, " ")
    }

    /// As [`Names::unique`], with another text before the number.
    pub fn unique_with(&mut self, wish: &str, between: &str) -> String {
        let count = self.wishes.entry(wish.to_owned()).or_insert(0);
        loop {
            *count += 1;
            let name = if *count == 1 { wish.to_owned() } else { format!("{wish}{between}{count}") };
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}

/// A title as a name: on one line and without spaces around it.
pub(super) fn name(title: &str) -> String {
    title.split_whitespace().collect::<Vec<_>>().join(" ")
}
