import { fileURLToPath } from 'node:url'
import { invalid, isInstance } from './validate.ts'

/** The path of a file: a path, or a `file:` URL; `expected` is for a message. */
export const filePath = (name: string, value: unknown, expected = 'a path or a file: URL'): string => {
  if (isInstance(value, URL)) {
    try {
      return fileURLToPath(value)
    } catch {
      throw invalid(name, expected, value.href)
    }
  }
  if (typeof value !== 'string' || value === '' || value.includes('\0')) throw invalid(name, expected, value)
  return value
}
