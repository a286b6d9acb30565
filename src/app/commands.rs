//! The commands that only print: `config`, `version`, help.

use crate::config::args::{ConfigCommand, ConfigOutput, Usage};
use crate::config::{self, Inputs, version};
use crate::runtime::stdio::{print, print_error};

/// Runs `influxd-meta config`.
pub(super) fn config(command: ConfigCommand) -> u8 {
    let tables = || {
        format!(
            "{}\n{}",
            config::markdown_table(),
            config::markdown_accepted()
        )
    };
    match command.output {
        ConfigOutput::Tables => out(&tables()),
        ConfigOutput::Sample => out(&config::sample()),
        ConfigOutput::Effective => effective(command),
    }
}

/// Prints the effective configuration as a file.
fn effective(command: ConfigCommand) -> u8 {
    match config::resolve(&Inputs::of_process(command.flags)) {
        Ok((settings, notices)) => {
            for notice in notices {
                print_error(&format!("influxd-meta: warning: {}", notice.text));
            }
            out(&config::toml(&settings, command.show_secrets))
        }
        Err(invalid) => {
            print_error(&format!("influxd-meta: {invalid}"));
            invalid.exit_code()
        }
    }
}

pub(super) fn version() -> u8 {
    out(&format!("{}\n", version::line()))
}

/// Prints help to stdout if it was requested, and to stderr if the line was wrong.
pub(super) fn usage(usage: &Usage) -> u8 {
    if usage.exit == 0 {
        return out(&usage.text);
    }
    print_error(usage.text.trim_end());
    usage.exit
}

/// Prints what was requested and returns the exit code: 1 if stdout is closed (`| head`) or full.
fn out(text: &str) -> u8 {
    u8::from(print(text).is_err())
}
