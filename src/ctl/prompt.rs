//! Questions to the operator.

use super::output::write_stdout;
use super::session::Session;
use crate::runtime::stdio::print;

/// Asks the operator. Returns true for yes, and without asking with `-y`. The session's timeout
/// starts again afterwards.
///
/// # Errors
/// The operator gave no answer; the line for stderr.
pub(super) fn confirmed(session: &mut Session, yes: bool, question: &str) -> Result<bool, String> {
    let answer = if yes {
        PromptAnswer::Yes
    } else {
        ask(question)
    };
    session.restart_timeout();
    match answer {
        PromptAnswer::Yes => Ok(true),
        PromptAnswer::No => Ok(false),
        PromptAnswer::EndOfInput => Err(session.line(NO_ANSWER)),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PromptAnswer {
    Yes,
    No,
    /// End of stdin: a script, or `docker exec` without `-i`.
    EndOfInput,
}

/// Reads one line; only `y` and `Y` mean yes.
fn ask(question: &str) -> PromptAnswer {
    // If stdout is closed, the operator can still answer.
    let _ = print(&format!("{question} [y/N]: "));
    let mut line = String::new();
    match std::io::stdin().read_line(&mut line) {
        Ok(read) if read > 0 => match line.trim() {
            "y" | "Y" => PromptAnswer::Yes,
            _ => PromptAnswer::No,
        },
        _ => {
            write_stdout("");
            PromptAnswer::EndOfInput
        }
    }
}

const NO_ANSWER: &str = "nobody answered, so the node stays; -y answers yes";
