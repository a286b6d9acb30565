//! Questions to a person.

use std::io::Write;

use super::tell;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    No,
    /// The end of stdin: a script, or `docker exec` without `-i`.
    Nobody,
}

/// One line; only `y` and `Y` are a yes.
pub(super) fn ask(question: &str) -> Answer {
    let mut stdout = std::io::stdout().lock();
    // Who cannot read the question can still answer it.
    let _ = write!(stdout, "{question} [y/N]: ").and_then(|()| stdout.flush());
    drop(stdout);
    let mut line = String::new();
    match std::io::stdin().read_line(&mut line) {
        Ok(read) if read > 0 => match line.trim() {
            "y" | "Y" => Answer::Yes,
            _ => Answer::No,
        },
        _ => {
            tell("");
            Answer::Nobody
        }
    }
}

/// Nothing was done, and nobody decided so.
pub(super) const NOBODY: &str = "nobody answered, and nothing was removed; -y answers yes";
