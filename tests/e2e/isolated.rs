//! Two work trees of one stack, side by side.

use std::collections::BTreeSet;

use super::stack::Stack;

#[test]
fn two_work_trees_run_side_by_side() {
    // The same names and ports in both, which only one of them could have.
    let mut trees = Stack::twins("beside");
    for (tree, page) in trees.iter_mut().zip(["one", "other"]) {
        tree.project.write("files/page.html", format!("<h1>{page}</h1>\n"));
        let missing = tree.dev(&["up", "--wait", "--isolated"]).failed();
        missing.says(&["this work tree has a stack of its own", "gen dev build"]);
        tree.dev(&["build"]).succeeded();
        tree.find_isolated("dev");
        tree.up().says(&[&format!(":{}", tree.web)]);
    }
    trees.iter().for_each(Stack::show);

    let [one, other] = &trees;
    assert_ne!((&one.name, one.web), (&other.name, other.web));
    assert!(one.get("/").ends_with("<h1>one</h1>\n") && other.get("/").ends_with("<h1>other</h1>\n"));
    let named = |tree: &Stack| -> BTreeSet<String> {
        tree.everything().iter().filter_map(|line| line.split(' ').nth(1)).map(ToOwned::to_owned).collect()
    };
    for tree in &trees {
        let everything = tree.everything();
        for (kind, count) in [("container", 6), ("network", 1), ("volume", 2)] {
            assert_eq!(everything.iter().filter(|one| one.starts_with(kind)).count(), count, "{everything:?}");
        }
        tree.dev(&["ps"]).succeeded().says(&[&format!(":{}", tree.web), "healthy"]);
        let check = tree.project.run(&["check"]);
        assert_eq!(check.code, Some(0), "{check}");
    }
    assert!(named(one).is_disjoint(&named(other)), "{:?} {:?}", named(one), named(other));

    let running = other.containers();
    one.dev(&["down"]).succeeded();
    // Its ports are remembered.
    one.dev(&["up", "--wait"]).succeeded().says(&[&format!(":{}", one.web)]);
    one.dev(&["down", "-v"]).succeeded();
    assert_eq!(one.everything(), [""; 0]);
    assert_eq!(other.containers(), running);
    assert!(other.get("/").ends_with("<h1>other</h1>\n"));
    other.dev(&["down", "-v"]).succeeded();
    assert_eq!(other.everything(), [""; 0]);
}
