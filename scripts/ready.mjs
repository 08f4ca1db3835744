/* `npm run ready`: all that CI runs, so that what passes here passes there. The last line is `N passed, N failed`. */
import { runChecks } from './lib/checks.mjs'
import { readers } from './lib/counts.mjs'
import { script } from './lib/run.mjs'

await script(() =>
  runChecks([
    { title: 'npm test', command: ['node', 'scripts/test.mjs'], reader: readers.own },
    { title: 'npm run lint', command: ['node', 'scripts/lint.mjs'], reader: readers.own },
  ]),
)
