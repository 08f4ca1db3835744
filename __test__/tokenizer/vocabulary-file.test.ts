import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { TokenmillError } from '../../src/errors.ts'
import { loadTokenizer } from '../../src/tokenizer/load.ts'
import { Vocabulary } from '../../src/tokenizer/vocabulary.ts'
import { WordTokenizer } from '../../src/tokenizer/word-tokenizer.ts'

const folder = mkdtempSync(join(tmpdir(), 'tokenmill-vocabulary-file-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

/** What a byte of a file, or some of them, become. */
const change = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), at: fc.nat(), bytes: fc.uint8Array({ minLength: 1, maxLength: 4 }) }),
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat(), length: fc.integer({ min: 1, max: 20 }) }),
  fc.record({ kind: fc.constant('again' as const), at: fc.nat(), length: fc.integer({ min: 1, max: 40 }) }),
  fc.record({
    kind: fc.constant('say' as const),
    at: fc.nat(),
    word: fc.constantFrom('1e999', '-1', '0.5', 'null', '[]', '{}', '""', '"\\ud800"', '99999999', ',', '"a":1,', ' '),
  }),
)

type Change = typeof change extends fc.Arbitrary<infer T> ? T : never

const changed = (file: Uint8Array, changes: readonly Change[]) =>
  changes.reduce((bytes: Buffer, change) => {
    const at = change.at % (bytes.length + 1)
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
    if (change.kind === 'put') return Buffer.concat([before, change.bytes, after.subarray(change.bytes.length)])
    if (change.kind === 'cut') return Buffer.concat([before, after.subarray(change.length)])
    if (change.kind === 'again') return Buffer.concat([before, after.subarray(0, change.length), after])
    return Buffer.concat([before, Buffer.from(change.word), after])
  }, Buffer.from(file))

test('a vocabulary file that was changed anywhere is an error with a code, or a vocabulary', async (t) => {
  const text = 'the mill on the hill, 水車 "quoted" \\ and 😀'
  const path = join(folder, 'vocabulary.json')
  await new WordTokenizer(Vocabulary.fromText(text)).save(path)
  const file = readFileSync(path)
  const seen = { errors: 0, vocabularies: 0 }
  const property = fc.asyncProperty(fc.array(change, { maxLength: 4 }), async (changes) => {
    try {
      const loaded = await loadTokenizer(new Uint8Array(changed(file, changes)))
      seen.vocabularies++
      for (let id = 0; id < Math.min(loaded.vocabSize, 100); id++) {
        const token = loaded.idToToken(id)
        if (token !== undefined && loaded.tokenToId(token) !== id)
          throw new Error(`${id} is ${token}, which is another`)
      }
      loaded.decode(loaded.encodeOrdinary(text))
    } catch (error) {
      if (!(error instanceof TokenmillError) || error.code === 'ERR_INTERNAL') throw error
      seen.errors++
    }
  })
  await fc.assert(property, { seed: 20261126, numRuns: 3000 })
  t.true(seen.errors > 300 && seen.vocabularies > 300, JSON.stringify(seen))
})
