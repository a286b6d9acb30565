//! Which configuration file is read.

use std::path::{Path, PathBuf};

use super::layers::Inputs;
use super::problem::Source;

/// Where the package and the image put it.
pub const DEFAULT_PATH: &str = "/etc/influxdb/influxdb-meta.conf";

const VARIABLE: &str = "INFLUXDB_META_CONFIG_PATH";

/// The first of: `-config`, the variable, the home directory, `/etc`. `/dev/null` means none.
///
/// A file that somebody named must exist; one of the usual places need not, also when the variable
/// (which the image sets) names just that place: a volume mounted over `/etc/influxdb` must not
/// stop the start.
pub(super) fn find(inputs: &Inputs) -> Option<(PathBuf, Source)> {
    let from_variable = inputs
        .variables
        .get(VARIABLE)
        .filter(|path| !path.is_empty());
    let named = match (&inputs.flags.config, from_variable) {
        (Some(path), _) if !path.as_os_str().is_empty() => {
            Some((path.clone(), Source::Flag("config".into())))
        }
        (_, Some(path)) => Some((PathBuf::from(path), Source::Variable(VARIABLE.into()))),
        _ => None,
    };
    if let Some((path, named_by)) = named {
        let usual = matches!(named_by, Source::Variable(_)) && path == Path::new(DEFAULT_PATH);
        let none = path == Path::new("/dev/null") || usual && !path.exists();
        return (!none).then_some((path, named_by));
    }
    let home = inputs.variables.get("HOME").filter(|home| !home.is_empty());
    let in_home = home.map(|home| Path::new(home).join(".influxdb/influxdb-meta.conf"));
    let usual = in_home.into_iter().chain([PathBuf::from(DEFAULT_PATH)]);
    usual
        .into_iter()
        .find(|path| path.is_file())
        .map(|path| (path, Source::Default))
}
