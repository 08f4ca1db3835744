//! Makes a text that shows a fault shorter.

/// A short text with the fault of `text`: no single character of it can go, and none that is not ASCII can become an `a`. The text itself
/// when it has no fault. Stops early after `attempts` questions to `is_faulty`.
pub fn minimise(text: &str, mut attempts: usize, mut is_faulty: impl FnMut(&str) -> bool) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    let mut ask = |characters: &[char]| {
        attempts = attempts.saturating_sub(1);
        attempts > 0 && is_faulty(&characters.iter().collect::<String>())
    };
    if !ask(&characters) {
        return text.to_owned();
    }
    // Ever smaller parts are left out, until no single one can be.
    let mut part = characters.len().div_ceil(2).max(1);
    loop {
        let (mut at, mut any_went) = (0, false);
        while at < characters.len() {
            let end = (at + part).min(characters.len());
            let without = [&characters[..at], &characters[end..]].concat();
            if ask(&without) {
                (characters, any_went) = (without, true);
            } else {
                at = end;
            }
        }
        match part {
            1 if !any_went => break,
            1 => {}
            _ => part = part.div_ceil(2),
        }
    }
    for at in 0..characters.len() {
        if !characters[at].is_ascii() {
            let original = std::mem::replace(&mut characters[at], 'a');
            if !ask(&characters) {
                characters[at] = original;
            }
        }
    }
    characters.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::minimise;

    #[test]
    fn only_what_is_faulty_is_left() {
        let faulty = |text: &str| text.contains('q') && text.contains("\u{17f}'");
        let text = "some q text é中 and more of it \u{17f}' and an end".repeat(3);
        assert_eq!(minimise(&text, 10_000, faulty), "\u{17f}'q");
        assert_eq!(minimise("中文", 100, |text| text.chars().count() == 2), "aa");
        assert_eq!(minimise("no fault", 100, faulty), "no fault");
    }

    #[test]
    fn it_stops_after_that_many_attempts() {
        let (text, mut asked) = ("x".repeat(1000), 0);
        let found = minimise(&text, 10, |_| {
            asked += 1;
            true
        });
        assert!(asked < 10 && found.len() < 1000, "{asked} {}", found.len());
    }
}
