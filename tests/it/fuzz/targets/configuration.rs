//! Configuration files and variables, as operators write them.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::path::PathBuf;

use influxdb_meta::config::{self, Flags, Inputs};

/// A file. All its problems are reported; without problems, the output of `influxd-meta config`
/// means the same as the file.
pub(crate) fn config_file(bytes: &[u8]) -> bool {
    settles(&inputs(bytes, BTreeMap::new()))
}

/// Lines of `NAME=value`, without a file.
pub(crate) fn variables(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    settles(&inputs(
        b"",
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    ))
}

fn settles(inputs: &Inputs) -> bool {
    let loaded = config::load(inputs);
    match (config::resolve(inputs), loaded) {
        (Ok((settings, _)), Ok(_)) => {
            let printed = config::toml(&settings, true);
            let (again, _) = config::resolve(&self::inputs(printed.as_bytes(), BTreeMap::new()))
                .unwrap_or_else(|invalid| panic!("{invalid}\nin what was printed:\n{printed}"));
            assert_eq!(config::toml(&again, true), printed);
            true
        }
        (Err(invalid), Err(_)) => {
            assert!(!invalid.problems.is_empty() && !invalid.to_string().trim().is_empty());
            false
        }
        (settled, loaded) => panic!("{settled:?} but {loaded:?}"),
    }
}

/// Inputs with this content as the file.
#[expect(clippy::disallowed_methods, reason = "the program reads a real file")]
fn inputs(file: &[u8], variables: BTreeMap<String, String>) -> Inputs {
    thread_local! {
        static PATH: LazyCell<PathBuf> = const { LazyCell::new(|| {
            let thread = format!("{:?}", std::thread::current().id()).replace(['(', ')'], "-");
            std::env::temp_dir().join(format!("influxdb-meta-fuzz-{}-{thread}.conf", std::process::id()))
        }) };
    }
    let path = PATH.with(|path| PathBuf::clone(path));
    std::fs::write(&path, file).expect("a file");
    let flags = Flags {
        config: Some(path),
        ..Flags::default()
    };
    Inputs {
        variables,
        flags,
        host_name: "box".into(),
    }
}
