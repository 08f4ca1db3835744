import test from 'ava'
import { getEncoding, TokenmillError } from '../../src/index.ts'
import { decodeRows, goldenRows, groups, idsOf, specialRows, surrogateRows, tokenRows } from './cases.ts'

/*
 * What Python tiktoken does, exactly, through the public API. Plain comparisons and one assertion at the end: there are
 * 200,000 rows.
 */

const golden = goldenRows()
const encodings = Object.entries(groups)

const same = (found: ArrayLike<number>, expected: readonly number[]): boolean =>
  found.length === expected.length && expected.every((id, index) => id === found[index])

/** At most five, so that a failure can be read. */
const report = (failures: readonly string[]): string =>
  [`${failures.length} rows fail`, ...failures.slice(0, 5)].join('\n')

const shown = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => (part instanceof Uint32Array ? [...part] : part)).replace(
    /[^ -~]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

for (const [name, group] of encodings) {
  test(`${name}: the ids and the count of every golden row, and its text back`, (t) => {
    const tokenizer = getEncoding(name)
    const failures: string[] = []
    for (const row of golden) {
      const expected = idsOf(row, group)
      const ids = tokenizer.encode(row.text)
      if (!same(ids, expected) || tokenizer.count(row.text) !== expected.length || tokenizer.decode(ids) !== row.text) {
        failures.push(
          `golden.jsonl:${row.line} (${row.title}) ${shown(row.text)}: expected ${shown(expected)}, found ${shown(ids)}`,
        )
      }
    }
    t.is(failures.length, 0, report(failures))
    t.true(golden.length >= 20_000)
  })

  test(`${name}: a text of bytes has the ids of the string, with encodeOrdinary and encodeAsync too`, async (t) => {
    const tokenizer = getEncoding(name)
    const utf8 = new TextEncoder()
    const failures: string[] = []
    for (const row of golden.filter((_, index) => index % 16 === 0)) {
      const expected = idsOf(row, group)
      const results = [
        tokenizer.encode(utf8.encode(row.text)),
        tokenizer.encodeOrdinary(row.text),
        await tokenizer.encodeAsync(row.text),
      ]
      if (!results.every((ids) => same(ids, expected))) failures.push(`golden.jsonl:${row.line} ${shown(results)}`)
    }
    t.is(failures.length, 0, report(failures))
  })

  test(`${name}: a batch has the ids of its texts`, async (t) => {
    const tokenizer = getEncoding(name)
    const texts = golden.map(({ text }) => text)
    for (const batch of [tokenizer.encodeBatch(texts), await tokenizer.encodeBatchAsync(texts)]) {
      t.is(batch.length, texts.length)
      const failures = golden
        .filter((row, index) => !same(batch.at(index) ?? [], idsOf(row, group)))
        .map((row) => `golden.jsonl:${row.line} ${shown(row.text)}`)
      t.is(failures.length, 0, report(failures))
    }
  })

  test(`${name}: a lone surrogate has the ids of U+FFFD`, (t) => {
    const tokenizer = getEncoding(name)
    const rows = surrogateRows()
    const failures = rows
      .filter((row) => !same(tokenizer.encode(row.text), idsOf(row, group)))
      .map((row) => shown(row.text))
    t.is(failures.length, 0, report(failures))
    t.true(rows.filter(({ text }) => /\p{Surrogate}/u.test(text)).length >= 50)
  })
}

test('special tokens are allowed, refused and plain text as in tiktoken', (t) => {
  const failures: string[] = []
  for (const row of specialRows()) {
    const options = { allowedSpecial: row.allowed, disallowedSpecial: row.disallowed }
    try {
      const ids = getEncoding(row.encoding).encode(row.text, options)
      if (row.ids === undefined || !same(ids, row.ids)) failures.push(`${shown(row)}: found ${shown(ids)}`)
    } catch (error) {
      const refused = error instanceof TokenmillError && error.code === 'ERR_SPECIAL_TOKEN'
      if (!refused || row.refused === undefined || !error.message.includes(JSON.stringify(row.refused))) {
        failures.push(`${shown(row)}: ${String(error)}`)
      }
    }
  }
  t.is(failures.length, 0, report(failures))
})

test('tokens and ids are those of tiktoken', (t) => {
  const failures: string[] = []
  for (const row of tokenRows()) {
    const tokenizer = getEncoding(row.encoding)
    // Above what an id can be, tiktoken raises and so do we: an id is an integer below 2^32.
    const bytes = row.id === null ? undefined : tokenizer.idToBytes(row.id)
    const hex = bytes === undefined ? null : Buffer.from(bytes).toString('hex')
    const id = row.bytes === null ? undefined : tokenizer.tokenToId(Buffer.from(row.bytes, 'hex'))
    if ((row.id !== null && hex !== row.bytes) || (row.bytes !== null && id !== (row.id ?? undefined))) {
      failures.push(`${shown(row)}: found ${hex}, ${id}`)
    }
    if (row.id !== null && row.bytes !== null) {
      const text = Buffer.from(row.bytes, 'hex').toString()
      if (tokenizer.idToToken(row.id) !== text) failures.push(`${shown(row)}: found ${tokenizer.idToToken(row.id)}`)
    }
  }
  t.is(failures.length, 0, report(failures))
})

test('ids decode to the bytes and the text of tiktoken', (t) => {
  const failures: string[] = []
  for (const row of decodeRows()) {
    const tokenizer = getEncoding(row.encoding)
    const { ids } = row
    if (row.bytes === null) {
      for (const decode of [() => tokenizer.decode(ids), () => tokenizer.decodeBytes(ids)]) {
        try {
          failures.push(`${shown(row)}: found ${shown(decode())}`)
        } catch (error) {
          if ((error as TokenmillError).code !== 'ERR_OUT_OF_RANGE') failures.push(`${shown(row)}: ${String(error)}`)
        }
      }
      continue
    }
    const hex = Buffer.from(tokenizer.decodeBytes(ids)).toString('hex')
    const texts = [tokenizer.decode(ids), tokenizer.decode(Uint32Array.from(ids))]
    if (hex !== row.bytes || texts.some((text) => text !== row.text)) {
      failures.push(`${shown(row)}: found ${hex}, ${shown(texts)}`)
    }
  }
  t.is(failures.length, 0, report(failures))
})
