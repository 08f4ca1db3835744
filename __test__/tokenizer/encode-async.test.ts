import { getEventListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import test, { type ExecutionContext } from 'ava'
import { cancellable } from '../../src/cancel.ts'
import { TokenmillError } from '../../src/errors.ts'
import type { CancelFlag } from '../../src/native-binding.d.ts'
import { native } from '../../src/native.ts'
import { encodingNames, getEncoding } from '../../src/tokenizer/encodings.ts'
import { loadTokenizer } from '../../src/tokenizer/load.ts'
import { cpuSince } from '../cpu-time.ts'
import { jsonFile } from './json-cases.ts'
import { stopsWork } from '../stops-work.ts'

const o200k = getEncoding('o200k_base')
const bytesOf = (text: string) => new TextEncoder().encode(text)
const text = 'Hello, 我们 👩‍👩‍👧! '
const ids = o200k.encode(text)
/** Some twenty megabytes of words that are no tokens, so that each is merged: about a second of work. */
const long = Array.from({ length: 3_000_000 }, (_, index) => Math.imul(index, 0x9e3779b1).toString(36)).join(' ')

const calls = [
  ['encodeAsync', (signal?: AbortSignal) => o200k.encodeAsync(long, signal && { signal })],
  ['encodeBatchAsync', (signal?: AbortSignal) => o200k.encodeBatchAsync([long, long], signal && { signal })],
  ['countAsync', (signal?: AbortSignal) => o200k.countAsync(long, signal && { signal })],
  ['countBatchAsync', (signal?: AbortSignal) => o200k.countBatchAsync([long, long], signal && { signal })],
] as const

for (const name of encodingNames) {
  test(`${name}: encodeAsync is encode`, async (t) => {
    const tokenizer = getEncoding(name)
    const texts = ['', 'a', text, '\ud800', '\uFEFF\0', text.repeat(10_000)]
    for (const text of texts) {
      const ids = tokenizer.encode(text)
      t.deepEqual(await tokenizer.encodeAsync(text), ids)
      t.deepEqual(await tokenizer.encodeAsync(bytesOf(text)), ids)
      t.deepEqual(await tokenizer.encodeAsync(text, { signal: new AbortController().signal }), ids)
    }
  })
}

test('many calls in flight each get their own ids', async (t) => {
  const texts = Array.from({ length: 200 }, (_, index) => `${index} `.repeat(index))
  const all = await Promise.all(texts.map((text) => o200k.encodeAsync(text)))
  t.deepEqual(
    all.map((ids) => o200k.decode(ids)),
    texts,
  )
})

test('synchronous calls work while asynchronous ones are in flight', async (t) => {
  const inFlight = [
    o200k.encodeAsync(text.repeat(20_000)),
    o200k.encodeBatchAsync([text, text.repeat(20_000)]),
  ] as const
  t.deepEqual(o200k.encode(text), ids)
  t.deepEqual(o200k.encode(text, { disallowedSpecial: ['in flight'] }), ids)
  t.deepEqual(o200k.encodeBatch([text]).ids, ids)
  t.is(o200k.count(text), ids.length)
  t.is(o200k.decode(ids), text)
  t.is(o200k.encode(text.repeat(1000)).length, o200k.count(text.repeat(1000)))
  const [single, batch] = await Promise.all(inFlight)
  t.deepEqual(batch.at(1), single)
})

test('the event loop goes on while a text is encoded', async (t) => {
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  const ids = await o200k.encodeAsync(long)
  clearInterval(timer)
  t.true(turns > 0, `${turns} turns`)
  t.is(ids.length, o200k.count(long))
})

/** Counts turns of the event loop, and in which of them strings of long batches are copied. */
const watchCopies = (t: ExecutionContext) => {
  const { prototype } = native().GatheredTexts
  const { add, extend } = prototype
  const copies: number[] = []
  let turn = 0
  const count = () => {
    turn++
    timer = setImmediate(count)
  }
  let timer = setImmediate(count)
  prototype.add = function (part) {
    copies.push(turn)
    add.call(this, part)
  }
  prototype.extend = function (part) {
    copies.push(turn)
    extend.call(this, part)
  }
  t.teardown(() => {
    clearImmediate(timer)
    Object.assign(prototype, { add, extend })
  })
  return copies
}

test.serial('a batch of many megabytes is copied in several turns, and is what it is at once', async (t) => {
  const copies = watchCopies(t)
  const texts = Array.from({ length: 3000 }, (_, index) => `${index} ${text}`.repeat(index % 7 ? 80 : 0) + index)
  const all = { allowedSpecial: 'all' } as const
  t.deepEqual(await o200k.encodeBatchAsync(texts, all), o200k.encodeBatch(texts, all))
  t.true(new Set(copies).size > 1, copies.join())
  t.deepEqual(await o200k.countBatchAsync(texts), o200k.countBatch(texts))
  await t.throwsAsync(o200k.encodeBatchAsync([...texts, 'ab<|endoftext|>']), {
    code: 'ERR_SPECIAL_TOKEN',
    message: /^texts\[3000\] holds the special token "<\|endoftext\|>" at index 2;/,
  })
  const aborting = new AbortController()
  const aborted = o200k.encodeBatchAsync(texts, { signal: aborting.signal })
  setImmediate(() => aborting.abort())
  await t.throwsAsync(aborted, { any: true, name: 'AbortError' })
})

test.serial('so is one that the tokenizers crate encodes', async (t) => {
  const copies = watchCopies(t)
  const tokenizer = await loadTokenizer(jsonFile('words'))
  // One word each, which is unknown.
  const texts = Array.from({ length: 3 }, (_, index) => 'x'.repeat(2 ** 21 + index))
  t.deepEqual(await tokenizer.encodeBatchAsync(texts), tokenizer.encodeBatch(texts))
  t.true(new Set(copies).size > 1, copies.join())
  t.deepEqual(await tokenizer.countBatchAsync(texts), tokenizer.countBatch(texts))
})

test.serial('so are very many short strings', async (t) => {
  const copies = watchCopies(t)
  const texts = Array.from({ length: 100_000 }, (_, index) => String(index % 1000))
  t.deepEqual(await o200k.countBatchAsync(texts), o200k.countBatch(texts))
  t.true(new Set(copies).size > 2, copies.join())
})

test.serial('a string of many megabytes is copied in several turns, also within a character', async (t) => {
  const copies = watchCopies(t)
  // Each but the last ends in the middle of a pair.
  const string = `The mil${'🌊 mill '.repeat(1_200_000)}`
  t.deepEqual(await o200k.encodeAsync(string), o200k.encode(string))
  t.true(new Set(copies).size > 2, copies.join())
  t.is(await o200k.countAsync(string), o200k.count(string))
  const both = [string, 'short', string]
  t.deepEqual(await o200k.encodeBatchAsync(both), o200k.encodeBatch(both))
  await t.throwsAsync(o200k.encodeAsync(`${string}<|endoftext|>`), {
    code: 'ERR_SPECIAL_TOKEN',
    message: new RegExp(`^the text holds the special token "<\\|endoftext\\|>" at index ${string.length};`),
  })
  const json = await loadTokenizer(jsonFile('t5'))
  t.deepEqual(await json.encodeAsync(string), json.encode(string))
})

test.serial('a short text with a tokenizer.json does not wait for long ones', async (t) => {
  const [busy, other] = await Promise.all([loadTokenizer(jsonFile('xlmr')), loadTokenizer(jsonFile('bert'))])
  let done = 0
  const long = Array.from({ length: 12 }, () => busy.countAsync('The mill 水車 🌊 '.repeat(8000)).then(() => done++))
  const short = ['The mill', 'and the river.']
  t.deepEqual(await other.encodeBatchAsync(short), other.encodeBatch(short))
  t.is(await other.countAsync(text), other.count(text))
  t.true(done < long.length / 2, `${done} done`)
  await Promise.all(long)
})

test('bytes may be changed, transferred and freed after the call', async (t) => {
  const [changed, moved] = [bytesOf(text), bytesOf(text)]
  const all = [o200k.encodeAsync(changed), o200k.encodeAsync(moved), o200k.encodeBatchAsync([changed, moved])] as const
  changed.fill(0xff)
  structuredClone(moved.buffer, { transfer: [moved.buffer] })
  t.deepEqual(await all[0], ids)
  t.deepEqual(await all[1], ids)
  t.deepEqual([...(await all[2])], [ids, ids])
})

test('texts of a batch may be replaced after the call', async (t) => {
  const texts = [text, text]
  const batch = o200k.encodeBatchAsync(texts)
  texts[0] = 'something else'
  texts.length = 1
  t.deepEqual([...(await batch)], [ids, ids])
})

test('bytes may be a Buffer, a subarray, shared or resizable; without their memory they are an error', async (t) => {
  const shared = new Uint8Array(new SharedArrayBuffer(64))
  shared.set(bytesOf(text), 3)
  const length = bytesOf(text).length
  const resizable = new Uint8Array(new (ArrayBuffer as ResizableConstructor)(length, { maxByteLength: 100 }))
  resizable.set(bytesOf(text))
  for (const bytes of [
    Buffer.from(text),
    bytesOf(`xx${text}xxx`).subarray(2, -3),
    shared.subarray(3, 3 + length),
    resizable,
    new Uint8Array(resizable.buffer),
    new (class extends Uint8Array {})(bytesOf(text)),
  ]) {
    t.deepEqual(o200k.encode(bytes), ids)
    t.deepEqual(o200k.encodeOrdinary(bytes), ids)
    t.is(o200k.count(bytes), ids.length)
    t.deepEqual(await o200k.encodeAsync(bytes), ids)
    t.deepEqual(o200k.encodeBatch([bytes]).ids, ids)
  }
  const moved = bytesOf(text)
  structuredClone(moved.buffer, { transfer: [moved.buffer] })
  const cut = new Uint8Array(resizable.buffer, 2, 3)
  ;(resizable.buffer as ArrayBuffer & { resize(length: number): void }).resize(1)
  const error = { code: 'ERR_INVALID_ARGUMENT', message: /for text/ }
  for (const gone of [moved, cut]) {
    t.is(gone.length, 0)
    t.throws(() => o200k.encode(gone), error)
    t.throws(() => o200k.count(gone), error)
    await t.throwsAsync(o200k.encodeAsync(gone), error)
  }
})

/** ES2024, in every Node that we support. */
type ResizableConstructor = new (length: number, options: { maxByteLength: number }) => ArrayBuffer

test('a signal that is aborted already rejects with its reason, before anything is read', async (t) => {
  const reason = new Error('not today')
  const options = { signal: AbortSignal.abort(reason) }
  t.is(await t.throwsAsync(o200k.encodeAsync('<|endoftext|>', options)), reason)
  t.is(await t.throwsAsync(o200k.encodeBatchAsync(['a'], options)), reason)
  t.is(await t.throwsAsync(o200k.countAsync('a', options)), reason)
  t.is(await t.throwsAsync(o200k.countBatchAsync(['a'], options)), reason)
  const byDefault = await o200k.encodeAsync('a', { signal: AbortSignal.abort() }).catch((error: unknown) => error)
  t.is((byDefault as Error).name, 'AbortError')
})

for (const [name, call] of calls) {
  test.serial(`${name}: an abort rejects with its reason, soon, and the process works on`, async (t) => {
    const start = process.cpuUsage()
    await call()
    const whole = cpuSince(start)

    const controller = new AbortController()
    const reason = new Error('enough')
    const promise = call(controller.signal)
    await sleep(20)
    const aborted = process.cpuUsage()
    controller.abort(reason)
    t.is(await t.throwsAsync(promise), reason)
    t.true(cpuSince(aborted) < Math.max(100, whole / 2))
    t.is(getEventListeners(controller.signal, 'abort').length, 0)

    const more = Array.from({ length: 6 }, () => {
      const controller = new AbortController()
      const promise = call(controller.signal)
      controller.abort(reason)
      return promise
    })
    for (const { status } of await Promise.allSettled(more)) t.is(status, 'rejected')
    t.deepEqual(await o200k.encodeAsync(text), ids)
  })

  test.serial(`${name}: the reason may be any value`, async (t) => {
    for (const reason of [null, 0, 'text', new TokenmillError('ERR_SPECIAL_TOKEN', '1 mine')]) {
      const controller = new AbortController()
      const promise = call(controller.signal)
      controller.abort(reason)
      const settled = await promise.then(
        () => 'it went through',
        (error: unknown) => ({ error }),
      )
      t.is((settled as { error: unknown }).error, reason)
    }
  })
}

test('a signal is let go after the call, whether it went through or not', async (t) => {
  const { signal } = new AbortController()
  for (let round = 0; round < 20; round++) {
    await o200k.encodeAsync('a', { signal })
    await o200k.encodeBatchAsync(['a'], { signal })
    await t.throwsAsync(o200k.encodeAsync('<|endoftext|>', { signal }), { code: 'ERR_SPECIAL_TOKEN' })
    await t.throwsAsync(o200k.encodeAsync(new Uint8Array([0xff]), { signal, utf8: 'strict' }), {
      code: 'ERR_INVALID_UTF8',
    })
    await t.throwsAsync(o200k.encodeAsync(1 as unknown as string, { signal }), { code: 'ERR_INVALID_ARGUMENT' })
  }
  t.is(getEventListeners(signal, 'abort').length, 0)
})

test('an abort stops the work itself', async (t) => {
  const { BpeHandle } = native()
  const handle = BpeHandle.open('gpt2', fileURLToPath(new URL('../../encodings/r50k_base.bpe', import.meta.url)))
  const policy = handle.addPolicy([], [])
  for (const work of [
    (flag?: CancelFlag) => handle.encodeAsync(long, true, policy, flag),
    (flag?: CancelFlag) => handle.encodeAsync(bytesOf(long), true, policy, flag),
    (flag?: CancelFlag) => handle.encodeBatchAsync(['a', long], true, policy, flag),
    (flag?: CancelFlag) => handle.countAsync(long, true, policy, flag),
    (flag?: CancelFlag) => handle.countBatchAsync(['a', long], true, policy, flag),
  ]) {
    await stopsWork(t, work)
  }
})

test('a signal is let go when the work cannot begin', async (t) => {
  const { signal } = new AbortController()
  const work = () => {
    throw new TokenmillError('ERR_LIMIT', 'too much')
  }
  await t.throwsAsync(cancellable(signal, work), { code: 'ERR_LIMIT' })
  t.is(getEventListeners(signal, 'abort').length, 0)
})

test('an abort after the call changes nothing', async (t) => {
  const controller = new AbortController()
  const result = await o200k.encodeAsync(text, { signal: controller.signal })
  controller.abort()
  t.deepEqual(result, ids)
})

test('one signal aborts several calls', async (t) => {
  const controller = new AbortController()
  const { signal } = controller
  const all = [
    o200k.encodeAsync(long, { signal }),
    o200k.encodeAsync(long, { signal }),
    o200k.encodeBatchAsync([long], { signal }),
  ]
  controller.abort(new Error('all of you'))
  for (const promise of all) await t.throwsAsync(promise as Promise<unknown>, { message: 'all of you' })
})

test('a timeout signal works', async (t) => {
  const error = await o200k.encodeAsync(long, { signal: AbortSignal.timeout(5) }).catch((error: unknown) => error)
  t.is((error as Error).name, 'TimeoutError')
})

test('what is not an AbortSignal is an error', async (t) => {
  const like = { aborted: false, addEventListener() {}, removeEventListener() {}, throwIfAborted() {} }
  for (const signal of [null, true, {}, new AbortController(), like] as AbortSignal[]) {
    const error = {
      instanceOf: TokenmillError,
      code: 'ERR_INVALID_ARGUMENT',
      message: /an AbortSignal for options\.signal/,
    }
    await t.throwsAsync(o200k.encodeAsync('a', { signal }), error)
    await t.throwsAsync(o200k.encodeBatchAsync(['a'], { signal }), error)
    await t.throwsAsync(o200k.countAsync('a', { signal }), error)
    await t.throwsAsync(o200k.countBatchAsync(['a'], { signal }), error)
  }
})

test('workers share the encodings and encode at once', async (t) => {
  const source = `
    import { parentPort, workerData } from 'node:worker_threads'
    const { register } = await import(workerData.tsx)
    register()
    const { getEncoding } = await import(workerData.module)
    const rows = []
    for (const name of workerData.names) {
      const tokenizer = getEncoding(name)
      const ids = tokenizer.encode(workerData.text)
      const later = await tokenizer.encodeAsync(workerData.text)
      rows.push([name, ids, tokenizer.decode(later)])
    }
    parentPort.postMessage(rows)
  `
  const text = 'Words, 我们 and 👍🏽 numbers 12345\n'.repeat(2000)
  const workerData = {
    tsx: import.meta.resolve('tsx/esm/api'),
    module: new URL('../../src/tokenizer/encodings.ts', import.meta.url).href,
    names: encodingNames,
    text,
  }
  const workers = Array.from(
    { length: 4 },
    () => new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), { workerData }),
  )
  const answers = await Promise.all(
    workers.map(
      (worker) =>
        new Promise<[string, Uint32Array, string][]>((resolve, reject) =>
          worker.once('message', resolve).once('error', reject),
        ),
    ),
  )
  for (const rows of answers) {
    t.is(rows.length, encodingNames.length)
    for (const [name, ids, decoded] of rows) {
      t.deepEqual(ids, getEncoding(name).encode(text))
      t.is(decoded, text)
    }
  }
  await Promise.all(workers.map((worker) => worker.terminate()))
})
