//! Everything from outside that a configuration is made of.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::key::KeySpec;

/// The variables, flags and host name that a configuration is read from.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    pub variables: BTreeMap<String, String>,
    pub flags: Flags,
    /// The system's name for this host.
    pub host_name: String,
}

/// The part of the command line that concerns the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    pub config: Option<PathBuf>,
    pub single_server: bool,
    pub pidfile: Option<PathBuf>,
    /// Keys that were set by a flag, with the flag's text.
    pub keys: Vec<(&'static KeySpec, String)>,
    /// Names of flags that were given, that the product has, and that do nothing here.
    pub without_effect: Vec<String>,
}

impl Inputs {
    /// Reads the variables and the host name of this process.
    pub fn of_process(flags: Flags) -> Self {
        let text = |os: std::ffi::OsString| os.to_string_lossy().into_owned();
        let variables = std::env::vars_os()
            .map(|(name, value)| (text(name), text(value)))
            .collect();
        let host_name = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        Self {
            variables,
            flags,
            host_name,
        }
    }
}
