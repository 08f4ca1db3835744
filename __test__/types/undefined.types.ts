/* What may be absent may be `undefined`, as at run time: also in objects inside of options, in messages, and in what datasets of one's own give. */
import {
  type ChatFunction,
  type ChatMessage,
  type DataLoader,
  type Dataset,
  type Example,
  type HarmonyDeveloperContent,
  type HarmonySystemContent,
  type InputEmbedding,
  prepare,
  ropeTable,
  type Tokenizer,
  trainEmbedding,
} from 'tokenmill'

declare const loader: DataLoader
declare const embedding: InputEmbedding
declare const tokenizer: Tokenizer

const inputs = new Uint32Array(1)
const sample = {
  inputs,
  targets: new Int32Array(1),
  attentionMask: undefined,
  positionIds: undefined,
  segmentIds: undefined,
}
const dataset: Dataset = { length: 1, paddingId: undefined, get: () => sample }
const example: Example = { parts: [], label: undefined }
void example

loader.batches({ out: undefined })
embedding.forward({ inputs, shape: [1], positionIds: undefined })
void prepare({ inputs: ['a'], tokenizer, outDir: 'b', split: { validation: 0.1, seed: undefined } })
const checkpoint = { path: 'a', everySteps: undefined, resume: undefined }
void trainEmbedding(dataset, { objective: 'masked', vocabSize: 1, dimensions: 1, checkpoint })
const table = { contextLength: 1, headDimensions: 2 }
const stretched = { factor: 2, originalContextLength: 1 }
ropeTable({ ...table, scaling: { ...stretched, type: 'llama3', lowFrequency: undefined, highFrequency: undefined } })
const yarn = { betaFast: undefined, betaSlow: undefined, truncate: undefined, attentionFactor: undefined }
ropeTable({ ...table, scaling: { ...stretched, type: 'yarn', ...yarn } })

const callable: ChatFunction = { name: 'a', description: undefined, parameters: undefined }
const call = { id: undefined, type: undefined, function: undefined }
const message: ChatMessage = {
  role: 'assistant',
  content: undefined,
  name: undefined,
  function_call: undefined,
  tool_calls: [call],
  tool_call_id: undefined,
  channel: undefined,
  recipient: undefined,
  content_type: undefined,
}
const system: HarmonySystemContent = {
  type: 'system_content',
  model_identity: undefined,
  reasoning_effort: undefined,
  conversation_start_date: undefined,
  knowledge_cutoff: undefined,
  channel_config: undefined,
  tools: { a: { name: 'a', description: undefined, tools: [{ name: 'b', description: 'c', parameters: undefined }] } },
}
const developer: HarmonyDeveloperContent = { type: 'developer_content', instructions: undefined, tools: undefined }
void [callable, message, system, developer]
