import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import test from 'ava'
import { TokenmillError, trainBpe, trainWordVectors } from '../src/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'tokenmill-train-source-'))
test.after.always(() => rmSync(folder, { recursive: true }))
const unlessWindows = process.platform === 'win32' ? test.skip : test

unlessWindows('a process ends after trainings are aborted that wait for pipes', async (t) => {
  const fifo = join(folder, 'silent')
  execFileSync('mkfifo', [fifo])
  const library = new URL('../src/index.ts', import.meta.url).href
  const code = `
    import { trainBpe, trainWordVectors } from ${JSON.stringify(library)}
    const train = [
      (input, format, signal) => trainBpe([input], { vocabSize: 300, format, signal }),
      (input, format, signal) => trainWordVectors([input], { dimensions: 4, format, signal }),
    ]
    for (const one of train)
      for (const input of ['-', process.argv.at(-1)])
        for (const format of ['text', 'lines']) {
          const error = await one(input, format, AbortSignal.timeout(100)).catch((error) => error)
          console.log(error.name)
        }`
  // Open at both ends and silent; standard input is, too.
  const silent = await open(fifo, 'r+')
  const child = spawn(process.execPath, ['--import=tsx', '--input-type=module', '-e', code, fifo], {
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: 60_000,
  })
  const ended = once(child, 'close')
  t.is(await text(child.stdout), 'TimeoutError\n'.repeat(8))
  t.deepEqual(await ended, [0, null])
  await silent.close()
})

test('what says how files are read is refused for texts, where it would have no effect', async (t) => {
  const source = { texts: ['one\ntwo'] }
  const trainings = [
    (reading: object) => trainBpe(source, { vocabSize: 260, ...reading }),
    (reading: object) => trainWordVectors(source, { dimensions: 2, minFrequency: 1, ...reading }),
  ]
  for (const train of trainings) {
    for (const [name, value, expected] of [
      ['format', 'lines', 'auto'],
      ['field', 'body', 'text'],
    ] as const) {
      await t.throwsAsync(train({ [name]: value }), {
        instanceOf: TokenmillError,
        code: 'ERR_INVALID_ARGUMENT',
        message: `expected '${expected}' with { texts }, each of which is one text, for options.${name}, received "${value}"`,
      })
      await t.notThrowsAsync(train({ [name]: expected }))
    }
  }
})
