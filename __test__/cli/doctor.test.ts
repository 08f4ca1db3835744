import test from 'ava'
import { encodingNames } from '../../src/tokenizer/encodings.ts'
import { build, tokenmill } from './cli.ts'

test.before(build)

test('doctor shows the addon, every encoding and the devices, and why one does not work', async (t) => {
  const { code, stdout, stderr } = await tokenmill(['doctor'])
  t.like({ code, stderr }, { code: 0, stderr: '' })
  t.regex(stdout, /✓ native addon +.*\.node/)
  for (const name of encodingNames) t.regex(stdout, new RegExp(`✓ ${name} +ids as published`))
  t.regex(stdout, /✓ cpu +\d+ threads/)
  t.regex(stdout, /– cuda +\S/)
  t.regex(stdout, /Everything that is needed works/)
})

test('doctor --json has the same for machines', async (t) => {
  const facts = JSON.parse((await tokenmill(['doctor', '--json'])).stdout)
  t.like(facts, { node: process.versions.node, works: true, native: { error: null } })
  t.true(facts.findings.length >= encodingNames.length + 3)
})

test('without its addon doctor says why and what to run, in exit code 1', async (t) => {
  const env = { TOKENMILL_NATIVE_PATH: '/nowhere/tokenmill.node' }
  const { code, stdout } = await tokenmill(['doctor'], { env })
  t.is(code, 1)
  t.regex(stdout, /✗ native addon/)
  t.regex(stdout, /TOKENMILL_NATIVE_PATH/)
  const json = await tokenmill(['doctor', '--json'], { env })
  t.is(json.code, 1)
  t.like(JSON.parse(json.stdout), { works: false, native: { error: { code: 'ERR_NATIVE' } } })
})
