import { decode } from '../suites/decode.mjs'
import { firstToken } from '../suites/first-token.mjs'
import { growth } from '../suites/growth.mjs'
import { short } from '../suites/short-strings.mjs'
import { threads } from '../suites/threads.mjs'
import { throughput } from '../suites/throughput.mjs'
import { pathologicalTexts } from './pathological-texts.mjs'
import { firstTokenSection, loadSection, shortSection, throughputSection } from './report.mjs'
import { growthSection, threadsSection } from './report-more.mjs'

/*
 * What a run is made of: each measures its figures and says them in Markdown. `context` has the options, the tools and the texts.
 */

const apis = ['encode', 'count']
const warmUpOf = ([text]) => Buffer.from(text.text).subarray(0, 20_000)

/** @type {Record<string, { about: string, run: (context: any) => Promise<{ parts: string[], results: any }> }>} */
export const sections = {
  throughput: {
    about: 'MB/s over long texts, encode and count, first pass and warm; load inside a process',
    run: async (context) => {
      const results = await throughput({ ...context, apis })
      const table = { title: 'Long texts', ...context, ...results, apis, steps: ['first', 'warm'] }
      return { parts: [throughputSection(table), loadSection({ ...context, ...results })], results }
    },
  },
  pathological: {
    about: 'MB/s over 1 MiB of what no person writes, first pass',
    run: async (context) => {
      const texts = pathologicalTexts({
        bytes: context.quick ? 2 ** 14 : 2 ** 20,
        warmUp: warmUpOf(context.texts),
      })
      // Less than 0.1 MB/s is no figure to wait for.
      const limit = Math.min(context.limit, 10)
      const results = await throughput({ ...context, texts, limit, apis: ['encode'], passes: 0 })
      const title = `Text that no person writes, ${texts[0].bytes.toLocaleString('en-US')} bytes of each`
      return {
        parts: [throughputSection({ ...context, title, ...results, texts, apis: ['encode'], steps: ['first'] })],
        results,
      }
    },
  },
  growth: {
    about: 'the same up to 64 MiB, ours alone: time(2n) / time(n)',
    run: async (context) => {
      const sizes = context.quick ? [14, 15, 16] : [20, 21, 22, 23, 24, 25, 26]
      const results = await growth({ ...context, warmUp: warmUpOf(context.texts), sizes: sizes.map((log) => 2 ** log) })
      return { parts: [growthSection({ ...context, rows: results })], results }
    },
  },
  decode: {
    about: 'MB/s of text out of ids',
    run: async (context) => {
      const results = await decode(context)
      const table = { title: 'Decode', ...context, ...results, apis: ['decode'], steps: ['first', 'warm'] }
      return { parts: [throughputSection(table)], results }
    },
  },
  threads: {
    about: 'MB/s over all texts in documents of 10 KB: one thread, two, and two processes',
    run: async (context) => {
      // A document comes to another thread in each pass: it takes some until each has seen them all.
      const passes = context.quick ? context.passes : 10
      const results = await threads({ ...context, passes })
      return { parts: [threadsSection({ ...context, rows: results, passes })], results }
    },
  },
  load: {
    about: 'process start to the first token, and memory',
    run: async (context) => {
      const rounds = context.starts
      const results = await firstToken({ ...context, rounds })
      return { parts: [firstTokenSection({ ...context, ...results, rounds })], results }
    },
  },
  short: {
    about: 'µs for one short string per call',
    run: async (context) => {
      const [text] = context.texts
      const results = await short({ ...context, text, apis, passes: 5, seconds: context.quick ? 0.02 : 0.2 })
      return { parts: [shortSection({ ...context, rows: results, apis, text: text.name })], results }
    },
  },
}
