//! Published regular expressions, recognised in each of their spellings, so that they get a scanner.
//!
//! Only what is proved to match the same way counts as a spelling. A possessive quantifier is a greedy one where what follows never wants
//! back what it has taken: the characters that may follow are others. That is so for the words of [`Letters::Plain`], numbers and
//! punctuation, but not for words with marks (a mark may be the character before the word or its first), nor for `\s*+[\r\n]`.

use super::rules::{Contractions, Letters, Numbers, Prefix, Rules, Tail, White};

/// The regular expression of GPT-2, which Hugging Face's `ByteLevel` pre-tokenizer has when `use_regex` is set.
pub(super) const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

/// The sequence of `DeepSeek` V3 and R1.
pub(super) const DEEPSEEK_V3: [&str; 3] = [
    r"\p{N}{1,3}",
    "[一-龥぀-ゟ゠-ヿ]+",
    r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"##,
];

/// The rules of `regex`, if it is of the family.
pub(super) fn rules(regex: &str) -> Option<Rules> {
    let regex = with_escapes(regex);
    let all = alternatives(&regex)?;
    let (rest, han) = match &all[..] {
        [r"[\p{Han}]+" | r"\p{Han}+" | r"[\p{Han}]++" | r"\p{Han}++", rest @ ..] => (rest, true),
        rest => (rest, false),
    };
    let (rest, contractions) = contractions(rest);
    let (rest, prefix, letters, of_word) = words(rest, han)?;
    let contractions = match (contractions, of_word) {
        (Contractions::None, true) => Contractions::OfWord,
        (_, true) => return None,
        (contractions, false) => contractions,
    };
    let [numbers, punctuation, white @ ..] = rest else { return None };
    let numbers = match (&greedy(numbers)[..], prefix) {
        (r" ?\p{N}+", Prefix::Space) => Numbers::Run,
        (numbers, Prefix::Any) => self::numbers(numbers)?,
        _ => return None,
    };
    let set = if letters == Letters::Marked { r" ?[^\s\p{L}\p{M}\p{N}]+" } else { r" ?[^\s\p{L}\p{N}]+" };
    let tail = match (greedy(punctuation).strip_prefix(set)?, prefix) {
        ("", Prefix::Space) => Tail::None,
        (r"[\r\n]*", Prefix::Any) => Tail::Lines,
        (r"[\r\n/]*", Prefix::Any) => Tail::LinesAndSlashes,
        _ => return None,
    };
    let white = white_space(white, prefix)?;
    Some(Rules { contractions, prefix, letters, numbers, numbers_first: false, tail, white, han })
}

/// Whether `regexes`, each splitting the pieces of the one before, are the sequence of `DeepSeek` V3.
pub(super) fn is_deepseek_v3(regexes: &[String]) -> bool {
    regexes.len() == 3 && regexes.iter().zip(DEEPSEEK_V3).all(|(regex, known)| with_escapes(regex) == known)
}

/// The rules of two splits, if they are numbers and then a pattern of the family.
pub(super) fn rules_after_numbers(regexes: &[String]) -> Option<Rules> {
    let [first, rest] = regexes else { return None };
    let (first, rest) = (numbers(&greedy(first))?, rules(rest)?);
    // Some Han characters are numbers; and white space that is one piece before a number is not told by a block.
    if rest.han || rest.white == White::LinesOrEnd {
        return None;
    }
    let numbers = match (first, rest.numbers) {
        (Numbers::Run, numbers) | (numbers, Numbers::Run) | (_, numbers @ Numbers::UpTo(1)) => numbers,
        (Numbers::UpTo(first), Numbers::UpTo(most)) if first <= most => Numbers::UpTo(first),
        // Three are split into two and one.
        _ => return None,
    };
    Some(Rules { numbers, numbers_first: true, ..rest })
}

fn numbers(regex: &str) -> Option<Numbers> {
    match regex {
        r"\p{N}+" => Some(Numbers::Run),
        r"\p{N}" | r"[\p{N}]" | r"\p{N}{1}" | r"\p{N}{1,1}" => Some(Numbers::UpTo(1)),
        r"\p{N}{1,2}" => Some(Numbers::UpTo(2)),
        r"\p{N}{1,3}" => Some(Numbers::UpTo(3)),
        _ => None,
    }
}

fn contractions<'a, 'r>(all: &'a [&'r str]) -> (&'a [&'r str], Contractions) {
    match all {
        ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", rest @ ..]
        | [r"'(?:[sdmt]|ll|ve|re)" | r"(?:'s|'t|'re|'ve|'m|'ll|'d)", rest @ ..] => (rest, Contractions::Lower),
        [r"'(?i:[sdmt]|ll|ve|re)" | r"(?i:'s|'t|'re|'ve|'m|'ll|'d)" | r"(?i:'[sdmt]|'ll|'ve|'re)", rest @ ..] => {
            (rest, Contractions::AnyCase)
        }
        rest => (rest, Contractions::None),
    }
}

/// The alternatives of words: what is left, what they are, and whether contractions belong to them.
fn words<'a, 'r>(all: &'a [&'r str], han: bool) -> Option<(&'a [&'r str], Prefix, Letters, bool)> {
    let (first, rest) = all.split_first()?;
    if let [second, rest @ ..] = rest {
        for with_contraction in [false, true] {
            if Rules::cased(han, with_contraction) == [*first, *second] {
                return Some((rest, Prefix::Any, Letters::Cased, with_contraction));
            }
        }
    }
    if han {
        return None;
    }
    match &greedy(first)[..] {
        r" ?\p{L}+" => Some((rest, Prefix::Space, Letters::Plain, false)),
        r"[^\r\n\p{L}\p{N}]?\p{L}+" => Some((rest, Prefix::Any, Letters::Plain, false)),
        // Not the possessive ones.
        r"[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+" if !first.contains("?+") => {
            Some((rest, Prefix::Any, Letters::Marked, false))
        }
        _ => None,
    }
}

fn white_space(all: &[&str], prefix: Prefix) -> Option<White> {
    let (at_end, rest) = match all {
        [r"\s++$" | r"\s++\z", rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let (lines, rest) = match rest {
        [r"\s*[\r\n]" | r"\s*[\r\n]+" | r"\s*[\r\n]++", rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    // After `\s+(?!\S)` only a single character is left to match.
    let [r"\s+(?!\S)", r"\s" | r"\s+" | r"\s++"] = rest else { return None };
    match (lines, at_end, prefix) {
        // Without lines the end is one piece anyway.
        (false, _, Prefix::Space) => Some(White::Run),
        (true, false, Prefix::Any) => Some(White::Lines),
        (true, true, Prefix::Any) => Some(White::LinesOrEnd),
        _ => None,
    }
}

/// `alternative` with its possessive quantifiers greedy.
fn greedy(alternative: &str) -> String {
    ["?", "+", "*", "1}", "2}", "3}"]
        .iter()
        .fold(alternative.to_owned(), |text, quantifier| text.replace(&format!("{quantifier}+"), quantifier))
}

/// `regex` with line breaks as escapes: some files have them as they are.
fn with_escapes(regex: &str) -> String {
    regex.replace('\r', r"\r").replace('\n', r"\n")
}

/// The alternatives of `regex`; `None` when its brackets are not understood.
fn alternatives(regex: &str) -> Option<Vec<&str>> {
    let (mut found, mut start, mut depth, mut sets) = (Vec::new(), 0, 0_usize, 0_usize);
    let mut bytes = regex.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => _ = bytes.next(),
            b'[' => sets += 1,
            b']' => sets = sets.checked_sub(1)?,
            b'(' if sets == 0 => depth += 1,
            b')' if sets == 0 => depth = depth.checked_sub(1)?,
            b'|' if sets == 0 && depth == 0 => {
                found.push(&regex[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(&regex[start..]);
    (sets == 0 && depth == 0).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plainest_spelling_of_all_rules_is_recognised() {
        let all = [
            Rules::R50K,
            Rules::CL100K,
            Rules::O200K,
            Rules::LLAMA3,
            Rules::QWEN2,
            Rules::QWEN35,
            Rules::NANOCHAT,
            Rules::TEKKEN,
            Rules::KIMI,
            Rules { contractions: Contractions::None, numbers: Numbers::Run, ..Rules::CL100K },
        ];
        for rules in all {
            let [regex] = &rules.regexes()[..] else { panic!("it is one") };
            assert_eq!(super::rules(regex), Some(rules), "{regex}");
        }
    }

    #[test]
    fn what_only_looks_like_a_spelling_is_not_recognised() {
        let llama3 = Rules::LLAMA3.regexes()[0].clone();
        let changed = |from: &str, to: &str| {
            assert!(llama3.contains(from));
            rules(&llama3.replace(from, to))
        };
        assert_eq!(changed(r"\s*[\r\n]+", r"\s*+[\r\n]+"), None, "it never matches");
        assert_eq!(changed(r"\s+(?!\S)", r"\s++(?!\S)"), None, "it never gives back the last character");
        assert_eq!(changed(r"\p{N}{1,3}", r"\p{N}{1,4}"), None);
        assert_eq!(changed(r"\p{N}{1,3}", r"\p{Nd}{1,3}"), None);
        assert_eq!(rules(&Rules::QWEN35.regexes()[0].replace("]?[", "]?+[")), None, "a lone mark is then not matched");
        assert_eq!(rules(&(llama3.clone() + "|x")), None);
        assert_eq!(rules(&("(?i)".to_owned() + &llama3)), None);
        assert_eq!(rules(""), None);
        assert_eq!(rules("(a|b"), None);
    }
}
