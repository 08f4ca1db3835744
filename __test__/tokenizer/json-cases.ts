import { readFileSync } from 'node:fs'
import type { PaddedOptions } from '../../src/tokenizer/encode-padded.ts'

/** A line of `testdata/tokenizer-json/*.cases.jsonl`; the README there says what is what. */
export interface JsonRow {
  readonly text: string
  readonly ids: number[]
  readonly spans: [number, number][]
  readonly words: number[]
  readonly whole: number[]
  readonly decoded: string
  readonly skipped: string
}

export interface PaddedRow {
  readonly inputs: (string | [string, string])[]
  readonly options: PaddedOptions & { readonly padTo: number | null }
  readonly ids: number[][]
  readonly mask: number[][]
  readonly types: number[][]
  readonly inputOf?: number[]
  readonly sequences: number[][]
  readonly words: number[][]
  readonly places: [number, number][][]
}

const folder = new URL('../../testdata/tokenizer-json/', import.meta.url)

export const jsonFile = (name: string): URL => new URL(`${name}.json`, folder)

const lines = (name: string): object[] =>
  readFileSync(new URL(`${name}.cases.jsonl`, folder), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as object)

export const jsonRows = (name: string): JsonRow[] => lines(name).filter((row): row is JsonRow => 'text' in row)
export const paddedRows = (name: string): PaddedRow[] => lines(name).filter((row): row is PaddedRow => 'inputs' in row)

/** Those that the crate of Hugging Face runs. */
export const modelFixtures = ['added', 'bert', 'clip', 'llama2', 'nougat', 'roberta', 't5', 'words', 'xlmr']
/** Those that are byte-level BPE. */
export const byteLevelFixtures = ['deepseek', 'gpt2', 'llama3', 'neox', 'o200k', 'qwen2', 'starcoder']
