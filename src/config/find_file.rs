//! Choice of the configuration file.

use std::path::{Path, PathBuf};

use super::inputs::Inputs;
use super::source::Source;

/// Path of the file in the package and in the image.
pub const DEFAULT_PATH: &str = "/etc/influxdb/influxdb-meta.conf";

const VARIABLE: &str = "INFLUXDB_META_CONFIG_PATH";

/// Returns the first of: `-config`, the variable, the home directory, `/etc`. `/dev/null` means no
/// file.
///
/// A file named by a flag or a variable must exist; a file at one of the default paths need not.
/// The exception: the variable names [`DEFAULT_PATH`], as the image sets it. Then a missing file is
/// allowed too, because a volume mounted over `/etc/influxdb` must not stop the start.
pub(super) fn find_file(inputs: &Inputs) -> Option<(PathBuf, Source)> {
    let from_variable = inputs
        .variables
        .get(VARIABLE)
        .filter(|path| !path.is_empty());
    let named = match (&inputs.flags.config, from_variable) {
        (Some(path), _) if !path.as_os_str().is_empty() => {
            Some((path.clone(), Source::Flag("config")))
        }
        (_, Some(path)) => Some((PathBuf::from(path), Source::Variable(VARIABLE.into()))),
        _ => None,
    };
    if let Some((path, named_by)) = named {
        let is_default = matches!(named_by, Source::Variable(_)) && path == Path::new(DEFAULT_PATH);
        let is_none = path == Path::new("/dev/null") || is_default && !path.exists();
        return (!is_none).then_some((path, named_by));
    }
    let home = inputs.variables.get("HOME").filter(|home| !home.is_empty());
    let in_home = home.map(|home| Path::new(home).join(".influxdb/influxdb-meta.conf"));
    in_home
        .into_iter()
        .chain([PathBuf::from(DEFAULT_PATH)])
        .find(|path| path.is_file())
        .map(|path| (path, Source::Default))
}
