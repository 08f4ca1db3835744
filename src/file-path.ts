import { fileURLToPath } from 'node:url'
import { invalid } from './validate.ts'

/** The path of a file: a path, or a `file:` URL. */
export const filePath = (name: string, value: unknown): string => {
  const expected = 'a path or a file: URL'
  if (value instanceof URL) {
    try {
      return fileURLToPath(value)
    } catch {
      throw invalid(name, expected, value.href)
    }
  }
  if (typeof value !== 'string' || value === '' || value.includes('\0')) throw invalid(name, expected, value)
  return value
}
