import test from 'ava'
import { callNative, fromNative, TokenmillError } from '../src/errors.ts'
import { native } from '../src/native.ts'

const internal = { instanceOf: TokenmillError, code: 'ERR_INTERNAL', message: /on purpose/ }

test('a panic in a call is ERR_INTERNAL', (t) => {
  t.throws(() => callNative(() => native().panicInCall()), internal)
})

test('a panic in a rayon thread is ERR_INTERNAL', (t) => {
  t.throws(() => callNative(() => native().panicInRayon()), internal)
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
