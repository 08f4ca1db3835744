use super::*;

fn short(text: &str) -> Short {
    Short::of(text.as_bytes(), 0, text.len())
}

fn get(cache: &Cache, text: &str, hash: u64) -> Option<Vec<u32>> {
    let mut ids = [0; INLINE];
    match cache.get_short(short(text), hash, &mut ids) {
        ABSENT => None,
        count @ 0..=Cache::SHORT_INLINE => Some(ids[..count as usize].to_vec()),
        count => cache.stretch(Stretch::of(&ids, count as usize)).map(<[u32]>::to_vec),
    }
}

fn get_long(cache: &Cache, text: &str, hash: u64) -> Option<Vec<u32>> {
    cache.find_long(text.as_bytes(), hash).and_then(|stretch| cache.stretch(stretch)).map(<[u32]>::to_vec)
}

#[test]
fn a_piece_is_found_among_others_of_its_hash() {
    let mut cache = Cache::new(0);
    cache.insert_short(short("one"), 7, &[1, 2, 3]);
    assert_eq!(get(&cache, "two", 7), None);
    cache.insert_short(short("two"), 7, &[4; 9]);
    assert_eq!((get(&cache, "one", 7), get(&cache, "two", 7)), (Some(vec![1, 2, 3]), Some(vec![4; 9])));
    cache.insert_short(short("three"), 7, &[5]);
    assert_eq!((get(&cache, "one", 7), get(&cache, "two", 7)), (None, Some(vec![4; 9])));
    assert_eq!(get(&cache, "three", 7), Some(vec![5]));
}

#[test]
fn the_newer_of_two_results_is_given() {
    let mut cache = Cache::new(0);
    cache.insert_short(short("one"), 7, &[1; 9]);
    cache.insert_short(short("one"), 7, &[2; 9]);
    assert_eq!(get(&cache, "one", 7), Some(vec![2; 9]));
}

#[test]
fn a_medium_piece_has_eight_tokens_in_its_entry() {
    let mut cache = Cache::new(0);
    let piece = Medium::of(b"a piece of 21 bytes..", 0, 21);
    for count in [1, 8, 9, 21] {
        cache.insert_medium(piece, 7, &vec![count; count as usize]);
        let mut ids = [0; INLINE];
        assert_eq!(cache.get_medium(piece, 7, &mut ids), count);
        let found = ids[..].get(..count as usize).or_else(|| cache.stretch(Stretch::of(&ids, count as usize)));
        assert_eq!(found, Some(&vec![count; count as usize][..]));
    }
}

#[test]
fn tokens_that_fit_an_entry_are_found_as_they_were_padded() {
    let (mut cache, ids) = (Cache::new(0), [1, 2, 3, 4, 5, 6, 7, 8]);
    let piece = Medium::of(b"a piece of 21 bytes..", 0, 21);
    for count in 1..=INLINE {
        cache.insert_medium_inline(piece, 7, count, &ids);
        let mut found = [0; INLINE];
        assert_eq!((cache.get_medium(piece, 7, &mut found), found), (count as u32, ids));
    }
    for count in 1..=Cache::SHORT_INLINE as usize {
        cache.insert_short_inline(short("one"), 7, count, &ids);
        assert_eq!(get(&cache, "one", 7).as_deref(), Some(&ids[..count]));
    }
}

#[test]
fn many_tokens_are_gone_when_the_ring_has_gone_round() {
    let mut cache = Cache::new(0);
    cache.insert_short(short("many"), 7, &[1; 12]);
    for round in 0..1000 {
        cache.insert_short(short("others"), u64::MAX, &[round; 12]);
        assert!(get(&cache, "many", 7).is_none_or(|ids| ids == [1; 12]));
    }
    assert_eq!(get(&cache, "many", 7), None);
    assert_eq!(get(&cache, "others", u64::MAX), Some(vec![999; 12]));
}

#[test]
fn a_long_piece_is_found_by_its_text() {
    let (mut cache, one, two) = (Cache::new(0), "a".repeat(41), "a".repeat(42));
    cache.insert_long(one.as_bytes(), 7, &[1, 2]);
    assert_eq!((get_long(&cache, &one, 7), get_long(&cache, &two, 7)), (Some(vec![1, 2]), None));
    assert_eq!(get_long(&cache, &one.replace('a', "b"), 7), None);
    let too_long = "a".repeat(Cache::LONGEST + 1);
    cache.insert_long(too_long.as_bytes(), 7, &[3]);
    assert_eq!((get_long(&cache, &too_long, 7), get_long(&cache, &one, 7)), (None, Some(vec![1, 2])));
}

#[test]
fn long_pieces_of_one_set_are_told_apart_by_their_hashes() {
    let mut cache = Cache::new(0);
    let texts: Vec<String> = (0..5).map(|number| format!("{number}").repeat(30)).collect();
    for (hash, text) in (0..).zip(&texts) {
        cache.insert_long(text.as_bytes(), hash, &[hash as u32]);
    }
    for (hash, text) in (0..).zip(&texts) {
        // The fifth takes the place of the first.
        assert_eq!(get_long(&cache, text, hash), (hash > 0).then(|| vec![hash as u32]));
    }
}

#[test]
fn it_takes_no_more_than_it_was_given() {
    for most in [0, 36 << 10, 100_000, BYTES << 10, 1 << 20, 10 << 20, 11 << 20, Cache::MOST] {
        let mut cache = Cache::new(most);
        assert!(cache.bytes() <= most.max(36 << 10), "{} of {most}", cache.bytes());
        for round in 0..3 {
            for number in 0..cache.short.bytes() as u64 / 20 {
                remember(&mut cache, number);
                assert!(cache.bytes() <= most.max(36 << 10), "{} of {most}, round {round}", cache.bytes());
            }
        }
        // One more of its largest part would be too much.
        assert!(cache.bytes() > most / 3, "{} of {most}", cache.bytes());
    }
}

#[test]
fn what_is_said_holds_for_workers_that_are_made_later() {
    let pattern = crate::Pattern::from_name("gpt2").expect("it has a name");
    let bytes: Vec<[u8; 1]> = (0..=255).map(|byte| [byte]).collect();
    let vocabulary = crate::Vocabulary::from_tokens(bytes.iter().map(|byte| &byte[..]).zip(0..));
    let tokenizer = crate::Tokenizer::new(vocabulary.expect("all differ"), pattern, []).expect("it has all bytes");
    let most = |tokenizer: &crate::Tokenizer| tokenizer.worker().memory.cache.most;
    assert_eq!(most(&tokenizer), Cache::most_on(available_parallelism().expect("the system knows").get()));
    set_cache_bytes(1 << 20);
    assert_eq!(most(&tokenizer), 1 << 20);
    let told = tokenizer.with_cache_bytes(2 << 20);
    assert_eq!(most(&told), 2 << 20);
    MOST.store(0, Ordering::Relaxed);
}

#[test]
fn many_cores_have_a_gibibyte_together() {
    let mebibytes = |cores| Cache::most_on(cores) >> 20;
    assert_eq!([1, 2, 16, 17, 32, 64, 192].map(mebibytes), [64, 64, 64, 60, 32, 16, 16]);
}

/// A piece for each number, and its tokens: short ones, some of many tokens, medium ones, long ones.
fn numbered(number: u64) -> (String, Vec<u32>) {
    let text = match number % 16 {
        0 => format!("{number:>20}"),
        1 => format!("{number:>40}"),
        _ => format!("{number}"),
    };
    (text, vec![number as u32; if number.is_multiple_of(5) { 12 } else { 3 }])
}

/// Its tokens, where the cache has them.
fn recall(cache: &Cache, number: u64) -> Option<Vec<u32>> {
    let (text, mut ids) = (numbered(number).0, [0; INLINE]);
    let (count, inline) = if text.len() <= Short::MAX {
        let piece = short(&text);
        let mut count = cache.get_short(piece, piece.hash(), &mut ids);
        if count == ABSENT {
            count = cache.get_short_elsewhere(piece, piece.hash(), &mut ids);
        }
        (count, Cache::SHORT_INLINE)
    } else if text.len() <= Medium::MAX {
        let piece = Medium::of(text.as_bytes(), 0, text.len());
        let mut count = cache.get_medium(piece, piece.hash(), &mut ids);
        if count == ABSENT {
            count = cache.get_medium_elsewhere(piece, piece.hash(), &mut ids);
        }
        (count, INLINE as u32)
    } else {
        return get_long(cache, &text, hash_of(&text));
    };
    match count {
        ABSENT => None,
        count if count <= inline => Some(ids[..count as usize].to_vec()),
        count => cache.stretch(Stretch::of(&ids, count as usize)).map(<[u32]>::to_vec),
    }
}

/// What encoding a piece does: whether it was there, and in the end it is.
fn remember(cache: &mut Cache, number: u64) -> bool {
    if let Some(known) = recall(cache, number) {
        assert_eq!(known, numbered(number).1, "{number}");
        return true;
    }
    cache.grow();
    wait(cache);
    insert(cache, number);
    false
}

/// Puts it there.
fn insert(cache: &mut Cache, number: u64) {
    let (text, ids) = numbered(number);
    if text.len() <= Short::MAX {
        cache.insert_short(short(&text), short(&text).hash(), &ids);
    } else if text.len() <= Medium::MAX {
        let piece = Medium::of(text.as_bytes(), 0, text.len());
        cache.insert_medium(piece, piece.hash(), &ids);
    } else {
        cache.insert_long(text.as_bytes(), hash_of(&text), &ids);
    }
    assert_eq!(recall(cache, number), Some(ids), "{text}");
}

/// Waits for the memory of what grows.
fn wait(cache: &mut Cache) {
    cache.short.wait();
    cache.medium.wait();
    cache.long.wait();
    cache.ring.wait();
}

fn hash_of(text: &str) -> u64 {
    text.bytes().fold(7, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

#[test]
fn what_comes_again_makes_it_large_enough() {
    let (mut cache, count) = (Cache::of(64, 8 << 20).expect("it is small"), 20_000);
    let rounds: Vec<u64> =
        (0..24).map(|_| (0..count).map(|number| u64::from(remember(&mut cache, number))).sum()).collect();
    // At the start a fifth of them fits.
    assert!(rounds[1] < count / 4 && rounds[23] > count * 19 / 20, "{rounds:?}");
    assert!(cache.bytes() > 1 << 20, "{}", cache.bytes());
}

#[test]
fn what_never_comes_again_makes_it_no_larger() {
    let mut cache = Cache::of(64, 8 << 20).expect("it is small");
    let start = cache.bytes();
    assert_eq!((0..200_000).filter(|&number| remember(&mut cache, number)).count(), 0);
    assert_eq!(cache.bytes(), start);
}

/// All parts, so that they begin to grow.
fn grow(cache: &mut Cache) {
    cache.short.grow(usize::MAX);
    cache.medium.grow(usize::MAX);
    cache.long.grow();
    cache.ring.grow();
    wait(cache);
}

/// A step of each part that grows, of so many sets.
fn go_on(cache: &mut Cache, sets: usize) {
    cache.short.go_on(4 * sets);
    cache.medium.go_on(sets);
    cache.long.go_on(sets);
    cache.ring.go_on(RING * sets);
}

#[test]
fn what_was_there_is_there_when_it_has_grown() {
    for step in [1, 5, 64, 1000] {
        let mut cache = Cache::of(64, 8 << 20).expect("it is small");
        for number in 0..1_000 {
            remember(&mut cache, number);
        }
        let known = |cache: &Cache| (0..1_000).filter(|&number| recall(cache, number).is_some()).collect::<Vec<u64>>();
        let (before, bytes) = (known(&cache), cache.bytes());
        assert!((100..1_000).contains(&before.len()), "{}", before.len());
        grow(&mut cache);
        assert_eq!(cache.bytes(), 2 * bytes);
        while cache.is_growing() {
            assert_eq!(known(&cache), before);
            go_on(&mut cache, step);
        }
        assert_eq!((known(&cache), cache.bytes()), (before, 2 * bytes));
        cache.short.grow(cache.short.bytes() - 1);
        assert!(!cache.is_growing());
        cache.short.grow(cache.short.bytes());
        assert!(cache.is_growing());
    }
}

#[test]
fn what_comes_while_it_grows_is_there_when_it_has_grown() {
    let mut cache = Cache::of(1 << 10, 64 << 20).expect("it is small");
    let mut numbers = 0..;
    for number in numbers.by_ref().take(9_000) {
        insert(&mut cache, number);
    }
    grow(&mut cache);
    // Parts are full at different times: what a step loses is told right after it.
    let (mut came, mut all, mut lost, mut lost_long) = (0, 0, 0, 0);
    while cache.is_growing() {
        for number in numbers.by_ref().take(20) {
            insert(&mut cache, number);
        }
        let known: Vec<u64> = (0..numbers.start).filter(|&number| recall(&cache, number).is_some()).collect();
        go_on(&mut cache, 10);
        let gone = known.iter().filter(|&&number| recall(&cache, number).is_none());
        (lost, lost_long) =
            gone.fold((lost, lost_long), |(all, long), number| (all + 1, long + usize::from(number % 16 == 1)));
        came = known.iter().filter(|&&number| number >= 9_000).count();
        all = all.max(known.len());
    }
    assert!(came > 2_000, "{came}");
    // Few of all, as two sets do not lose what one does; of long ones none.
    assert!(lost < all / 100 && lost_long == 0, "{lost} of {all}, {lost_long}");
}
