import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { unlessFresh } from '../../scripts/lib/stamp.mjs'

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const folder = `build/stamp-test-${process.pid}`

test.before(() => {
  mkdirSync(at(`${folder}/in`), { recursive: true })
})
test.after.always(() => {
  rmSync(at(folder), { recursive: true, force: true })
  rmSync(at(`build/stamp-test-${process.pid}.stamp.json`), { force: true })
})

test('a step is done when an input, an output or a setting changed, and else not', async (t) => {
  const step = (extra?: string) =>
    unlessFresh({
      name: `stamp-test-${process.pid}`,
      inputs: [`${folder}/in`],
      outputs: [`${folder}/out`],
      extra,
      make: async () => writeFileSync(at(`${folder}/out`), 'made'),
    })
  writeFileSync(at(`${folder}/in/a`), 'one')
  t.true(await step())
  t.false(await step())

  writeFileSync(at(`${folder}/in/a`), 'two')
  t.true(await step(), 'another content')
  writeFileSync(at(`${folder}/in/a`), 'two')
  t.false(await step(), 'the same content at another time')
  writeFileSync(at(`${folder}/in/b`), '')
  t.true(await step(), 'one more file')
  rmSync(at(`${folder}/in/b`))
  t.true(await step(), 'one file less')
  t.false(await step())

  rmSync(at(`${folder}/out`))
  t.true(await step(), 'no output')
  writeFileSync(at(`${folder}/out`), 'by somebody else')
  t.true(await step(), 'an output that something else wrote')
  t.true(await step('another command'), 'another setting')
})

test('a step that fails is done again', async (t) => {
  const step = unlessFresh({
    name: `stamp-test-${process.pid}`,
    inputs: [`${folder}/nothing`],
    outputs: [`${folder}/none`],
    make: () => Promise.reject(new Error('on purpose')),
  })
  await t.throwsAsync(step, { message: 'on purpose' })
})
