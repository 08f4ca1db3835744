import test from 'ava'
import { Counts, countsOf, failuresOf, readers } from '../../scripts/lib/counts.mjs'

for (const [title, reader, output, code, passed, failed] of [
  [
    'cargo, several binaries',
    readers.cargo,
    'running 2 tests\ntest result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.10s\n\n' +
      'test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s\n',
    101,
    15,
    2,
  ],
  ['cargo, what does not compile', readers.cargo, 'error[E0308]: mismatched types\n', 101, 0, 1],
  ['cargo, no tests at all', readers.cargo, 'test result: ok. 0 passed; 0 failed; 0 ignored\n', 0, 0, 1],
  ['ava, in colours', readers.ava, '  ─\n\n  \u001B[32m112 tests passed\u001B[39m\n  1 test skipped\n', 0, 112, 0],
  ['ava, failures', readers.ava, '  ─\n\n  2 tests failed\n  1 hook failed\n  1 uncaught exception\n', 1, 0, 4],
  [
    'ava, failures beside what passed',
    readers.ava,
    '  ✔ a\n  ✘ [fail]: b\n    ✔ not a test\n  ✔ c (1s)\n\n  1 test failed\n',
    1,
    2,
    1,
  ],
  ['ava, a crash after all passed', readers.ava, '  5 tests passed\n', 134, 5, 1],
  ['our own line, the last one', readers.own, '1 passed, 1 failed\n…\n20 passed, 0 failed\n', 0, 20, 0],
  ['our own line, missing', readers.own, 'Error: no such file\n', 1, 0, 1],
  ['an exit code', readers.exitCode, '', 0, 1, 0],
  ['an exit code that is not 0', readers.exitCode, 'whatever', 2, 0, 1],
] as const) {
  test(`the numbers of a runner: ${title}`, (t) => {
    t.deepEqual(countsOf(reader, { output, code }), { passed, failed })
  })
}

test('a runner may have none of the tests that were chosen, but not fail', (t) => {
  const output = 'test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 9 filtered out\n'
  t.deepEqual(countsOf(readers.cargo, { output, code: 0 }, { mayBeEmpty: true }), { passed: 0, failed: 0 })
  t.deepEqual(countsOf(readers.cargo, { output, code: 101 }, { mayBeEmpty: true }), { passed: 0, failed: 1 })
})

test('counts are summed into the closing line', (t) => {
  t.is(String(new Counts().add({ passed: 2, failed: 1 }).add({ passed: 3, failed: 0 })), '5 passed, 1 failed')
})

for (const [title, output, lines] of [
  [
    'cargo',
    'test a ... ok\ntest b::c ... FAILED\n\nfailures:\n\n---- b::c stdout ----\nnot equal\n\n\nfailures:\n    b::c\n\n' +
      'test result: FAILED. 1 passed; 1 failed;\n\nerror: test failed\n     Running d\ntest d ... ok\n',
    ['  │ ---- b::c stdout ----', '  │ not equal', '  │ failures:', '  │     b::c', '✘ b::c'],
  ],
  [
    'ava, in colours',
    '  ✔ a\n  \u001B[31m✘\u001B[39m [fail]: b\n  ─\n\n  b\n\n  Error: no\n\n  1 test failed\n',
    ['  │   b', '  │   Error: no', '  │   1 test failed', '✘ [fail]: b'],
  ],
  ['checks inside', '✔ a\n✘ b\n  │ why\n✖ npm test: 1 passed, 1 failed\n', ['✘ b', '  │ why']],
  ['what says nothing', 'Segmentation fault\n', []],
] as const) {
  test(`what failed, for the end of a log: ${title}`, (t) => {
    t.deepEqual(failuresOf(output), [...lines])
  })
}
