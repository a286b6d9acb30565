//! The commands that only print.

use std::io::Write as _;

use crate::config::args::{ConfigCommand, Usage};
use crate::config::{self, Inputs, version};

/// `influxd-meta config`: the effective configuration as a file.
pub(super) fn config(command: ConfigCommand) -> u8 {
    if command.table {
        return out(&format!(
            "{}\n{}",
            config::markdown_table(),
            config::markdown_accepted()
        ));
    }
    match config::resolve(&Inputs::of_process(command.flags)) {
        Ok((settings, notices)) => {
            for notice in notices {
                eprintln!("influxd-meta: warning: {}", notice.text);
            }
            out(&config::toml(&settings, command.show_secrets))
        }
        Err(invalid) => {
            eprintln!("influxd-meta: {invalid}");
            invalid.exit_code()
        }
    }
}

pub(super) fn version() -> u8 {
    out(&format!("{}\n", version::line()))
}

/// Help goes to stdout when it was asked for, to stderr when the line was wrong.
pub(super) fn usage(usage: &Usage) -> u8 {
    if usage.exit == 0 {
        return out(&usage.text);
    }
    eprint!("{}", usage.text);
    usage.exit
}

/// A reader that went away (`| head`) is no failure worth a panic.
fn out(text: &str) -> u8 {
    let mut stdout = std::io::stdout().lock();
    u8::from(
        stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush())
            .is_err(),
    )
}
