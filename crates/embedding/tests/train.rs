//! Steps of a trainer follow the slopes of the loss, as its definition says it, and training can be left and gone on with.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use tempfile::TempDir;
use tokenmill_embedding::{
    BIAS_TABLE, DType, Device, Error, Input, InputEmbedding, InputEmbeddingConfig, MIXING_TABLE, Objective,
    POSITION_TABLE, Parameter, Position, Rule, TOKEN_TABLE, Trainer, TrainerConfig,
};

const VOCABULARY: usize = 11;
const CONTEXT: usize = 5;
const DIMENSIONS: usize = 3;
const NEIGHBOURS: usize = 2;
/// Rows of input, the last of which are not learned from.
const SHAPE: [usize; 2] = [3, CONTEXT];
const IDS: [u32; 15] = [0, 1, 2, 3, 4, 9, 8, 7, 6, 5, 10, 10, 0, 3, 3];
const TARGETS: [i32; 15] = [1, 2, 3, 4, 9, 8, -100, 6, 5, 10, -100, -1, 3, 3, 10];

/// An embedding of values that are large enough for a gradient of each of them.
fn embedding(seed: u64) -> InputEmbedding {
    let config = InputEmbeddingConfig { scale: 2.0, ..InputEmbeddingConfig::new(VOCABULARY, CONTEXT, DIMENSIONS) };
    let embedding = InputEmbedding::new(config, seed, &Device::Cpu).unwrap();
    for parameter in embedding.parameters() {
        let values: Vec<f32> = parameter.values().unwrap().into_iter().map(|value| 20.0 * value).collect();
        parameter.set_values(&values).unwrap();
    }
    embedding
}

/// An embedding as it starts, with room to learn.
fn wide(position: Position, dtype: DType) -> InputEmbedding {
    let config = InputEmbeddingConfig { position, dtype, ..InputEmbeddingConfig::new(VOCABULARY, CONTEXT, 16) };
    InputEmbedding::new(config, 1, &Device::Cpu).unwrap()
}

fn config(objective: Objective, rule: Rule) -> TrainerConfig {
    TrainerConfig { objective, neighbours: NEIGHBOURS, draws: None, rule, seed: 5 }
}

fn counts() -> Vec<u64> {
    (0..VOCABULARY as u64).collect()
}

fn trainer(objective: Objective, rule: Rule) -> Trainer {
    Trainer::new(embedding(3), config(objective, rule), &counts()).unwrap()
}

/// All that is learned.
#[derive(Clone)]
struct Weights {
    token: Vec<f64>,
    position: Vec<f64>,
    mixing: Vec<f64>,
    bias: Vec<f64>,
}

impl Weights {
    fn of(trainer: &Trainer) -> Self {
        let values = |name: &str| {
            let parameter = trainer.parameters().find(|parameter| parameter.name() == name).unwrap();
            parameter.values().unwrap().into_iter().map(f64::from).collect()
        };
        Self {
            token: values(TOKEN_TABLE),
            position: values(POSITION_TABLE),
            mixing: values(MIXING_TABLE),
            bias: values(BIAS_TABLE),
        }
    }

    fn part(&mut self, index: usize) -> &mut Vec<f64> {
        [&mut self.token, &mut self.position, &mut self.mixing, &mut self.bias].into_iter().nth(index).unwrap()
    }

    /// The mean loss, word for word.
    fn loss(&self, objective: Objective) -> f64 {
        let far = NEIGHBOURS.cast_signed();
        let offsets: Vec<isize> = match objective {
            Objective::NextToken => (1 - far..=0).collect(),
            Objective::Masked => (-far..=far).collect(),
        };
        let (mut sum, mut count) = (0.0, 0.0);
        for row in 0..SHAPE[0] {
            for place in 0..CONTEXT {
                let Ok(target) = usize::try_from(TARGETS[row * CONTEXT + place]) else { continue };
                let mut hidden = [0.0; DIMENSIONS];
                for (neighbour, offset) in offsets.iter().enumerate() {
                    let at = place.cast_signed() + offset;
                    if !(0..CONTEXT.cast_signed()).contains(&at) {
                        continue;
                    }
                    let id = IDS[row * CONTEXT + at as usize] as usize;
                    for (d, hidden) in hidden.iter_mut().enumerate() {
                        let embedding =
                            2.0 * self.token[id * DIMENSIONS + d] + self.position[at as usize * DIMENSIONS + d];
                        *hidden += self.mixing[neighbour * DIMENSIONS + d] * embedding;
                    }
                }
                let score = |id: usize| {
                    let row = &self.token[id * DIMENSIONS..][..DIMENSIONS];
                    hidden.iter().zip(row).map(|(a, b)| a * b).sum::<f64>() + self.bias[id]
                };
                sum += (0..VOCABULARY).map(|id| score(id).exp()).sum::<f64>().ln() - score(target);
                count += 1.0;
            }
        }
        sum / count
    }
}

#[test]
fn a_step_goes_down_the_slope_of_the_loss() {
    for objective in [Objective::NextToken, Objective::Masked] {
        let mut trainer = trainer(objective, Rule::SGD);
        let before = Weights::of(&trainer);
        let loss = trainer.step(&IDS, &TARGETS, &SHAPE, 1.0).unwrap();
        assert_eq!(loss.targets, 12);
        assert!((loss.sum / 12.0 - before.loss(objective)).abs() < 1e-5);
        let mut after = Weights::of(&trainer);
        let mut steepest = [0f64; 4];
        for (part, steepest) in steepest.iter_mut().enumerate() {
            for index in 0..before.clone().part(part).len() {
                let [low, high] = [-1e-4, 1e-4].map(|by| {
                    let mut moved = before.clone();
                    moved.part(part)[index] += by;
                    moved.loss(objective)
                });
                let slope = (high - low) / 2e-4;
                let step = after.part(part)[index] - before.clone().part(part)[index];
                assert!((step + slope).abs() < 2e-5, "{objective:?}, {part}, {index}: {step} for a slope of {slope}");
                *steepest = steepest.max(slope.abs());
            }
        }
        assert!(steepest.iter().all(|&slope| slope > 1e-3), "{objective:?}: {steepest:?}");
    }
}

#[test]
fn without_context_it_guesses_as_frequencies_do() {
    let trainer = trainer(Objective::NextToken, Rule::ADAM_W);
    let mut weights = Weights::of(&trainer);
    weights.token.fill(0.0);
    let total = (0..VOCABULARY).map(|count| count as f64 + 1.0).sum::<f64>();
    let targets = TARGETS.into_iter().filter(|&target| target >= 0);
    let expected = targets.map(|target| -((f64::from(target) + 1.0) / total).ln()).sum::<f64>() / 12.0;
    assert!((weights.loss(Objective::NextToken) - expected).abs() < 1e-6);
    let loss = trainer.loss(&IDS, &TARGETS, &SHAPE).unwrap();
    assert!((loss.sum / 12.0 - Weights::of(&trainer).loss(Objective::NextToken)).abs() < 1e-5);
}

#[test]
fn what_follows_by_a_rule_is_learned_from_all_ids_and_from_some() {
    for (objective, draws) in [(Objective::NextToken, None), (Objective::NextToken, Some(6)), (Objective::Masked, None)]
    {
        let config = TrainerConfig { draws, ..config(objective, Rule::ADAM_W) };
        let mut trainer = Trainer::new(wide(Position::Learned, DType::F32), config, &[1; VOCABULARY]).unwrap();
        // Each id is followed by the one three further on.
        let next = |id: u32| (id + 3) % VOCABULARY as u32;
        let rows: Vec<u32> = (0..VOCABULARY as u32)
            .flat_map(|start| std::iter::successors(Some(start), |&id| Some(next(id))).take(CONTEXT))
            .collect();
        let targets: Vec<i32> = rows.iter().map(|&id| next(id).cast_signed()).collect();
        let shape = [VOCABULARY, CONTEXT];
        let first = trainer.loss(&rows, &targets, &shape).unwrap();
        for _ in 0..400 {
            trainer.step(&rows, &targets, &shape, 0.05).unwrap();
        }
        let last = trainer.loss(&rows, &targets, &shape).unwrap();
        assert_eq!((first.targets, last.targets), (55, 55));
        assert!((first.sum / 55.0 - (VOCABULARY as f64).ln()).abs() < 0.05, "{}", first.sum / 55.0);
        assert!(last.sum / 55.0 < 0.5, "{objective:?}, {draws:?}: {}", last.sum / 55.0);
    }
}

/// The bits of all that is learned.
fn bits(trainer: &Trainer) -> Vec<u32> {
    let values = |parameter: &Parameter| parameter.values().unwrap().into_iter().map(f32::to_bits).collect::<Vec<_>>();
    trainer.parameters().flat_map(values).collect()
}

#[test]
fn a_saved_training_goes_on_as_if_it_had_never_stopped() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let inputs = InputEmbeddingConfig { dropout: 0.2, ..InputEmbeddingConfig::new(VOCABULARY, CONTEXT, DIMENSIONS) };
    let embedding = || InputEmbedding::new(inputs, 3, &Device::Cpu).unwrap();
    let config = TrainerConfig { draws: Some(4), ..config(Objective::NextToken, Rule::ADAM_W) };
    let steps = |trainer: &mut Trainer| {
        for step in 0..5 {
            trainer.step(&IDS, &TARGETS, &SHAPE, 0.01 * f64::from(step + 1)).unwrap();
        }
    };
    let mut whole = Trainer::new(embedding(), config, &counts()).unwrap();
    steps(&mut whole);
    steps(&mut whole);
    let mut first = Trainer::new(embedding(), config, &counts()).unwrap();
    steps(&mut first);
    first.save(&path, "what \"I\" say").unwrap();
    let (mut second, progress) = Trainer::load(&path, &inputs, config, &counts(), usize::MAX).unwrap();
    assert_eq!((second.steps(), &*progress), (5, "what \"I\" say"));
    assert_eq!(bits(&second), bits(&first));
    steps(&mut second);
    assert_eq!(second.steps(), 10);
    assert_eq!(bits(&second), bits(&whole));
    // It also is a file of the embedding alone.
    let loaded = InputEmbedding::load(&path, DType::F32, &Device::Cpu, usize::MAX).unwrap();
    assert_eq!(loaded.config(), first.embedding().config());
    let output = |embedding: &InputEmbedding| embedding.forward(&Input::new(&IDS, &SHAPE)).unwrap().values().unwrap();
    assert_eq!(output(&loaded), output(first.embedding()));
}

#[test]
fn the_checkpoint_of_another_training_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let adam = config(Objective::NextToken, Rule::ADAM_W);
    trainer(Objective::NextToken, Rule::ADAM_W).save(&path, "").unwrap();
    let inputs = *embedding(1).config();
    let load = |config, counts: &[u64]| Trainer::load(&path, &inputs, config, counts, usize::MAX).map(drop);
    load(adam, &counts()).unwrap();
    for other in [
        InputEmbeddingConfig { vocab_size: 12, ..inputs },
        InputEmbeddingConfig { scale: 1.0, ..inputs },
        InputEmbeddingConfig { dropout: 0.1, ..inputs },
    ] {
        let loaded = Trainer::load(&path, &other, adam, &counts(), usize::MAX);
        assert!(loaded.unwrap_err().to_string().contains("of another embedding"), "{other:?}");
    }
    for other in [
        TrainerConfig { neighbours: 3, ..adam },
        TrainerConfig { draws: Some(1), ..adam },
        TrainerConfig { rule: Rule::SGD, ..adam },
        TrainerConfig { rule: Rule::AdamW { betas: [0.9, 0.999], epsilon: 1e-8, weight_decay: 0.5 }, ..adam },
        TrainerConfig { seed: 6, ..adam },
        TrainerConfig { objective: Objective::Masked, ..adam },
    ] {
        assert!(matches!(load(other, &counts()), Err(Error::File { .. })), "{other:?}");
    }
    let mut others = counts();
    others.swap(2, 3);
    assert!(load(adam, &others).unwrap_err().to_string().contains("of another training"));
    assert!(matches!(load(adam, &[1]), Err(Error::LengthMismatch { .. })));
    embedding(1).save(&path, tokenmill_embedding::Names::Gpt2).unwrap();
    assert!(load(adam, &counts()).unwrap_err().to_string().contains("no checkpoint"));
}

#[test]
fn what_cannot_be_is_an_error_and_changes_nothing() {
    let new = |config, counts: &[u64]| Trainer::new(embedding(1), config, counts).map(drop);
    let sgd = config(Objective::Masked, Rule::SGD);
    assert!(matches!(new(TrainerConfig { neighbours: 0, ..sgd }, &counts()), Err(Error::Zero { .. })));
    assert!(matches!(new(TrainerConfig { draws: Some(0), ..sgd }, &counts()), Err(Error::Zero { .. })));
    assert!(matches!(new(sgd, &[1, 2]), Err(Error::LengthMismatch { expected: VOCABULARY, actual: 2 })));

    let mut trainer = trainer(Objective::Masked, Rule::SGD);
    let before = bits(&trainer);
    let (mut ids, mut targets) = (IDS, TARGETS);
    (ids[4], targets[6]) = (VOCABULARY as u32, (VOCABULARY as u32).cast_signed());
    let step = |trainer: &mut Trainer, ids: &[u32], targets: &[i32], rate| trainer.step(ids, targets, &SHAPE, rate);
    assert!(matches!(step(&mut trainer, &ids, &TARGETS, 1.0), Err(Error::IdOutOfRange { index: 4, .. })));
    assert!(matches!(step(&mut trainer, &IDS, &targets, 1.0), Err(Error::IdOutOfRange { index: 6, .. })));
    assert!(matches!(step(&mut trainer, &IDS, &TARGETS[1..], 1.0), Err(Error::LengthMismatch { .. })));
    for rate in [f64::NAN, f64::INFINITY, -1.0] {
        assert!(matches!(step(&mut trainer, &IDS, &TARGETS, rate), Err(Error::Number { .. })), "{rate}");
    }
    assert_eq!(trainer.step(&IDS, &[-100; 15], &SHAPE, 1.0).unwrap().targets, 0);
    assert_eq!(bits(&trainer), before);

    // So far that the next loss is no number.
    let far = trainer.step(&IDS, &TARGETS, &SHAPE, 1e30);
    let after = bits(&trainer);
    assert!(far.is_ok() && matches!(step(&mut trainer, &IDS, &TARGETS, 1.0), Err(Error::Number { .. })));
    assert_eq!(bits(&trainer), after);
}

#[test]
fn a_score_that_is_no_number_is_none_of_a_loss_either() {
    for draws in [None, Some(1000)] {
        let config = TrainerConfig { draws, ..config(Objective::NextToken, Rule::SGD) };
        let mut trainer = Trainer::new(embedding(3), config, &counts()).unwrap();
        let bias = trainer.parameters().find(|parameter| parameter.name() == BIAS_TABLE).unwrap().clone();
        let mut values = bias.values().unwrap();
        // Of an id that is no target.
        values[7] = f32::NAN;
        bias.set_values(&values).unwrap();
        assert!(trainer.loss(&IDS, &TARGETS, &SHAPE).unwrap().sum.is_nan());
        assert!(matches!(trainer.step(&IDS, &TARGETS, &SHAPE, 1.0), Err(Error::Number { .. })), "{draws:?}");
    }
}

#[test]
fn without_positions_and_with_halves_it_learns_too() {
    for (position, dtype) in [(Position::None, DType::F32), (Position::Sinusoidal, DType::BF16)] {
        let config = config(Objective::NextToken, Rule::ADAM_W);
        let mut trainer = Trainer::new(wide(position, dtype), config, &counts()).unwrap();
        let first = trainer.loss(&IDS, &TARGETS, &SHAPE).unwrap().sum;
        for _ in 0..200 {
            trainer.step(&IDS, &TARGETS, &SHAPE, 0.05).unwrap();
        }
        assert!(trainer.loss(&IDS, &TARGETS, &SHAPE).unwrap().sum < 0.5 * first);
    }
}
