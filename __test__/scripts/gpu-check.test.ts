import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'

/* The comparison that `npm run gpu-check` packs, on the processor. */

const root = fileURLToPath(new URL('../..', import.meta.url))
const check = join(root, 'scripts/gpu-check/check.mjs')

const run = (dist: string) =>
  new Promise<{ code: number; output: string }>((done) => {
    execFile(process.execPath, [check, 'cpu', dist, 'few'], (error, stdout, stderr) => {
      done({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr })
    })
  })

test('what is computed on the processor is the reference', async (t) => {
  const { code, output } = await run(join(root, 'dist'))
  t.is(code, 0, output)
  t.regex(output, /^[1-9]\d* passed, 0 failed$/m)
})

/* A library that is ours but for one thing, which the comparison has to see. */
for (const [title, wrong, expected] of [
  [
    'a value that is a little too large',
    `const forward = real.InputEmbedding.prototype.forward
     real.InputEmbedding.prototype.forward = function (ids, options) {
       const out = forward.call(this, ids, options)
       if (options.out instanceof Float32Array) out[out.length - 1] *= 1 + 2 ** -18
       return out
     }`,
    /✘ lookup f32, 768 dimensions/,
  ],
  [
    'a result that is not written to its end',
    `const forward = real.InputEmbedding.prototype.forward
     real.InputEmbedding.prototype.forward = function (ids, options) {
       const out = forward.call(this, ids, options)
       if (options.out) out[out.length - 1] = NaN
       return out
     }`,
    /✘ lookup f32, 3 dimensions.*\n.*is NaN instead of/,
  ],
  [
    'a gradient that has something more in it',
    `const backward = real.Embedding.prototype.backward
     real.Embedding.prototype.backward = function (output, grad) {
       backward.call(this, output, grad)
       const ids = Uint32Array.of(0)
       backward.call(this, this.forward(ids), new Float32Array(this.dimensions).fill(0.001))
     }`,
    /✘ gradient f32[^]*✘ AdamW/,
  ],
  [
    'a gradient of a normalised sum that is not less its mean',
    `const backward = real.InputEmbedding.prototype.backward
     real.InputEmbedding.prototype.backward = function (output, grad) {
       backward.call(this, output, grad)
       if (this.parameters().length < 5) return
       const ids = Uint32Array.of(0)
       backward.call(this, this.forward(ids), new Float32Array(this.dimensions).fill(0.01))
     }`,
    /✘ layer norm f32, 768 dimensions, by an array/,
  ],
  [
    'a wrong id that is let through',
    `const forward = real.Embedding.prototype.forward
     real.Embedding.prototype.forward = function (ids, options) {
       return forward.call(this, ids.map((id) => (id < this.count ? id : 0)), options)
     }`,
    /✘ the id 4294967295 of a table of 5 rows/,
  ],
] as const) {
  test(`the comparison sees ${title}`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'tokenmill-gpu-check-'))
    t.teardown(() => rmSync(folder, { recursive: true, force: true }))
    const real = JSON.stringify(join(root, 'dist/index.js'))
    writeFileSync(join(folder, 'index.js'), `import * as real from ${real}\n${wrong}\nexport * from ${real}\n`)
    cpSync(join(root, 'package.json'), join(folder, 'package.json'))
    const { code, output } = await run(folder)
    t.is(code, 1)
    t.regex(output, expected)
  })
}
