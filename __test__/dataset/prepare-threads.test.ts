import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { ensureTypeScript } from '../../scripts/lib/ensure.mjs'

/*
 * What prepare and the trainings do for long must not keep threads of Node's pool, of which these processes have one. A process of its own does it, from dist/,
 * within a time that has only to be shorter than for ever.
 */

const folder = mkdtempSync(join(tmpdir(), 'tokenmill-threads-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))
test.before(async () => {
  await ensureTypeScript()
  writeFileSync(
    join(folder, 'a.jsonl'),
    `${JSON.stringify({ text: 'the mill by the river '.repeat(50) })}\n`.repeat(2000),
  )
})

const start = `
import { readFile } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
const { getEncoding, prepare, trainBpe, trainWordVectors, TokenStore, Vocabulary, WordTokenizer } =
  await import(${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)})
const folder = ${JSON.stringify(folder)}
const inputs = [folder + '/a.jsonl']
const words = new WordTokenizer(Vocabulary.fromText('the mill by the river'))
const tokenizer = getEncoding('gpt2')
/* Standard input never ends: what reads it is in the middle of its work. */
const endless = { inputs: ['-'], inputFormat: 'lines' }
const begun = () => new Promise((done) => setTimeout(done, 200))
`

/** What the program prints, and how it ended. */
const run = async (program: string): Promise<{ code: unknown; stdout: string }> => {
  const options = { env: { ...process.env, UV_THREADPOOL_SIZE: '1' }, timeout: 60_000 }
  const running = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', start + program], options)
  return running.then(
    ({ stdout }) => ({ code: 0, stdout }),
    ({ code, signal, stdout, stderr }) => ({ code: signal ?? code, stdout: `${stdout}${stderr}` }),
  )
}

test('several preparations go on at once, by a tokenizer of JavaScript too, and files are read meanwhile', async (t) => {
  const { code, stdout } = await run(`
    const all = [words, words, words, tokenizer, tokenizer].map((tokenizer, index) =>
      prepare({ inputs, tokenizer, outDir: folder + '/several-' + index }))
    await readFile(inputs[0])
    console.log(new Set((await Promise.all(all)).map(({ counts }) => counts.documents)))
  `)
  t.deepEqual({ code, stdout }, { code: 0, stdout: 'Set(1) { 2000 }\n' })
})

for (const [name, call] of Object.entries({
  'a preparation': `prepare({ ...endless, tokenizer, outDir: folder + '/endless-1' })`,
  'a preparation by a tokenizer of JavaScript': `prepare({ ...endless, tokenizer: words, outDir: folder + '/endless-2' })`,
  'a training of BPE': `trainBpe(['-'], { vocabSize: 300, format: 'lines' })`,
  'a training of word vectors': `trainWordVectors(['-'], { format: 'lines' })`,
})) {
  test(`${name} keeps no thread of the pool, and the process ends in the middle of it`, async (t) => {
    const { code, stdout } = await run(`
      void ${call}
      await begun()
      console.log((await readFile(inputs[0])).length > 0)
      process.exit(7)
    `)
    t.deepEqual({ code, stdout }, { code: 7, stdout: 'true\n' })
  })
}

test('a worker thread that ends stops its preparations, and the folders are free', async (t) => {
  const { code, stdout } = await run(`
    const source = ${JSON.stringify(start)} + \`
      import { parentPort } from 'node:worker_threads'
      const encode = words.encodeBatch.bind(words)
      words.encodeBatch = (...texts) => {
        parentPort.postMessage('in the middle')
        return encode(...texts)
      }
      void prepare({ inputs, tokenizer: words, outDir: folder + '/worker-1', checkpointSeconds: 0 })
      void prepare({ inputs, tokenizer, outDir: folder + '/worker-2', checkpointSeconds: 0 })
    \`
    const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(source)))
    await new Promise((done, fail) => worker.once('message', done).once('error', fail))
    await worker.terminate()
    const again = async (tokenizer, name) => {
      for (;;) {
        try {
          return (await prepare({ inputs, tokenizer, outDir: folder + '/' + name })).counts.documents
        } catch (error) {
          // Its thread looks whether it was cancelled some times a second.
          if (!error.message.includes('another call or process prepares')) throw error
          await begun()
        }
      }
    }
    console.log(await again(words, 'worker-1'), await again(tokenizer, 'worker-2'))
  `)
  t.deepEqual({ code, stdout }, { code: 0, stdout: '2000 2000\n' })
})
