//! Times of passes on a CUDA device, by its events, beside a copy of as many bytes on the device: what `npm run gpu-check` packs.
//!
//! `cuda_times VOCABULARY DIMENSIONS BATCH CONTEXT ROUNDS` prints a line of JSON for each type and kind of pass: the bytes that it cannot do without, and the milliseconds
//! of each round; of `kernels` those that kernels ran, of `call` those of the whole call, its copies of ids and the time in which the device waits for the host too. Lines of
//! `KIND parts` have those of each launch by itself.
#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

use candle_core::Tensor;
use candle_core::cuda_backend::cudarc::driver::sys::CUevent_flags::CU_EVENT_DEFAULT;
use tokenmill_embedding::{
    DType, Device, Input, InputEmbedding, InputEmbeddingConfig, Optimizer, Parameter, Rule, cuda_device, time_kernels,
};

/// Rounds before the times count: the first loads kernels and asks the driver for memory.
const WARM_UP: usize = 5;

/// Ids of round `round`.
fn ids_of(round: usize, count: usize, vocabulary: usize) -> Vec<u32> {
    let mut state = round as u64 + 1;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % vocabulary as u64) as u32
    };
    (0..count).map(next).collect()
}

/// Milliseconds of one kind of pass.
#[derive(Default)]
struct Times {
    kernels: Vec<f32>,
    call: Vec<f32>,
    /// Of each launch of a round, with the name of its kernel.
    parts: Vec<(String, Vec<f32>)>,
}

impl Times {
    /// Does `work`, and keeps how long it took.
    fn add<T>(&mut self, device: &Device, work: impl FnOnce() -> tokenmill_embedding::Result<T>) -> T {
        let stream = device.as_cuda_device().unwrap().cuda_stream();
        let start = stream.record_event(Some(CU_EVENT_DEFAULT)).unwrap();
        let (result, kernels) = time_kernels(work).unwrap();
        let end = stream.record_event(Some(CU_EVENT_DEFAULT)).unwrap();
        self.call.push(start.elapsed_ms(&end).unwrap());
        self.kernels.push(kernels.iter().map(|(_, ms)| ms).sum());
        self.parts.resize_with(kernels.len().max(self.parts.len()), Default::default);
        for ((of_part, times), (name, ms)) in self.parts.iter_mut().zip(kernels) {
            *of_part = name;
            times.push(ms);
        }
        result
    }

    fn print(&self, dtype: &str, kind: &str, bytes: usize) {
        let line = |kind: &str, what: &str, times: &[f32]| {
            let ms = &times[WARM_UP.min(times.len())..];
            if ms.iter().any(|&ms| ms > 0.0) {
                println!(r#"{{"dtype":"{dtype}","kind":"{kind}","what":"{what}","bytes":{bytes},"ms":{ms:?}}}"#);
            }
        };
        line(kind, "kernels", &self.kernels);
        line(kind, "call", &self.call);
        for (name, times) in &self.parts {
            line(&format!("{kind} parts"), name, times);
        }
    }
}

fn copies(device: &Device, bytes: usize, rounds: usize) -> Times {
    let gpu = device.as_cuda_device().unwrap();
    let from = gpu.alloc_zeros::<u8>(bytes).unwrap();
    let mut to = gpu.alloc_zeros::<u8>(bytes).unwrap();
    let mut times = Times::default();
    for _ in 0..rounds + WARM_UP {
        times.add(device, || Ok(gpu.memcpy_dtod(&from, &mut to)?));
    }
    times
}

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).map(|argument| argument.parse().unwrap()).collect();
    let [vocabulary, dimensions, batch, context, rounds] = numbers[..] else { panic!("five numbers") };
    let device = cuda_device(0).unwrap();
    let rows = batch * context;
    for dtype in DType::ALL {
        let (name, row) = (dtype.name(), dimensions * dtype.size());
        // A copy reads and writes each byte; a lookup reads a row, and positions once, and writes a row.
        copies(&device, rows * row, rounds).print(name, "copy", 2 * rows * row);
        let config = InputEmbeddingConfig::new(vocabulary, context, dimensions);
        let embedding = InputEmbedding::new(InputEmbeddingConfig { dtype, ..config }, 1, &device).unwrap();
        let mut optimizer = Optimizer::new(embedding.parameters(), Rule::ADAM_W, 1e-3, false).unwrap();
        let [mut forward, mut backward, mut step] = [Times::default(), Times::default(), Times::default()];
        let mut touched = 0;
        for round in 0..rounds + WARM_UP {
            let mut ids = ids_of(round, rows, vocabulary);
            let shape = [batch, context];
            let input = Input::new(&ids, &shape);
            let output = forward.add(&device, || embedding.forward(&input));
            let grad = embedding.forward(&input).unwrap();
            backward.add(&device, || embedding.backward_tensor(&output, &grad));
            step.add(&device, || optimizer.step());
            optimizer.zero_grad();
            ids.sort_unstable();
            ids.dedup();
            touched = ids.len() + context;
        }
        forward.print(name, "forward", 2 * rows * row + context * row);
        // Both sums read every row of the gradient; they write those that are touched.
        let sums = touched * dimensions * size_of::<f32>();
        backward.print(name, "backward", 2 * rows * row + sums);
        // Gradient, value and two moments are read; value and moments are written.
        step.print(name, "step", 5 * sums + 2 * touched * row);

        let config = InputEmbeddingConfig { layer_norm: Some(1e-5), dtype, ..config };
        let embedding = InputEmbedding::new(config, 1, &device).unwrap();
        let [mut forward, mut backward] = [Times::default(), Times::default()];
        for round in 0..rounds + WARM_UP {
            let (ids, shape) = (ids_of(round, rows, vocabulary), [batch, context]);
            let input = Input::new(&ids, &shape);
            let output = forward.add(&device, || embedding.forward(&input));
            let grad = embedding.forward(&input).unwrap();
            backward.add(&device, || embedding.backward_tensor(&output, &grad));
            embedding.parameters().iter().for_each(Parameter::zero_grad);
        }
        forward.print(name, "norm", 2 * rows * row + context * row);
        // The rows are read again. What is written for them on the way is not counted.
        backward.print(name, "norm backward", 4 * rows * row + sums);
    }
    // The device is done with all of it.
    drop(Tensor::zeros(1, candle_core::DType::F32, &device).unwrap().to_vec1::<f32>().unwrap());
}
