export { TokenmillError, type ErrorCode } from './errors.ts'
export { TokenBatch } from './tokenizer/tokenizer.ts'
export type {
  DecodeOptions,
  EncodeAsyncOptions,
  EncodeOptions,
  Segment,
  Text,
  Tokenizer,
} from './tokenizer/tokenizer.ts'
