import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { finiteNumber, integerIn, invalid, iterable, options as checkedOptions } from '../validate.ts'
import { ignored } from './collate.ts'
import type { Objective } from './objective.ts'
import { chainOf, scramble } from './scramble.ts'
import { type ContinuesWord, wordContinuations } from './word-continuations.ts'

/** How {@link maskedTokens} hides tokens. */
export interface MaskedTokensOptions {
  /** The id that stands for a hidden token, such as that of `[MASK]`. */
  readonly maskId: number
  /** Says which ids there are, which of them are special, and where words start. */
  readonly tokenizer?: Tokenizer | undefined
  /**
   * The ids that may take the place of a token are below this; with `tokenizer` those that a token has.
   * @default tokenizer.vocabSize
   */
  readonly vocabSize?: number | undefined
  /**
   * Ids that are never chosen, and never take the place of another. The mask is always one of them.
   * @default those of tokenizer.specialTokens
   */
  readonly specialIds?: Iterable<number> | undefined
  /**
   * How likely a token, or a word, is chosen: what the model must find out.
   * @default 0.15
   */
  readonly probability?: number | undefined
  /**
   * The share of chosen tokens that become the mask.
   * @default 0.8
   */
  readonly maskShare?: number | undefined
  /**
   * The share of chosen tokens that become any other token. The rest stay as they are.
   * @default 0.1
   */
  readonly randomShare?: number | undefined
  /**
   * Chooses words rather than tokens. With `true` the texts of the tokenizer's tokens tell them: tokens with `##`, or what else the file of a WordPiece
   * marks them with, continue a word; elsewhere a word is a run of letters, marks and digits with the blank before it, every other token one of its
   * own, and each token of a word vocabulary and of Chinese, Japanese, Thai, Lao, Khmer and Burmese too. A function says whether a token continues the
   * word of the token before it.
   * @default false
   */
  readonly wholeWords?: (boolean | ((id: number) => boolean)) | undefined
  /**
   * Decides the choice together with the epoch and the window; an integer ≥ 0.
   * @default 0
   */
  readonly seed?: number | undefined
}

/**
 * Fill the blanks, as BERT is trained (Devlin et al. 2018, section 3.1): some tokens are chosen, and the targets are those, all
 * others -100. Of the chosen ones 80 % become the mask, 10 % another token, 10 % stay. The choice differs from epoch to epoch, and is
 * the same on every machine for the same (seed, epoch, window).
 *
 * @throws `ERR_INVALID_ARGUMENT` when an option is wrong, or neither `tokenizer` nor `vocabSize` says which ids there are.
 */
export const maskedTokens = (options: MaskedTokensOptions): Objective => {
  const { maskId, vocabSize, special, mayDraw, choose, mask, random, continues, seed } = resolve(options)
  return Object.freeze<Objective>({
    name: 'masked-tokens',
    idsPerWindow: (contextLength) => contextLength,
    sample: ({ ids }, start, contextLength, { epoch, index }) => {
      const inputs = ids.slice(start, start + contextLength)
      const targets = new Int32Array(contextLength).fill(ignored)
      const key = chainOf(seed, epoch, index)(0)
      let isChosen = false
      for (let place = 0; place < contextLength; place++) {
        const id = inputs[place] as number
        // Three words for each place: whether it is chosen, what becomes of it, and which token takes its place.
        const word = (number: number) => scramble(key + scramble(3 * place + number + 1))
        if (special.has(id)) {
          isChosen = false
          continue
        }
        if (place === 0 || special.has(ids[start + place - 1] as number) || !continues?.(ids, start + place))
          isChosen = word(0) < choose
        if (!isChosen) continue
        targets[place] = id
        const fate = word(1)
        if (fate < mask) inputs[place] = maskId
        else if (fate < random) inputs[place] = anyToken(word(2), vocabSize, mayDraw)
      }
      return { inputs, targets }
    },
  })
}

/** A token that `word` decides, of those that may be. */
const anyToken = (word: number, vocabSize: number, may: (id: number) => boolean): number => {
  for (let draw = word; ; draw = scramble(draw + 1)) {
    const id = Math.floor((draw / 2 ** 32) * vocabSize)
    if (may(id)) return id
  }
}

const known = [
  'maskId',
  'tokenizer',
  'vocabSize',
  'specialIds',
  'probability',
  'maskShare',
  'randomShare',
  'wholeWords',
  'seed',
] as const

const resolve = (options: MaskedTokensOptions) => {
  const checked = checkedOptions('options', options, known)
  const { tokenizer } = checked
  if (tokenizer !== undefined && !isTokenizer(tokenizer)) throw invalid('options.tokenizer', 'a tokenizer', tokenizer)
  const {
    maskId,
    vocabSize = tokenizer?.vocabSize,
    specialIds = tokenizer?.specialTokens.values() ?? [],
    probability = 0.15,
    maskShare = 0.8,
    randomShare = 0.1,
    wholeWords = false,
    seed = 0,
  } = checked
  const checkedMask = integerIn('options.maskId', maskId, 0, 2 ** 31 - 1)
  if (vocabSize === undefined) throw invalid('options.vocabSize', 'a vocabSize or a tokenizer', vocabSize)
  // Ids are targets too, which have a sign.
  const size = integerIn('options.vocabSize', vocabSize, 1, 2 ** 31)
  const special = new Set([checkedMask])
  for (const id of iterable('options.specialIds', 'an iterable of ids', specialIds))
    special.add(integerIn('options.specialIds', id, 0, 2 ** 31 - 1))
  const [share, rest] = [shareOf('maskShare', maskShare, 1), shareOf('randomShare', randomShare, 1)]
  if (share + rest > 1) throw invalid('options.randomShare', `at most ${1 - share}, what maskShare leaves`, randomShare)
  const exists = existenceIn(tokenizer)
  const mayDraw = (id: number) => !special.has(id) && exists(id)
  if (rest > 0 && !hasAny(Math.min(size, tokenizer?.vocabSize ?? size), mayDraw))
    throw invalid('options.vocabSize', 'a vocabulary with ids that are not special', vocabSize)
  return {
    maskId: checkedMask,
    vocabSize: size,
    special,
    mayDraw,
    // Compared with words of 32 bits.
    choose: shareOf('probability', probability, 1) * 2 ** 32,
    mask: share * 2 ** 32,
    random: (share + rest) * 2 ** 32,
    continues: continuationsOf(wholeWords, tokenizer),
    seed: integerIn('options.seed', seed, 0),
  }
}

/** Whether `tokenizer` has what is asked of one here. */
const isTokenizer = (tokenizer: Partial<Tokenizer> | null): boolean =>
  typeof tokenizer?.idToBytes === 'function' && typeof tokenizer.specialTokens?.values === 'function'

/** More than any vocabulary has ids; where one has a single id that is very large, most that are drawn are none. */
const mostKnown = 1 << 20

/** Whether a token has an id: not all below the largest have one. Asked once for each, mostly. */
const existenceIn = (tokenizer: Tokenizer | undefined): ((id: number) => boolean) => {
  if (tokenizer === undefined) return () => true
  const known = new Map<number, boolean>()
  return (id) => {
    let exists = known.get(id)
    if (exists !== undefined) return exists
    if (known.size === mostKnown) known.clear()
    exists = tokenizer.idToBytes(id) !== undefined
    known.set(id, exists)
    return exists
  }
}

/** Whether there is one below `size`: a look at the first few, mostly. */
const hasAny = (size: number, may: (id: number) => boolean): boolean => {
  for (let id = 0; id < size; id++) if (may(id)) return true
  return false
}

const continuationsOf = (wholeWords: unknown, tokenizer: Tokenizer | undefined): ContinuesWord | undefined => {
  if (wholeWords === false) return undefined
  if (typeof wholeWords === 'function') return (ids, place) => wholeWords(ids[place]) as boolean
  if (wholeWords !== true) throw invalid('options.wholeWords', 'a boolean or a function', wholeWords)
  if (tokenizer === undefined) throw invalid('options.tokenizer', 'a tokenizer, which tells whole words', tokenizer)
  return wordContinuations(tokenizer)
}

const shareOf = (name: string, value: unknown, most: number): number => {
  const share = finiteNumber(`options.${name}`, value)
  if (share < 0 || share > most) throw invalid(`options.${name}`, `a number from 0 to ${most}`, value)
  return share
}
