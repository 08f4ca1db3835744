import { getEventListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { onAbort } from '../src/on-abort.ts'
import { getEncoding } from '../src/tokenizer/encodings.ts'

const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

test('all who wait for a signal are told, once, unless they stopped to wait', (t) => {
  const controller = new AbortController()
  const told: string[] = []
  onAbort(controller.signal, () => told.push('first'))
  onAbort(controller.signal, () => told.push('second'))()
  onAbort(controller.signal, () => told.push('third'))
  controller.abort()
  controller.abort()
  t.deepEqual(told, ['first', 'third'])
})

test('a signal has one listener however many wait, and none when nobody does', (t) => {
  const { signal } = new AbortController()
  const stops = Array.from({ length: 20 }, () => onAbort(signal, () => undefined))
  t.is(listeners(signal), 1)
  for (const stop of stops) stop()
  t.is(listeners(signal), 0)
  const stop = onAbort(signal, () => undefined)
  // Who stopped already does not stop others.
  stops[0]?.()
  t.is(listeners(signal), 1)
  stop()
  t.is(listeners(signal), 0)
})

test.serial('calls and generators that share a signal print no warning, and leave nothing', async (t) => {
  const warnings: Error[] = []
  const note = (warning: Error) => warnings.push(warning)
  process.on('warning', note)
  t.teardown(() => process.off('warning', note))
  const { signal } = new AbortController()
  const tokenizer = getEncoding('r50k_base')
  const calls = Array.from({ length: 20 }, () => tokenizer.encodeAsync('the mill', { signal }))
  const generators = Array.from({ length: 20 }, async () => {
    for await (const _ of tokenizer.encodeChunks(['the mill'], { signal })) await sleep(1)
    for await (const _ of tokenizer.decodeChunks([1], { signal })) await sleep(1)
  })
  await Promise.all([...calls, ...generators])
  await sleep(1)
  t.deepEqual(warnings, [])
  t.is(listeners(signal), 0)
})
