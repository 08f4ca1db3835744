//! How fast shuffled windows come out of a mapped file, beside `memcpy` of as many bytes, from one stretch and from the places of the windows.
//!
//! `cargo run --profile fast -p tokenmill-corpus --example window_throughput -- [tokens] [columns] [rows]`

use std::time::Instant;

use tokenmill_corpus::{DType, Mode, Permutation, Store};

const KEYS: [u32; 8] = [11, 22, 33, 44, 55, 66, 77, 88];

/// Makes batch number so of inputs and targets.
type Work<'w> = &'w mut dyn FnMut(usize, &mut [u32], &mut [u32]);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers: Vec<usize> = std::env::args().skip(1).map(|it| it.parse()).collect::<Result<_, _>>()?;
    let [tokens, columns, rows] = [(0, 20_000_000), (1, 256), (2, 64)].map(|(at, or)| *numbers.get(at).unwrap_or(&or));
    let folder = tempfile::tempdir()?;
    let bytes: Vec<u8> = (0..tokens).flat_map(|id| ((id * 7919 + (id >> 7)) as u16).to_le_bytes()).collect();
    let path = folder.path().join("ids");
    std::fs::write(&path, &bytes)?;
    let store = Store::open_file(&path, DType::U16, Mode::Map)?;
    let windows = (tokens - columns - 1) / columns;
    let batches = windows / rows;
    let order = Permutation::new(windows as u64, KEYS);
    let (mut inputs, mut targets) = (vec![0; rows * columns], vec![0; rows * columns]);
    let mut starts: Vec<Vec<u64>> = Vec::new();
    let mut places = vec![0.0; rows];
    for batch in 0..=batches {
        let count = rows.min(windows - batch * rows);
        order.fill((batch * rows) as u64, 1, &mut places[..count]);
        starts.push(places[..count].iter().map(|&place| place as u64 * columns as u64).collect());
    }
    let mut report = |name: &str, work: Work<'_>| {
        let mut best = f64::INFINITY;
        for _ in 0..7 {
            let began = Instant::now();
            for batch in 0..batches {
                work(batch, &mut inputs, &mut targets);
            }
            best = best.min(began.elapsed().as_secs_f64());
        }
        println!("{name:32} {:8.0} M ids/s", (batches * rows * columns) as f64 / best / 1e6);
    };
    report("order", &mut |batch, _, _| order.fill((batch * rows) as u64, 1, std::hint::black_box(&mut places)));
    report("windows, shuffled", &mut |batch, inputs, targets| {
        store.windows(&starts[batch], &starts[batch + 1], columns, inputs, targets).expect("windows that are there");
    });
    report("windows, nothing asked for", &mut |batch, inputs, targets| {
        for (row, &start) in starts[batch].iter().enumerate() {
            let at = row * columns..(row + 1) * columns;
            store.copy(start + 1, &mut targets[at.clone()]).expect("ids that are there");
            store.copy(start, &mut inputs[at]).expect("ids that are there");
        }
    });
    let wide: Vec<u32> = (0..tokens as u32).collect();
    report("memcpy of one stretch", &mut |batch, inputs, targets| {
        let start = batch * rows * columns;
        inputs.copy_from_slice(&wide[start..start + rows * columns]);
        targets.copy_from_slice(&wide[start + 1..start + 1 + rows * columns]);
    });
    report("memcpy of shuffled rows", &mut |batch, inputs, targets| {
        for (row, &start) in starts[batch].iter().enumerate() {
            let (at, start) = (row * columns..(row + 1) * columns, start as usize);
            inputs[at.clone()].copy_from_slice(&wide[start..start + columns]);
            targets[at].copy_from_slice(&wide[start + 1..start + 1 + columns]);
        }
    });
    Ok(())
}
