import test from 'ava'
import { callNative, fromNative, TokenmillError } from '../src/errors.ts'
import { native } from '../src/native.ts'
import { setThreads } from '../src/threads.ts'
import { getEncoding } from '../src/tokenizer/encodings.ts'

const internal = { instanceOf: TokenmillError, code: 'ERR_INTERNAL', message: /on purpose/ }

test('a panic in a call is ERR_INTERNAL', (t) => {
  t.throws(() => callNative(() => native().panicInCall()), internal)
})

test('a panic in a call that napi-rs has no part in is ERR_INTERNAL', (t) => {
  const call = native().panickingCall(new Uint32Array(4096))
  for (let round = 0; round < 3; round++) t.throws(() => callNative(call), internal)
})

test('a panic in a rayon thread is ERR_INTERNAL', (t) => {
  t.throws(() => callNative(() => native().panicInRayon()), internal)
})

test('a panic in one of many texts that are encoded while others cross is ERR_INTERNAL', (t) => {
  const [tokenizer, threads] = [getEncoding('o200k_base'), native().threads()]
  const texts = Array.from({ length: 200 }, (_, row) => `text ${row} `.repeat(1000))
  const [expected, counts] = [tokenizer.encodeBatch(texts), tokenizer.countBatch(texts)]
  setThreads(3)
  for (let round = 0; round < 5; round++) {
    native().panicInBlock()
    t.throws(() => tokenizer.encodeBatch(texts), internal)
    t.deepEqual(tokenizer.encodeBatch(texts), expected)
    native().panicInBlock()
    t.throws(() => tokenizer.countBatch(texts), internal)
    t.deepEqual(tokenizer.countBatch(texts), counts)
  }
  setThreads(threads)
})

test('a panic in a constructor is ERR_INTERNAL', (t) => {
  t.throws(() => callNative(() => new (native().PanicInConstructor)()), internal)
})

for (const inFinish of [false, true]) {
  test(`a panic in an async task is ERR_INTERNAL, ${inFinish ? 'while its result is built' : 'while it works'}`, async (t) => {
    const error = await t.throwsAsync(
      native()
        .panicInTask(inFinish)
        .catch((error: unknown) => {
          throw fromNative(error)
        }),
    )
    t.is((error as TokenmillError).code, 'ERR_INTERNAL')
    t.regex(error.message, /on purpose/)
  })
}

test('the caller of a native function is on the stack of its error', (t) => {
  const caller = () => callNative(() => native().panicInCall())
  t.regex(t.throws(caller)?.stack ?? '', /panics\.test/)
})
