import { availableParallelism } from 'node:os'
import { devices, type DeviceInfo } from '../../embedding/devices.ts'
import { TokenmillError } from '../../errors.ts'
import { describeNative, fileOf } from '../../native.ts'
import { glibcVersion } from '../../platform.ts'
import { encodingNames, getEncoding, type EncodingName } from '../../tokenizer/encodings.ts'
import { exitCodes } from '../failure.ts'
import { write, writeJson } from '../output.ts'
import { bytes, time } from '../terminal/format.ts'
import { styleOf, type Style } from '../terminal/style.ts'
import { padEnd } from '../terminal/width.ts'

export interface DoctorFlags {
  readonly json?: boolean
  readonly color?: boolean
}

/** What one part of this installation does, and why not when it does not. */
interface Finding {
  readonly name: string
  readonly works: boolean
  /** Without it, nothing works. */
  readonly needed: boolean
  readonly about: string
}

/** `tokenmill doctor` */
export const doctor = async (flags: DoctorFlags): Promise<void> => {
  const facts = examine()
  if (!facts.works) process.exitCode = exitCodes.failed
  if (flags.json) return writeJson(facts)
  return write(doctorView(styleOf(flags.color), facts))
}

const examine = () => {
  const { platform, version, attempts, error } = describeNative()
  const findings = [addon(), ...(error ? [] : [...encodingNames.map(encoding), ...deviceFindings()])]
  return {
    version,
    node: process.versions.node,
    platform: platform.id,
    libc: platform.libc === undefined ? null : { name: platform.libc, version: glibcVersion() ?? null },
    threads: availableParallelism(),
    native: {
      attempts: attempts.map(({ source, request, outcome, error }) => ({
        source,
        request,
        outcome,
        error: textOf(error),
      })),
      error: error ? { code: error.code, message: error.message } : null,
    },
    findings,
    works: findings.every(({ works, needed }) => works || !needed),
  }
}

type Facts = ReturnType<typeof examine>

const textOf = (error: unknown): string | null =>
  error === undefined ? null : error instanceof Error ? error.message : String(error)

const addon = (): Finding => {
  const { attempts, error } = describeNative()
  const loaded = attempts.find(({ outcome }) => outcome === 'loaded')
  const about = loaded ? `${loaded.source}, ${fileOf(loaded.request)}` : (error?.message ?? 'not loaded')
  return { name: 'native addon', works: loaded !== undefined, needed: true, about }
}

/* What each encoding makes of one text that has a word, punctuation, digits and a character of four bytes in it. */
const checkText = "Hello, world! It's 12345 🌾"
const checkIds: Readonly<Record<EncodingName, readonly number[]>> = {
  gpt2: [15496, 11, 995, 0, 632, 338, 17031, 2231, 12520, 234, 122],
  r50k_base: [15496, 11, 995, 0, 632, 338, 17031, 2231, 12520, 234, 122],
  p50k_base: [15496, 11, 995, 0, 632, 338, 17031, 2231, 12520, 234, 122],
  p50k_edit: [15496, 11, 995, 0, 632, 338, 17031, 2231, 12520, 234, 122],
  cl100k_base: [9906, 11, 1917, 0, 1102, 596, 220, 4513, 1774, 11410, 234, 122],
  o200k_base: [13225, 11, 2375, 0, 7744, 220, 7633, 2548, 130321, 122],
  o200k_harmony: [13225, 11, 2375, 0, 7744, 220, 7633, 2548, 130321, 122],
}

const encoding = (name: EncodingName): Finding => {
  const start = performance.now()
  try {
    const tokenizer = getEncoding(name)
    const ids = tokenizer.encode(checkText)
    const works = String(ids) === String(checkIds[name]) && tokenizer.decode(ids) === checkText
    const about = works ? `ids as published, ${time(performance.now() - start)}` : `gives wrong ids: ${ids.join(' ')}`
    return { name, works, needed: true, about }
  } catch (error) {
    return { name, works: false, needed: true, about: describe(error) }
  }
}

const deviceFindings = (): Finding[] => {
  try {
    return devices().map(deviceFinding)
  } catch (error) {
    return [{ name: 'cpu', works: false, needed: true, about: describe(error) }]
  }
}

const deviceFinding = (device: DeviceInfo): Finding => {
  if (!device.available) return { name: device.kind, works: false, needed: false, about: device.reason }
  if (device.kind === 'cpu') {
    const about = [`${device.cores} threads`, device.features.join(' ')].filter(Boolean).join(', ')
    return { name: device.kind, works: true, needed: true, about }
  }
  const about = `${device.name}, ${bytes(device.memory)}, compute capability ${device.computeCapability}`
  return { name: `cuda:${device.index}`, works: true, needed: false, about }
}

const describe = (error: unknown): string =>
  error instanceof TokenmillError ? `${error.code}: ${error.message}` : String(textOf(error))

const doctorView = (style: Style, facts: Facts): string => {
  const label = 16
  const line = (name: string, text: string) => `  ${style.dim(padEnd(name, label))}${text}`
  const { libc } = facts
  const mark = ({ works, needed }: Finding) => (works ? style.good('✓') : needed ? style.bad('✗') : style.dim('–'))
  return [
    '',
    line('tokenmill', facts.version),
    line('node', facts.node),
    line('platform', facts.platform + (libc ? `, ${libc.name}${libc.version ? ` ${libc.version}` : ''}` : '')),
    line('threads', String(facts.threads)),
    '',
    ...facts.findings.map(
      (finding) =>
        `  ${mark(finding)} ${padEnd(finding.name, label - 2)}${finding.about.replaceAll('\n', `\n${' '.repeat(label + 2)}`)}`,
    ),
    '',
    facts.works
      ? `  ${style.bold('Everything that is needed works.')}`
      : `  ${style.bold(style.bad('Something that is needed does not work.'))}`,
    '',
  ].join('\n')
}
