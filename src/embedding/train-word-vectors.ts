import { cancellable } from '../cancel.ts'
import { callNative } from '../errors.ts'
import { native } from '../native.ts'
import {
  checkedSource,
  inPhases,
  readSource,
  resolveTrainSource,
  type TrainSource,
  type TrainSourceOptions,
  trainSourceOptionNames,
  type TrainSourceProgress,
} from '../train-source.ts'
import { boolean, finiteNumber, integerIn, invalid, oneOf, options as checkedOptions, own } from '../validate.ts'
import { WordVectors } from './word-vectors.ts'

/** How {@link trainWordVectors} trains. The defaults are those of gensim, but for the objective and the threads. */
export interface TrainWordVectorsOptions extends TrainSourceOptions {
  /**
   * Dimensions of the vectors, from 1 to 65536.
   * @default 100
   */
  readonly dimensions?: number | undefined
  /**
   * Maximum distance between a word and its context words, from 1 to 1000. For each word the window is drawn from 1 to this.
   * @default 5
   */
  readonly window?: number | undefined
  /**
   * Negative samples per word, from 1 to 1000.
   * @default 5
   */
  readonly negatives?: number | undefined
  /**
   * - `'skipgram'`: a word is predicted from each of its context words; better for rare words
   * - `'cbow'`: from the mean of all of them; several times faster
   * @default 'skipgram'
   */
  readonly objective?: 'skipgram' | 'cbow' | undefined
  /**
   * Subsampling threshold of frequent words, as a share of all words: words above it are dropped at random, the more frequent the more often. 0 drops none.
   * @default 0.001
   */
  readonly subsample?: number | undefined
  /**
   * Passes over the texts.
   * @default 5
   */
  readonly epochs?: number | undefined
  /**
   * Initial learning rate, from 0 to 10.
   * @default 0.025
   */
  readonly learningRate?: number | undefined
  /**
   * Final learning rate, after linear decay.
   * @default 0.0001, or learningRate where that is less
   */
  readonly minLearningRate?: number | undefined
  /**
   * Words with a lower count are ignored, as if they were not there.
   * @default 5
   */
  readonly minFrequency?: number | undefined
  /**
   * Number of threads, from 1 to 1024. With one, the result is the same for the same seed, options, texts, build and processor; several write into the
   * same rows, in no fixed order.
   * @default as many as setThreads says
   */
  readonly threads?: number | undefined
  /**
   * Random seed.
   * @default 0
   */
  readonly seed?: number | undefined
  /**
   * What the words of a line are: `'words'` those of Unicode (UAX #29) that have a letter or a number, `'spaces'` what stands between white space, for texts
   * that are split already.
   * @default 'words'
   */
  readonly split?: 'words' | 'spaces' | undefined
  /**
   * Whether words are lowercased.
   * @default false
   */
  readonly lowerCase?: boolean | undefined
  /** Is called some times a second, and at the end of each phase. What it throws stops the training. */
  readonly onProgress?: ((progress: TrainWordVectorsProgress) => void) | undefined
}

/** How far a training of word vectors is. */
export interface TrainWordVectorsProgress extends TrainSourceProgress {
  /** `'read'`: words are read and counted. `'train'`: vectors are made. */
  readonly phase: 'read' | 'train'
  /** Words that were trained on, of all epochs. */
  readonly words: number
  /** Words that there are to train on, of all epochs; 0 until that is known. */
  readonly wordsToTrain: number
}

const optionNames = [
  ...(['dimensions', 'window', 'negatives', 'objective', 'subsample', 'epochs', 'learningRate'] as const),
  ...(['minLearningRate', 'minFrequency', 'threads', 'seed', 'split', 'lowerCase'] as const),
  ...trainSourceOptionNames,
] as const

/**
 * Trains word vectors by skip-gram or CBOW with negative sampling, by the rules of word2vec.c: the words that stand beside a word decide where its vector
 * points. Each line of a text is a sentence, cut every 1,000 words, and no context crosses its ends. The words of the result are ordered by their frequency.
 *
 * ```ts
 * const vectors = await trainWordVectors(['books/*.txt'], { dimensions: 100, lowerCase: true })
 * vectors.nearest('river', 5)
 * ```
 *
 * The texts are kept in memory while it trains, as 4 bytes for each word.
 *
 * @param source paths and globs of files, or `{ texts }`
 * @throws `ERR_INVALID_ARGUMENT`, also when no word is frequent enough, and when the vectors grow beyond all bounds, from which a smaller learning rate may keep them; `ERR_INVALID_FILE`, `ERR_INVALID_UTF8`; `ERR_LIMIT` for a line above 256 MB, or when there is not enough memory.
 */
export const trainWordVectors = async (
  source: TrainSource,
  options?: TrainWordVectorsOptions,
): Promise<WordVectors> => {
  const { atSpaces, lowerCase, reading, ...settings } = resolved(options)
  const checked = checkedSource(source, reading)
  reading.signal?.throwIfAborted()
  const trainer = callNative(() => new (native().NativeWordTrainer)(atSpaces, lowerCase))
  const glance = (phase: TrainWordVectorsProgress['phase']): TrainWordVectorsProgress => {
    const { texts, bytes, bytesRead, bytesToRead, words, wordsToTrain } = trainer.progress()
    return { phase, texts, bytes, bytesRead, bytesToRead, words, wordsToTrain }
  }
  return inPhases('read', glance, reading, async (signal, enter) => {
    await readSource(trainer, checked, { ...reading, signal })
    enter('train')
    const trained = await cancellable(signal, (flag) => trainer.train(own(settings), flag))
    return callNative(() => new WordVectors(trained))
  })
}

/** The options with their defaults, checked. */
const resolved = (options: TrainWordVectorsOptions | undefined) => {
  const {
    dimensions = 100,
    window = 5,
    negatives = 5,
    objective = 'skipgram',
    subsample = 1e-3,
    epochs = 5,
    learningRate = 0.025,
    minLearningRate,
    minFrequency = 5,
    threads,
    seed = 0,
    split = 'words',
    lowerCase = false,
    ...reading
  } = checkedOptions('options', options, optionNames)
  const rate = numberIn('options.learningRate', learningRate, 10)
  return {
    dimensions: integerIn('options.dimensions', dimensions, 1, 2 ** 16),
    window: integerIn('options.window', window, 1, 1000),
    negatives: integerIn('options.negatives', negatives, 1, 1000),
    isCbow: oneOf('options.objective', objective, ['skipgram', 'cbow']) === 'cbow',
    subsample: numberIn('options.subsample', subsample, 1),
    epochs: integerIn('options.epochs', epochs, 1, 2 ** 20),
    learningRate: rate,
    minLearningRate: numberIn('options.minLearningRate', minLearningRate ?? Math.min(1e-4, rate), rate),
    minFrequency: integerIn('options.minFrequency', minFrequency, 0),
    ...(threads !== undefined && { threads: integerIn('options.threads', threads, 1, 1024) }),
    seed: integerIn('options.seed', seed, 0),
    atSpaces: oneOf('options.split', split, ['words', 'spaces']) === 'spaces',
    lowerCase: boolean('options.lowerCase', lowerCase),
    reading: resolveTrainSource<TrainWordVectorsProgress>(reading),
  }
}

/** `value` when it is a number from 0 to `most`. */
const numberIn = (name: string, value: unknown, most: number): number => {
  const number = finiteNumber(name, value)
  if (number >= 0 && number <= most) return number
  throw invalid(name, `a number from 0 to ${most}`, value)
}
