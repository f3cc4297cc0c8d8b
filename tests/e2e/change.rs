//! A changed generated file, and who runs anew for it.

use super::stack::Stack;

#[test]
fn a_changed_generated_file_recreates_only_its_reader() {
    let stack = Stack::new("change");
    stack.up();
    let before = stack.containers();

    stack.change("settings.retention = \"72h\"", "settings.retention = \"96h\"");
    let ps = stack.dev(&["ps"]).succeeded();
    let stale: Vec<&str> = ps.stdout.lines().filter(|line| line.contains("stale")).collect();
    assert!(matches!(stale.as_slice(), [line] if line.contains("loki")), "{ps}");

    stack.up();
    let after = stack.containers();
    for (service, id) in &before {
        assert_eq!(after.get(service) == Some(id), service != "loki", "{service}: {before:#?} {after:#?}");
    }
    assert_eq!(stack.inspect("loki")["State"]["Health"]["Status"], "healthy");
    let ps = stack.dev(&["ps"]).succeeded();
    assert!(!ps.stdout.contains("stale"), "{ps}");

    // What the spec says differently, but no container reads.
    stack.change("description = \"The page\"", "description = \"A page\"");
    stack.up();
    assert_eq!(stack.containers(), after);
}
