//! Layout of the output: exactly the documented text for scripts, aligned and coloured tables for
//! people.

use crate::runtime::stdio::stdout_is_terminal;

/// Layout of what is printed to stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// The text that wire.md 12.4 documents: stdout is a pipe or a file.
    Documented,
    /// Columns padded with spaces; in colour if the terminal has it and the operator wants it.
    Terminal { colour: bool },
}

impl Style {
    /// Style for the stdout of this process. `NO_COLOR` with any value turns colour off.
    pub(super) fn of_stdout() -> Self {
        let variable = |name| std::env::var_os(name).unwrap_or_default();
        match stdout_is_terminal() {
            false => Self::Documented,
            true => Self::Terminal {
                colour: variable("NO_COLOR").is_empty() && variable("TERM") != "dumb",
            },
        }
    }

    /// The text in this colour, if colours are shown.
    pub(super) fn paint(self, text: &str, colour: Colour) -> String {
        let code = match (self, colour) {
            (Self::Documented | Self::Terminal { colour: false }, _) | (_, Colour::None) => {
                return text.to_owned();
            }
            (_, Colour::Bold) => "1",
            (_, Colour::Green) => "32",
            (_, Colour::Red) => "31",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Colour {
    #[default]
    None,
    Bold,
    Green,
    Red,
}
