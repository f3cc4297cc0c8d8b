//! Keys of older formats, which `gen upgrade` renames.

/// Keys of a cluster that belong to its table `dsql` since format 2.
pub const OF_DSQL: [&str; 6] = ["host", "database", "pool", "token_duration", "staggered_startup", "reservoir"];

/// What a diagnostic says of them.
pub const HELP: &str = "it is a key of an older format: run `gen upgrade`";

/// Whether a table, as messages call it, had a key in an older format.
pub fn had(what: &str, key: &str) -> bool {
    match what {
        "a service" => key == "compose",
        "a cluster" => OF_DSQL.contains(&key),
        _ => false,
    }
}
