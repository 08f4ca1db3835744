import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'

/** A new folder that is gone when the test ends. */
export const temporaryFolder = async (t: ExecutionContext): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'tokenmill-embedding-'))
  t.teardown(() => rm(folder, { recursive: true }))
  return folder
}

/** The bytes of a safetensors file: the length of the header, the header, the values. */
export const fileOf = (header: unknown, values: Uint8Array = new Uint8Array()): Uint8Array => {
  const json = typeof header === 'string' ? header : JSON.stringify(header)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(json)))
  return Buffer.concat([length, Buffer.from(json), values])
}

/** The bytes of `values`, little-endian. */
export const bytesOf = (values: readonly number[]): Uint8Array => {
  const bytes = Buffer.alloc(values.length * 4)
  values.forEach((value, index) => bytes.writeFloatLE(value, index * 4))
  return bytes
}

/** Writes `bytes` into a new file and returns its path. */
export const written = async (t: ExecutionContext, bytes: Uint8Array): Promise<string> => {
  const path = join(await temporaryFolder(t), 'crafted.safetensors')
  await writeFile(path, bytes)
  return path
}
