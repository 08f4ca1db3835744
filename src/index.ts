export { TokenmillError, type ErrorCode } from './errors.ts'
export { TokenBatch } from './tokenizer/tokenizer.ts'
export type {
  DecodeOptions,
  EncodeAsyncOptions,
  EncodeOptions,
  NewTokenizerOptions,
  Segment,
  Text,
  Tokenizer,
} from './tokenizer/tokenizer.ts'
export {
  countChat,
  encodeChat,
  type HarmonyChatOptions,
  type ModelChatOptions,
  type ModelCountOptions,
  type TemplateChatOptions,
} from './tokenizer/chat/chat.ts'
export {
  ChatTemplate,
  type ChatTemplateOptions,
  type NamedTokens,
  type RenderedChat,
  type RenderOptions,
} from './tokenizer/chat/chat-template.ts'
export { loadChatTemplate } from './tokenizer/chat/load-chat-template.ts'
export type { ToolChoice } from './tokenizer/chat/billing.ts'
export type { HarmonyDeveloperContent, HarmonySystemContent } from './tokenizer/chat/harmony-content.ts'
export type { HarmonyTool, HarmonyToolNamespace } from './tokenizer/chat/harmony-tools.ts'
export type { ChatFunction, ChatTool } from './tokenizer/chat/function-text.ts'
export type {
  ChatContentPart,
  ChatContentPartFields,
  ChatFunctionCall,
  ChatMessage,
  ChatMessageFields,
  ChatToolCall,
  ChatToolCallFields,
} from './tokenizer/chat/message.ts'
export type {
  Chunks,
  DecodeChunksOptions,
  EncodeChunksOptions,
  EncodeStreamOptions,
  TokenDecoder,
} from './tokenizer/stream.ts'
export type { Boundary } from './tokenizer/boundaries.ts'
export type { Chunk, ChunkAsyncOptions, ChunkOptions } from './tokenizer/chunk.ts'
export type { CountIndex } from './tokenizer/count-index.ts'
export type { OffsetOptions, TokenOffsets } from './tokenizer/offsets.ts'
export type { TruncateOptions } from './tokenizer/truncate.ts'
export type {
  PaddedOffsetOptions,
  PaddedBatch,
  PaddedBatchWithOffsets,
  PaddedOptions,
  TextOrPair,
} from './tokenizer/encode-padded.ts'
export { loadTokenizer, type LoadOptions } from './tokenizer/load.ts'
export { BpeTokenizer, type MergeStep } from './tokenizer/bpe-tokenizer.ts'
export type { SpecialTokenList } from './tokenizer/special-tokens.ts'
export type { PatternSource } from './tokenizer/pattern.ts'
export type { TiktokenOptions } from './tokenizer/tiktoken-file.ts'
export { Vocabulary, type VocabularyOptions, type WordListOptions } from './tokenizer/vocabulary.ts'
export { WordTokenizer, type WordTokenizerOptions } from './tokenizer/word-tokenizer.ts'
export type { SplitRule } from './tokenizer/split/split.ts'
export type { Batch, BatchArrays } from './dataset/batch.ts'
export { chat, type ChatObjectiveOptions } from './dataset/chat-objective.ts'
export { DataLoader, type DataLoaderOptions } from './dataset/data-loader.ts'
export type { BatchOptions, Dataset, Sample, SampleOptions } from './dataset/dataset.ts'
export { ExampleDataset, type ExampleOptions } from './dataset/example-dataset.ts'
export {
  classification,
  completion,
  type ClassificationOptions,
  type CompletionOptions,
  type Example,
  type ExampleObjective,
  type ExamplePart,
  type Field,
} from './dataset/example-objective.ts'
export type { LoaderState } from './dataset/loader-state.ts'
export { maskedTokens, type MaskedTokensOptions } from './dataset/masked-tokens.ts'
export { MixedDataset, type MixturePart, type MixtureOptions } from './dataset/mixed-dataset.ts'
export type {
  DatasetCounts,
  DatasetFile,
  DatasetFormat,
  InputFormat,
  Manifest,
  PreparationFacts,
  SplitManifest,
  SplitName,
} from './dataset/manifest.ts'
export { nextToken, type Objective, type TokenViews, type WindowPlace } from './dataset/objective.ts'
export { PackedDataset, type PackingOptions } from './dataset/packed-dataset.ts'
export { prepare, type PrepareOptions, type PrepareProgress } from './dataset/prepare.ts'
export { TokenStore, type StoreDocuments, type TokenStoreOptions } from './dataset/token-store.ts'
export type { TokenArray, TokensOrDocuments } from './dataset/tokens.ts'
export type { VerifyOptions, VerifyProgress } from './dataset/verify.ts'
export { WindowDataset, type WindowOptions } from './dataset/window-dataset.ts'
export { encodingNames, getEncoding, type EncodingName } from './tokenizer/encodings.ts'
export {
  trainBpe,
  TrainedTokenizer,
  type TrainBpeOptions,
  type TrainProgress,
  type TrainSummary,
} from './tokenizer/train-bpe.ts'
export type { TrainSource, TrainSourceOptions, TrainSourceProgress } from './train-source.ts'
export { encodingForModel, modelNames } from './tokenizer/models.ts'
export type { Device, DeviceName } from './embedding/device.ts'
export { devices, type DeviceInfo } from './embedding/devices.ts'
export type { DType, Values } from './embedding/dtype.ts'
export {
  Embedding,
  type EmbeddingOptions,
  type EmbeddingSize,
  type LearningOptions,
  type LookupOptions,
  type MadeForOptions,
  type TableOptions,
} from './embedding/embedding.ts'
export {
  InputEmbedding,
  type ForwardOptions,
  type InputEmbeddingLoadOptions,
  type InputEmbeddingOptions,
  type Position,
  type ResizeOptions,
  type SaveOptions,
} from './embedding/input-embedding.ts'
export type { TokenizerIdentity } from './embedding/made-for.ts'
export { alibiSlopes } from './embedding/alibi-slopes.ts'
export {
  trainEmbedding,
  type EmbeddingTraining,
  type EmbeddingTrainingProgress,
  type TrainEmbeddingOptions,
  type TrainingCheckpoint,
} from './embedding/train-embedding.ts'
export { ropeTable, type RopeScaling, type RopeTable, type RopeTableOptions } from './embedding/rope-table.ts'
export {
  Optimizer,
  type AdamWOptions,
  type OptimizerOptions,
  type OptimizerState,
  type ParameterState,
  type SgdOptions,
} from './embedding/optimizer.ts'
export { Parameter, type RowGradient } from './embedding/parameter.ts'
export { Tensor } from './embedding/tensor.ts'
export type { BatchInputs, TokenIds } from './embedding/token-ids.ts'
export {
  trainWordVectors,
  type TrainWordVectorsOptions,
  type TrainWordVectorsProgress,
} from './embedding/train-word-vectors.ts'
export { WordVectors, type NearWord, type WordVectorsLoadOptions } from './embedding/word-vectors.ts'
export { setCacheBytes } from './cache-bytes.ts'
export { setThreads } from './threads.ts'
export type {
  NonSharedFloat32Array,
  NonSharedFloat64Array,
  NonSharedInt32Array,
  NonSharedUint16Array,
  NonSharedUint32Array,
  NonSharedUint8Array,
} from './non-shared.ts'
