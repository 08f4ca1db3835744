//! Times of passes over tables, beside a copy of as many bytes and candle's two operations: what `npm run bench -- embedding` runs.
//!
//! `passes VOCABULARY DIMENSIONS BATCH CONTEXT ROUNDS` prints a line of JSON for each kind of pass, with the milliseconds of each round, and
//! what the first pass came to. The kinds take turns, and every round has other ids. Tables, ids and gradients are the same in all
//! programs of `bench/embedding`. `RAYON_NUM_THREADS` is the number of threads of all of them.
#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::hint::black_box;
use std::time::Instant;

use candle_core::Tensor as CandleTensor;
use rayon::prelude::*;
use tokenmill_embedding::{DType, Device, Input, InputEmbedding, InputEmbeddingConfig, Optimizer, Output, Rule};

const CPU: &Device = &Device::Cpu;

struct Case {
    batch: usize,
    context: usize,
    vocabulary: usize,
    dimensions: usize,
}

impl Case {
    fn len(&self) -> usize {
        self.batch * self.context * self.dimensions
    }

    fn model(&self, dtype: DType) -> InputEmbedding {
        let config = InputEmbeddingConfig::new(self.vocabulary, self.context, self.dimensions);
        let model = InputEmbedding::new(InputEmbeddingConfig { dtype, ..config }, 1, CPU).unwrap();
        for (seed, parameter) in model.parameters().iter().enumerate() {
            let len = parameter.shape().iter().product::<usize>() as u32;
            let value =
                |i: u32| (i.wrapping_add(seed as u32).wrapping_mul(2_654_435_761) >> 8) as f32 / 16_777_216.0 - 0.5;
            parameter.set_values(&(0..len).map(value).collect::<Vec<_>>()).unwrap();
        }
        model
    }

    /// Ids of round `round`.
    fn ids(&self, round: usize) -> Vec<u32> {
        let id = |i: u32| {
            let mut x = (round as u32 * 1_000_003 + i + 1).wrapping_mul(2_246_822_519);
            x = (x ^ x >> 15).wrapping_mul(3_266_489_917);
            (x ^ x >> 16) % self.vocabulary as u32
        };
        (0..(self.batch * self.context) as u32).map(id).collect()
    }
}

/// A kind of pass: what it does with the ids of a round. It adds what it came to where that is asked for.
type Pass = Box<dyn FnMut(&[u32], Option<&mut Vec<f32>>)>;

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).map(|argument| argument.parse().unwrap()).collect();
    let [vocabulary, dimensions, batch, context, rounds] = numbers[..] else { panic!("five numbers") };
    let case = Case { batch, context, vocabulary, dimensions };
    for group in [forward, learning] {
        let mut passes = group(&case);
        let mut results = vec![(String::new(), Vec::new()); passes.len()];
        for round in 0..rounds + 2 {
            let ids = case.ids(round);
            for ((_, pass), (check, times)) in passes.iter_mut().zip(&mut results) {
                if round == 0 {
                    let mut values = Vec::new();
                    pass(&ids, Some(&mut values));
                    *check = checked(&values);
                    continue;
                }
                let start = Instant::now();
                pass(&ids, None);
                let spent = start.elapsed().as_secs_f64() * 1e3;
                // The first finds caches, tables and memory of results as they are at first.
                if round >= 2 {
                    times.push(spent);
                }
            }
        }
        for ((what, _), (check, times)) in passes.iter().zip(results) {
            println!("{{\"what\":\"{what}\",\"ms\":{times:?}{check}}}");
        }
    }
}

/// A number that is another for other values, or the values themselves where they are few: those of four rows.
fn checked(values: &[f32]) -> String {
    if values.is_empty() {
        return String::new();
    }
    if values.len() < 1 << 14 {
        return format!(",\"values\":{values:?}");
    }
    let term = |(index, value): (usize, &f32)| value.to_bits().wrapping_mul(2 * index as u32 + 1);
    format!(",\"check\":{}", values.iter().enumerate().map(term).fold(0, u32::wrapping_add))
}

fn keep(output: &Output, values: Option<&mut Vec<f32>>) {
    if let Some(values) = values {
        values.extend(output.values().unwrap());
    }
}

fn forward(case: &Case) -> Vec<(&'static str, Pass)> {
    let shape = [case.batch, case.context];
    let len = case.len();
    let table = vec![1f32; case.vocabulary * case.dimensions];
    let mut copy = vec![0f32; len];
    let mut place = 0;
    let memcpy = move |_: &[u32], _: Option<&mut Vec<f32>>| {
        // Another part of a buffer that no cache holds, each time.
        place = if place + 2 * len <= table.len() { place + len } else { 0 };
        let from = &table[place..][..len.min(table.len())];
        let chunk = len.div_ceil(rayon::current_num_threads());
        copy.par_chunks_mut(chunk).zip(from.par_chunks(chunk)).for_each(|(to, from)| to.copy_from_slice(from));
        black_box(&copy);
    };
    let reused = {
        let (model, mut out) = (case.model(DType::F32), vec![0f32; len]);
        move |ids: &[u32], values: Option<&mut Vec<f32>>| {
            model.forward_into(&Input::new(ids, &shape), &mut out[..]).unwrap();
            if let Some(values) = values {
                values.extend(&out);
            }
        }
    };
    let recycled = |dtype| {
        let model = case.model(dtype);
        move |ids: &[u32], values: Option<&mut Vec<f32>>| {
            keep(black_box(&model.forward(&Input::new(ids, &shape)).unwrap()), values);
        }
    };
    let fresh = {
        let model = case.model(DType::F32);
        move |ids: &[u32], values: Option<&mut Vec<f32>>| {
            let output = model.forward(&Input::new(ids, &shape)).unwrap();
            keep(&output, values);
            drop(black_box(output.into_tensor()));
        }
    };
    let candle = {
        let model = case.model(DType::F32);
        let [token, position] = <[_; 2]>::try_from(model.parameters()).unwrap();
        let (token, position) = (token.tensor().unwrap(), position.tensor().unwrap());
        let (batch, context, dimensions) = (case.batch, case.context, case.dimensions);
        move |ids: &[u32], values: Option<&mut Vec<f32>>| {
            let _keeps = &model;
            let ids = CandleTensor::from_slice(ids, batch * context, CPU).unwrap();
            let rows = token.index_select(&ids, 0).unwrap().reshape((batch, context, dimensions)).unwrap();
            let sums = black_box(rows.broadcast_add(&position).unwrap());
            if let Some(values) = values {
                values.extend(sums.flatten_all().unwrap().to_vec1::<f32>().unwrap());
            }
        }
    };
    vec![
        ("memcpy", Box::new(memcpy)),
        ("forward, out", Box::new(reused)),
        ("forward, disposed", Box::new(recycled(DType::F32))),
        ("forward, fresh", Box::new(fresh)),
        ("forward, bf16", Box::new(recycled(DType::BF16))),
        ("candle", Box::new(candle)),
    ]
}

fn learning(case: &Case) -> Vec<(&'static str, Pass)> {
    let shape = [case.batch, case.context];
    let dimensions = case.dimensions;
    let pass = |rule, is_dense| -> Pass {
        let model = case.model(DType::F32);
        let mut optimizer = Optimizer::new(model.parameters(), rule, 1e-3, is_dense).unwrap();
        let grad: Vec<f32> = (0..case.len()).map(|index| (index % 97) as f32 / 97.0 - 0.5).collect();
        Box::new(move |ids: &[u32], values: Option<&mut Vec<f32>>| {
            let output = model.forward(&Input::new(ids, &shape)).unwrap();
            model.backward(&output, &grad).unwrap();
            optimizer.step().unwrap();
            optimizer.zero_grad();
            if let Some(values) = values {
                let table = model.parameters()[0].values().unwrap();
                values.extend(ids[..4].iter().flat_map(|&id| &table[id as usize * dimensions..][..dimensions]));
            }
        })
    };
    // Weights do not decay, as in torch's SparseAdam.
    let sparse = Rule::AdamW { betas: [0.9, 0.999], epsilon: 1e-8, weight_decay: 0.0 };
    vec![("learning, sparse", pass(sparse, false)), ("learning, dense", pass(Rule::ADAM_W, true))]
}
