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
export { countChat, encodeChat, type ModelChatOptions, type ModelCountOptions } from './tokenizer/chat/chat.ts'
export type { ToolChoice } from './tokenizer/chat/billing.ts'
export type { ChatFunction, ChatTool } from './tokenizer/chat/function-text.ts'
export type { ChatContentPart, ChatFunctionCall, ChatMessage } from './tokenizer/chat/message.ts'
export { loadTokenizer, type LoadOptions } from './tokenizer/load.ts'
export { Vocabulary, type VocabularyOptions, type WordListOptions } from './tokenizer/vocabulary.ts'
export { WordTokenizer, type WordTokenizerOptions } from './tokenizer/word-tokenizer.ts'
export type { SplitRule } from './tokenizer/split/split.ts'
export type { Batch } from './dataset/batch.ts'
export { DataLoader, type DataLoaderOptions } from './dataset/data-loader.ts'
export type { Dataset, Sample, SampleOptions } from './dataset/dataset.ts'
export { nextToken, type Objective, type TokenViews } from './dataset/objective.ts'
export { WindowDataset, type WindowOptions } from './dataset/window-dataset.ts'
export { encodingNames, getEncoding, type EncodingName } from './tokenizer/encodings.ts'
export { encodingForModel, modelNames } from './tokenizer/models.ts'
export type { Device, DeviceName } from './embedding/device.ts'
export { devices, type DeviceInfo } from './embedding/devices.ts'
export type { DType } from './embedding/dtype.ts'
export {
  Embedding,
  type EmbeddingOptions,
  type EmbeddingSize,
  type LookupOptions,
  type TableOptions,
} from './embedding/embedding.ts'
export {
  InputEmbedding,
  type ForwardOptions,
  type InputEmbeddingOptions,
  type Position,
} from './embedding/input-embedding.ts'
export { Parameter } from './embedding/parameter.ts'
export { Tensor } from './embedding/tensor.ts'
export type { BatchInputs, TokenIds } from './embedding/token-ids.ts'
export { setThreads } from './threads.ts'
