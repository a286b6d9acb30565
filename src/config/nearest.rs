//! The known name that a mistyped one was meant to be.

/// The closest of `known`, when it is close enough to be worth saying.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.map(|candidate| (distance(name, candidate), candidate));
    let (distance, best) = scored.min()?;
    // A third of the letters wrong is a slip; more is another word.
    (distance <= name.chars().count().max(3) / 3).then_some(best)
}

/// Levenshtein's, one row at a time.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, right) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_other_words_are_not() {
        let known = ["peers", "bootstrap-expect", "http-bind-address"];
        let find = |name| nearest(name, known.iter().copied());
        assert_eq!(find("peer"), Some("peers"));
        assert_eq!(find("boostrap-expct"), Some("bootstrap-expect"));
        assert_eq!(find("https-bind-adress"), Some("http-bind-address"));
        assert_eq!(find("zookeeper"), None);
    }
}
