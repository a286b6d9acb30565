//! The targets of the tests under a fuzzer that sees which code was reached. `make fuzz` builds and
//! runs it: `FUZZ_TARGET` names the target, arguments are those of libFuzzer.
#![no_main]

#[path = "../../it/fuzz/targets/mod.rs"]
mod targets;

use std::sync::OnceLock;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    static TARGET: OnceLock<fn(&[u8]) -> bool> = OnceLock::new();
    TARGET.get_or_init(target)(bytes);
});

fn target() -> fn(&[u8]) -> bool {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let named = targets::TARGETS.iter().find(|target| target.name == name);
    let names: Vec<_> = targets::TARGETS.iter().map(|target| target.name).collect();
    named
        .unwrap_or_else(|| panic!("FUZZ_TARGET={name:?} is none of {names:?}"))
        .run
}
