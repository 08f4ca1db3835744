import { ownTemp } from './scripts/lib/temp.mjs'

// oxlint-disable-next-line import/no-default-export
export default {
  extensions: { ts: 'module' },
  workerThreads: false,
  nodeArguments: ['--import=tsx'],
  files: ['__test__/**/*.test.ts'],
  timeout: '2m',
  environmentVariables: ownTemp(),
}
