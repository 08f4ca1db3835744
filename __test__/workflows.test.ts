import { existsSync, readdirSync, readFileSync } from 'node:fs'
import test from 'ava'
import { load } from 'js-yaml'
import { platforms } from '../scripts/lib/stage.mjs'

const at = (path: string): URL => new URL(`../${path}`, import.meta.url)

interface Job {
  readonly 'runs-on': string
  readonly 'timeout-minutes': number
  readonly needs?: string | readonly string[]
  readonly strategy?: {
    readonly matrix: { readonly include?: readonly { readonly id: string; readonly target?: string }[] }
  }
  readonly steps: readonly { readonly uses?: string; readonly run?: string }[]
}
interface Workflow {
  readonly on: unknown
  readonly permissions: Readonly<Record<string, string>>
  readonly jobs: Readonly<Record<string, Job>>
}

const read = (name: string): Workflow => load(readFileSync(at(`.github/workflows/${name}`), 'utf8')) as Workflow
const { scripts } = JSON.parse(readFileSync(at('package.json'), 'utf8')) as { scripts: Record<string, string> }

for (const name of readdirSync(at('.github/workflows'))) {
  const { on, permissions, jobs } = read(name)

  test(`${name} parses, and its jobs are bounded in time and need jobs that exist`, (t) => {
    t.truthy(on)
    t.deepEqual(permissions, { contents: 'read' })
    for (const [job, { 'runs-on': runner, 'timeout-minutes': minutes, needs = [], steps }] of Object.entries(jobs)) {
      t.is(typeof runner, 'string', job)
      t.true(minutes > 0 && minutes <= 60, job)
      for (const needed of [needs].flat()) t.true(needed in jobs, `${job} needs ${needed}`)
      for (const step of steps) t.is(Number('uses' in step) + Number('run' in step), 1, job)
    }
  })

  test(`${name} runs npm scripts and files that exist`, (t) => {
    const commands = Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []))
    t.true(commands.length > 0)
    for (const command of commands) {
      for (const [, script = ''] of command.matchAll(/npm run ([\w:]+)/g)) t.true(script in scripts, script)
      for (const [file] of command.matchAll(/(?:scripts\/[\w.-]+\.mjs|\.ci\/run|__test__\/[\w.-]+\.ts)/g))
        t.true(existsSync(at(file)), file)
    }
  })
}

test('the release builds and tests every platform that has a package', (t) => {
  const { jobs } = read('release.yml')
  const included = (job: string) => jobs[job]?.strategy?.matrix.include ?? []
  t.deepEqual(
    Object.fromEntries(included('build').map(({ id, target }) => [id, target])),
    Object.fromEntries(Object.entries(platforms).map(([id, { target }]) => [id, target])),
  )
  const tested = [...included('test'), ...included('test-musl')].map(({ id }) => id)
  t.deepEqual(tested.sort(), Object.keys(platforms).sort())
})

test('package.json names the same targets', (t) => {
  const { napi } = JSON.parse(readFileSync(at('package.json'), 'utf8')) as { napi: { targets: string[] } }
  t.deepEqual(
    [...napi.targets].sort(),
    Object.values(platforms)
      .map(({ target }) => target)
      .sort(),
  )
})
