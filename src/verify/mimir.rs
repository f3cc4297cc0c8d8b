//! Mimir has no flag to check its configuration, but `-modules` loads and validates it, lists the modules and ends before
//! anything is started (`cmd/mimir/main.go` of Mimir 2.16 and 3.0).

use super::{Answer, Consumer, Program, Reading, loki};

pub(super) const CONSUMER: Consumer = Consumer {
    name: "mimir",
    programs: &[Program { name: "mimir", first: &[], version: &["-version"] }],
    how_to_get: "https://grafana.com/docs/mimir/latest/get-started/",
};

/// `error loading config …` with a line for each wrong key, or `error validating config: …`.
pub(super) fn reading(answer: &Answer<'_>) -> Reading {
    if answer.succeeded && answer.stdout.contains("distributor") {
        return Reading::Judged(Vec::new());
    }
    if answer.succeeded {
        return Reading::NoVerdict("it succeeded without listing its modules".to_owned());
    }
    answer.judged(loki::yaml_complaints(answer))
}
