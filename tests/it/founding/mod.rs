//! The founding state machine (founding.md 2, 3, 4 and 9) without IO: each rule by name, and seeded
//! schedules of a simulated world.

mod invariants;
mod manual;
mod rows;
mod schedules;
mod world;

/// The manual's safety argument names the tests that hold it. Each of those tests must exist under
/// that name.
#[test]
fn every_test_that_the_manual_names_is_there() {
    let manual = concat!(
        include_str!("../../../src/docs/founding.md"),
        include_str!("../../../src/docs/membership.md")
    );
    let stories = concat!(
        include_str!("rows.rs"),
        include_str!("manual.rs"),
        include_str!("schedules.rs"),
        include_str!("invariants.rs"),
        include_str!("../simulation/mod.rs"),
        include_str!("../simulation/lives.rs"),
        include_str!("../simulation/random.rs"),
        include_str!("../membership/rows.rs"),
        include_str!("../membership/schedules.rs"),
        include_str!("../membership/invariants.rs"),
        include_str!("../../hostile/twins.rs")
    );
    let quoted = manual.split('`').skip(1).step_by(2);
    let named: Vec<&str> = quoted
        .filter(|word| word.matches('_').count() > 2)
        .collect();
    assert!(named.len() > 20, "{named:?}");
    for name in named {
        assert!(
            stories.contains(&format!("fn {name}(")),
            "{name} is no test"
        );
    }
    for invariant in [
        "no two clusters over one list can both elect",
        "acknowledged data is not founded over",
        "one Raft id belongs to one incarnation for ever",
        "a tombstoned incarnation is never a voter again",
        "a live voter that an answering member hears is not replaced",
        "Replace takes the old one out and the newcomer in together",
        "voters change only by Replace, Remove and join",
    ] {
        assert!(
            manual.contains(invariant) && stories.contains(invariant),
            "{invariant}"
        );
    }
}
