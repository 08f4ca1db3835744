import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
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

test('a text that is not UTF-8 is named by its place in the source, however many were taken before', async (t) => {
  function* texts() {
    for (let index = 0; index < 300; index++) yield 'x'.repeat(10_000)
    yield Uint8Array.of(0x61, 0xff)
  }
  const trainings = [
    () => trainBpe({ texts: texts() }, { vocabSize: 260 }),
    () => trainWordVectors({ texts: texts() }, { dimensions: 2, minFrequency: 1 }),
  ]
  for (const train of trainings)
    await t.throwsAsync(train, {
      instanceOf: TokenmillError,
      code: 'ERR_INVALID_UTF8',
      message: 'expected UTF-8 for text 300 of source.texts, received bytes that are not, the first at byte 1',
    })
})

test('a folder that is given for files is named, not an argument that there is not', async (t) => {
  const message = `expected files, received the folder ${folder}: name its files, as in ${folder}/**/*.jsonl`
  for (const train of [
    () => trainBpe([folder], { vocabSize: 260 }),
    () => trainWordVectors([folder], { dimensions: 2 }),
  ])
    await t.throwsAsync(train, { code: 'ERR_INVALID_ARGUMENT', message })
})

test('files are named by URLs too, in which nothing stands for other names', async (t) => {
  const names = process.platform === 'win32' ? ['a.txt', '[a].txt'] : ['a.txt', '[a].txt', 'x.txt', '?.txt', '*.txt']
  for (const [index, name] of names.entries()) {
    const path = join(folder, name)
    writeFileSync(path, `the mill ${'of a word '.repeat(10 + index)}`)
    const urls = [pathToFileURL(path)]
    let bytes = 0
    const onProgress = (progress: { readonly bytesToRead: number }) => (bytes = progress.bytesToRead)
    await trainBpe(urls, { vocabSize: 260, onProgress })
    t.is(bytes, statSync(path).size)
    const vectors = await trainWordVectors(urls, { dimensions: 4, minFrequency: 1 })
    t.is(vectors.dimensions, 4)
  }
  for (const url of [new URL('https://example.com/a'), '', 5]) {
    await t.throwsAsync(trainBpe([url as never], { vocabSize: 260 }), {
      code: 'ERR_INVALID_ARGUMENT',
      message: /a path, glob or file: URL for source\[0\], received/,
    })
  }
})
