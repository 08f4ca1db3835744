//! What can be asked of word vectors, beside a naive version.

use proptest::prelude::*;
use tokenmill_word_vectors::{Error, Near, WordVectors};

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths > 0.0 { dot(a, b) / lengths } else { 0.0 }
}

fn some_vectors() -> impl Strategy<Value = WordVectors> {
    (1usize..40, 1usize..40).prop_flat_map(|(words, dimensions)| {
        proptest::collection::vec(-8i8..8, words * dimensions).prop_map(move |values| {
            let names = (0..words).map(|word| format!("w{word}")).collect();
            WordVectors::new(names, values.into_iter().map(f32::from).collect(), dimensions).expect("they fit")
        })
    })
}

#[track_caller]
fn check(vectors: &WordVectors, nearest: &[Near], vector: &[f32], count: usize, without: &[&str]) {
    let all: Vec<f64> = vectors
        .words()
        .iter()
        .filter(|word| !without.contains(&&***word))
        .map(|word| cosine(vectors.get(word).expect("it is there"), vector))
        .collect();
    assert_eq!(nearest.len(), count.min(all.len()));
    let mut expected = all.clone();
    expected.sort_by(|a, b| b.total_cmp(a));
    for (near, expected) in nearest.iter().zip(expected) {
        assert!((f64::from(near.similarity) - expected).abs() < 1e-5, "{near:?} {expected}");
        let own = cosine(vectors.get(vectors.word(near.index)).expect("it is there"), vector);
        assert!((f64::from(near.similarity) - own).abs() < 1e-5, "{near:?} {own}");
        assert!(!without.contains(&vectors.word(near.index)));
    }
    assert!(nearest.is_sorted_by(|a, b| b.similarity.total_cmp(&a.similarity).then(a.index.cmp(&b.index)).is_lt()));
}

proptest! {
    #[test]
    fn nearest_words_are_those_of_the_largest_cosines(vectors in some_vectors(), count in 0usize..50) {
        let word = &*vectors.words()[vectors.len() / 2];
        let vector = vectors.get(word).expect("it is there").to_vec();
        check(&vectors, &vectors.nearest_to(word, count).expect("it is known"), &vector, count, &[word]);
        check(&vectors, &vectors.nearest(&vector, count).expect("it fits"), &vector, count, &[]);
    }

    #[test]
    fn an_analogy_is_nearest_to_b_less_a_and_c(vectors in some_vectors()) {
        let [a, b, c] = [0, vectors.len() / 3, vectors.len() - 1].map(|row| vectors.words()[row].to_string());
        let unit = |word: &str| {
            let row = vectors.get(word).expect("it is there");
            let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
            row.iter().map(|value| if length > 0.0 { value / length } else { 0.0 }).collect::<Vec<f32>>()
        };
        let sum: Vec<f32> =
            unit(&b).iter().zip(unit(&a)).zip(unit(&c)).map(|((b, a), c)| b - a + c).collect();
        prop_assume!(sum.iter().map(|value| value * value).sum::<f32>() > 1e-3);
        check(&vectors, &vectors.analogy(&a, &b, &c, 5).expect("they are known"), &sum, 5, &[&a, &b, &c]);
    }
}

#[test]
fn unknown_words_and_other_lengths_are_errors() {
    let vectors = WordVectors::new(vec!["a".into(), "b".into()], vec![1.0, 0.0, 0.0, 1.0], 2).expect("they fit");
    assert!(matches!(vectors.nearest_to("c", 1), Err(Error::UnknownWord { word }) if word == "c"));
    assert!(matches!(vectors.similarity("a", "c"), Err(Error::UnknownWord { .. })));
    assert!(matches!(vectors.nearest(&[1.0], 1), Err(Error::LengthMismatch { expected: 2, actual: 1 })));
    assert!(WordVectors::new(vec!["a".into(), "a".into()], vec![1.0, 2.0], 1).is_err());
    assert!(WordVectors::new(vec!["a".into()], vec![1.0, 2.0], 1).is_err());
    assert!(WordVectors::new(vec![], vec![], 0).is_err());
    assert!((vectors.similarity("a", "a").expect("it is known") - 1.0).abs() < 1e-6);
}

#[test]
fn words_of_any_length_have_a_direction() {
    // The first as they are, the others by a factor; both one in three dimensions and of more than a register has.
    for dimensions in [2, 37] {
        let rows: Vec<Vec<f32>> = (0..5)
            .map(|row| (0..dimensions).map(|at| ((row * 7 + at * 3 + row * at) % 11) as f32 - 5.0).collect())
            .collect();
        let names = || (0..5).map(|row| format!("w{row}")).collect::<Vec<_>>();
        let plain = WordVectors::new(names(), rows.concat(), dimensions).expect("they fit");
        for factor in [1e-40f32, 1e-25, 1e-22, 1e-20, 1e-13, 1e-11, 1e14, 1e19, 1e30, 6e37] {
            let scaled = |row: &Vec<f32>, factor: f32| row.iter().map(|value| value * factor).collect::<Vec<_>>();
            let factors = [1.0, factor, factor, 1.0 / factor.max(1e-30), 1.0];
            let table = rows.iter().zip(factors).flat_map(|(row, factor)| scaled(row, factor)).collect();
            let vectors = WordVectors::new(names(), table, dimensions).expect("they are finite");
            let near = |a: f32, b: f32| assert!((a - b).abs() < 1e-4, "{factor}: {a} {b}");
            for (a, b) in (0..5).flat_map(|a| (0..5).map(move |b| (format!("w{a}"), format!("w{b}")))) {
                let expected = plain.similarity(&a, &b).expect("they are known");
                near(vectors.similarity(&a, &b).expect("they are known"), expected);
            }
            let same = |found: Vec<Near>, expected: Vec<Near>| {
                assert_eq!(found.len(), expected.len());
                found.iter().zip(&expected).for_each(|(a, b)| near(a.similarity, b.similarity));
            };
            for word in ["w0", "w1", "w3"] {
                let of = |vectors: &WordVectors| vectors.nearest_to(word, 5).expect("it is known");
                same(of(&vectors), of(&plain));
            }
            let of = |vectors: &WordVectors| vectors.analogy("w0", "w1", "w3", 5).expect("they are known");
            same(of(&vectors), of(&plain));
        }
    }
    let zero = WordVectors::new(vec!["a".into(), "b".into()], vec![0.0, 0.0, 1e-30, 0.0], 2).expect("they fit");
    assert_eq!(zero.similarity("a", "b").expect("they are known").to_bits(), 0);
    assert!(zero.nearest_to("a", 1).expect("it is known")[0].similarity == 0.0);
}

#[test]
fn a_vector_of_any_length_has_a_direction() {
    let vectors = WordVectors::new(vec!["a".into(), "b".into()], vec![1.0, 0.0, 0.5, 0.5], 2).expect("they fit");
    let of = |vector: &[f32]| vectors.nearest(vector, 2).expect("it fits");
    let expected = of(&[0.25, 1.0]);
    assert_eq!(expected[0].index, 1);
    for exponent in [-140, -70, -1, 3, 64, 100, 127] {
        let factor = 2f64.powi(exponent) as f32;
        assert_eq!(of(&[0.25 * factor, factor]), expected, "2^{exponent}");
    }
    assert!(of(&[0.0, 0.0]).iter().all(|near| near.similarity == 0.0));
    for number in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert!(matches!(vectors.nearest(&[1.0, number], 1), Err(Error::InvalidOption { .. })));
    }
}
