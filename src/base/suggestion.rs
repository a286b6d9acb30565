//! Suggestions for mistyped names.

/// Returns the name in `known` that is most similar to `name`, if at most a third of the letters
/// differ. Two letters in the wrong order are one difference.
pub fn most_similar<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.map(|candidate| (strsim::osa_distance(name, candidate), candidate));
    let (distance, best) = scored.min()?;
    (distance <= name.chars().count().max(3) / 3).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_other_words_are_not() {
        let known = ["peers", "bootstrap-expect", "http-bind-address"];
        let find = |name| most_similar(name, known.iter().copied());
        assert_eq!(find("peer"), Some("peers"));
        assert_eq!(find("boostrap-expct"), Some("bootstrap-expect"));
        assert_eq!(find("https-bind-adress"), Some("http-bind-address"));
        assert_eq!(find("pere"), None);
        assert_eq!(find("pesre"), None);
        assert_eq!(find("peesr"), Some("peers"));
        assert_eq!(find("zookeeper"), None);
    }
}
