import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { types } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import * as tokenmill from '../src/index.ts'
import { attempts, CallersError } from './hostile.ts'
import { jsonFile } from './tokenizer/json-cases.ts'

/*
 * Every function of the package, with valid arguments of which one place at a time holds something else. Whatever it is, the call gives a value or
 * an error with a code; it is never a defect, never without an end, and what it was called on works afterwards.
 */

const folder = mkdtempSync(join(tmpdir(), 'tokenmill-hostile-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

const inFolder = (name: string, content = ''): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

/** A path of the folder for this test, where a hostile value is a name; any other value as it is. */
const within = (path: unknown): string =>
  (typeof path === 'string' && path !== '' && !path.includes('\0') ? join(folder, path) : path) as string

type Call = (...args: never[]) => unknown
/** A function, and arguments that it takes. */
type Case = readonly [call: Call, ...args: unknown[]]

/** How long a call may take, in milliseconds: far more than any needs, far less than without an end. */
const limit = 20_000

/** Takes a few values of what `result` gives, when it gives any, so that work which is put off is done too. */
const used = async (result: unknown): Promise<void> => {
  let value = await result
  if (value instanceof TransformStream) {
    await value.readable.cancel()
    return
  }
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return
  const iterator = value as Partial<Iterator<unknown> & AsyncIterator<unknown>>
  for (let taken = 0; typeof iterator.next === 'function' && taken < 3; taken++) {
    value = await iterator.next()
    if ((value as IteratorResult<unknown>).done) return
  }
}

const ended = async (work: Promise<void>): Promise<'ended' | 'late'> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => (timer = setTimeout(resolve, limit, 'late')))
  try {
    return await Promise.race([work.then(() => 'ended' as const), late])
  } finally {
    clearTimeout(timer)
  }
}

const tried = new Set<string>()

/** Names of options; other keys are tokens, which have an id or are not there. */
const names = /^[a-z][A-Za-z0-9]*$/

const holds = async (t: ExecutionContext, cases: Readonly<Record<string, Case>>): Promise<void> => {
  const faults: string[] = []
  for (const [name, [call, ...valid]] of Object.entries(cases)) {
    tried.add(name)
    const works = async () => used(call(...(valid as never[])))
    await t.notThrowsAsync(works, `${name}, with valid arguments`)
    const outcomes = new Map<string, string>()
    for (const { what, args } of attempts(valid)) {
      try {
        const outcome = await ended((async () => used(call(...(args as never[]))))())
        if (outcome === 'late') faults.push(`${name}: ${what}: no end`)
        outcomes.set(what, outcome)
      } catch (error) {
        if (error instanceof CallersError) continue
        if (!(error instanceof tokenmill.TokenmillError)) faults.push(`${name}: ${what}: ${String(error)}`)
        else if (error.code === 'ERR_INTERNAL') faults.push(`${name}: ${what}: ${error.message}`)
        else outcomes.set(what, error.code)
      }
    }
    for (const [what, outcome] of outcomes) {
      const [place, key] = what.split(' without ')
      if (key && !names.test(key)) continue
      const other = key && outcomes.get(`${place}.${key} is undefined`)
      if (other && other !== outcome) faults.push(`${name}: ${what}: ${outcome}, but ${other} when it is undefined`)
    }
    await t.notThrowsAsync(works, `${name}, after all of them`)
  }
  t.deepEqual(faults, [])
}

const tokenizer = tokenmill.getEncoding('r50k_base')
const words = new tokenmill.WordTokenizer(tokenmill.Vocabulary.fromText('the mill stood where the river bent'))
const text = 'The mill stood where the river bent.'
const special = { allowedSpecial: ['<|endoftext|>'], disallowedSpecial: ['<|endoftext|>'], utf8: 'strict' }

const tokenizerCases = (of: tokenmill.Tokenizer): Readonly<Record<string, Case>> => {
  const ids = of.encode('the mill')
  return {
    encode: [of.encode.bind(of), 'the mill', { ...special, addSpecialTokens: true }],
    encodeOrdinary: [of.encodeOrdinary.bind(of), 'the mill'],
    encodeWithOffsets: [of.encodeWithOffsets.bind(of), 'the mill', { ...special, byteOffsets: true, wordIds: true }],
    encodeSegments: [of.encodeSegments.bind(of), [{ text: 'the mill', trusted: false }]],
    encodeBatch: [of.encodeBatch.bind(of), ['the', 'mill'], special],
    encodeAsync: [of.encodeAsync.bind(of), 'the mill', { ...special, signal: new AbortController().signal }],
    encodeBatchAsync: [of.encodeBatchAsync.bind(of), ['the'], { ...special, signal: new AbortController().signal }],
    countAsync: [of.countAsync.bind(of), 'the mill', { ...special, signal: new AbortController().signal }],
    countBatchAsync: [of.countBatchAsync.bind(of), ['the'], { ...special, signal: new AbortController().signal }],
    encodeStream: [of.encodeStream.bind(of), { ...special, maxPieceBytes: 1000 }],
    encodeChunks: [of.encodeChunks.bind(of), ['the mill'], { ...special, maxPieceBytes: 1000 }],
    encodePadded: [
      of.encodePadded.bind(of),
      ['the', ['the', 'mill']],
      {
        ...special,
        maxLength: 8,
        padTo: 8,
        padToMultipleOf: 4,
        truncation: 'longest-first',
        truncationSide: 'end',
        overflow: true,
        stride: 1,
        paddingSide: 'end',
        padId: 0,
        padTypeId: 0,
        addSpecialTokens: true,
        offsets: true,
      },
    ],
    count: [of.count.bind(of), 'the mill', special],
    countBatch: [of.countBatch.bind(of), ['the', 'mill'], special],
    isWithinLimit: [of.isWithinLimit.bind(of), 'the mill', 10, special],
    truncate: [of.truncate.bind(of), 'the mill', 1, { ...special, cut: 'start' }],
    chunk: [of.chunk.bind(of), 'the mill', { ...special, maxTokens: 2, overlap: 0, boundary: 'word' }],
    chunkAsync: [
      of.chunkAsync.bind(of),
      'the mill',
      { ...special, maxTokens: 2, overlap: 0, boundary: 'word', signal: new AbortController().signal },
    ],
    countIndex: [(...args: Parameters<typeof of.countIndex>) => of.countIndex(...args), 'the mill', special],
    'countIndex.count': [of.countIndex('the mill').count.bind(of.countIndex('the mill')), 0, 3],
    decode: [of.decode.bind(of), Array.from(ids), { errors: 'strict', skipSpecialTokens: true }],
    decodeBatch: [of.decodeBatch.bind(of), [Array.from(ids)], { errors: 'strict', skipSpecialTokens: true }],
    decodeBytes: [of.decodeBytes.bind(of), Array.from(ids)],
    decoder: [of.decoder.bind(of), { errors: 'strict', skipSpecialTokens: true }],
    'decoder.push': [(...ids: [number[]]) => of.decoder().push(...ids), Array.from(ids)],
    decodeStream: [of.decodeStream.bind(of), { errors: 'strict', skipSpecialTokens: true }],
    decodeChunks: [of.decodeChunks.bind(of), [Array.from(ids)], { errors: 'strict', skipSpecialTokens: true }],
    withSpecialTokens: [of.withSpecialTokens.bind(of), { '<|a|>': of.vocabSize }, { name: 'mine' }],
    'withSpecialTokens, by name': [of.withSpecialTokens.bind(of), ['<|a|>']],
    save: [(path: unknown) => of.save(within(path)), 'tokenizer.json'],
    tokenToId: [of.tokenToId.bind(of), 'the'],
    idToToken: [of.idToToken.bind(of), 3],
    idToBytes: [of.idToBytes.bind(of), 3],
    'TokenBatch.at': [of.encodeBatch(['the', 'mill']).at.bind(of.encodeBatch(['the', 'mill'])), 1],
  }
}

test('a byte-level tokenizer', async (t) => {
  await holds(t, {
    ...tokenizerCases(tokenizer),
    preTokenize: [tokenizer.preTokenize.bind(tokenizer), text],
    explain: [tokenizer.explain.bind(tokenizer), text],
  })
})

test('a tokenizer of a file with another model', async (t) => {
  await holds(t, tokenizerCases(await tokenmill.loadTokenizer(jsonFile('bert'))))
})

test('a word tokenizer, and vocabularies', async (t) => {
  const list = { split: 'words', specialTokens: ['<|unk|>'] }
  await holds(t, {
    ...tokenizerCases(words),
    WordTokenizer: [
      (...args: ConstructorParameters<typeof tokenmill.WordTokenizer>) => new tokenmill.WordTokenizer(...args),
      words.vocabulary,
      { unknown: null, name: 'mine' },
    ],
    'Vocabulary.fromText': [
      tokenmill.Vocabulary.fromText.bind(tokenmill.Vocabulary),
      ['a b', 'b c'],
      { ...list, order: 'frequency', maxSize: 10, minFrequency: 1 },
    ],
    'Vocabulary.fromWords': [tokenmill.Vocabulary.fromWords.bind(tokenmill.Vocabulary), ['a', 'b'], list],
    'Vocabulary.tokenToId': [words.vocabulary.tokenToId.bind(words.vocabulary), 'the'],
    'Vocabulary.wordToId': [words.vocabulary.wordToId.bind(words.vocabulary), 'the'],
    'Vocabulary.idToToken': [words.vocabulary.idToToken.bind(words.vocabulary), 1],
  })
})

test('names, files and training of tokenizers', async (t) => {
  await holds(t, {
    getEncoding: [tokenmill.getEncoding, 'r50k_base'],
    encodingForModel: [tokenmill.encodingForModel, 'gpt-4o'],
    loadTokenizer: [
      tokenmill.loadTokenizer,
      inFolder(
        'ranks.tiktoken',
        Array.from({ length: 256 }, (_, i) => `${Buffer.of(i).toString('base64')} ${i}\n`).join(''),
      ),
      { pattern: 'gpt2', specialTokens: { '<|a|>': 300 }, name: 'mine' },
    ],
    trainBpe: [
      tokenmill.trainBpe,
      { texts: ['the mill stood', 'where the river bent'] },
      {
        vocabSize: 260,
        pattern: 'gpt2',
        specialTokens: ['<|a|>'],
        minFrequency: 1,
        maxTokenLength: 8,
        name: 'mine',
        utf8: 'strict',
        onProgress: () => undefined,
      },
    ],
  })
})

test('chats', async (t) => {
  const messages = [{ role: 'user', content: 'Hi', name: 'me' }]
  const source = '{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}'
  const template = new tokenmill.ChatTemplate(source)
  const render = {
    addGenerationPrompt: true,
    tools: [{ name: 'f' }],
    documents: [{ a: 1 }],
    variables: { x: 1 },
    now: new Date(0),
  }
  await holds(t, {
    ChatTemplate: [
      (...args: ConstructorParameters<typeof tokenmill.ChatTemplate>) => new tokenmill.ChatTemplate(...args),
      source,
      { tokens: { bos_token: '<s>' } },
    ],
    'ChatTemplate.render': [template.render.bind(template), messages, render, ['<s>']],
    'encodeChat of a model': [tokenmill.encodeChat, messages, { model: 'gpt-4o', addGenerationPrompt: true }],
    'encodeChat of harmony': [
      tokenmill.encodeChat,
      messages,
      { model: 'gpt-oss-20b', keepAnalysis: true, training: false },
    ],
    'encodeChat of a template': [tokenmill.encodeChat, messages, { template: source, tokenizer, ...render }],
    countChat: [
      tokenmill.countChat,
      messages,
      {
        model: 'gpt-4o',
        tools: [
          {
            type: 'function',
            function: {
              name: 'f',
              description: 'd',
              parameters: { type: 'object', properties: { a: { type: 'string' } } },
            },
          },
        ],
        toolChoice: { name: 'f' },
      },
    ],
    loadChatTemplate: [tokenmill.loadChatTemplate, { chat_template: source, bos_token: '<s>' }],
  })
})

test('datasets and batches', async (t) => {
  const ten = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
  const windows = new tokenmill.WindowDataset(ten, { contextLength: 4, stride: 2 })
  const packed = new tokenmill.PackedDataset([Uint32Array.of(1, 2, 3), Uint32Array.of(4, 5)], { contextLength: 4 })
  const mixed = new tokenmill.MixedDataset([{ dataset: windows, weight: 1 }])
  const loader = new tokenmill.DataLoader(windows, { batchSize: 2 })
  const records = [{ prompt: 'the', completion: 'mill', text: 'the mill', label: 'yes' }]
  const examples = { tokenizer, maxLength: 16, tooLong: 'cut', paddingId: 0 }
  const out = { inputs: new Uint32Array(8), targets: new Int32Array(8) }
  const { WindowDataset, PackedDataset, MixedDataset, DataLoader, ExampleDataset } = tokenmill
  await holds(t, {
    WindowDataset: [
      (...args: ConstructorParameters<typeof WindowDataset>) => new WindowDataset(...args).get(0),
      ten,
      {
        contextLength: 4,
        stride: 2,
        objective: tokenmill.nextToken(),
        boundaries: 'within',
        tails: 'keep',
        paddingId: 0,
      },
    ],
    'WindowDataset.get': [windows.get.bind(windows), 1, { epoch: 0 }],
    'WindowDataset.batch': [
      windows.batch.bind(windows),
      Float64Array.of(0, 1),
      { epoch: 0, out, next: Float64Array.of(1) },
    ],
    maskedTokens: [
      (...args: Parameters<typeof tokenmill.maskedTokens>) =>
        new WindowDataset(ten, { contextLength: 4, objective: tokenmill.maskedTokens(...args) }).get(0),
      {
        maskId: 1,
        tokenizer: words,
        vocabSize: 20,
        specialIds: [2],
        probability: 0.5,
        maskShare: 0.8,
        randomShare: 0.1,
        wholeWords: () => true,
        seed: 1,
      },
    ],
    PackedDataset: [
      (...args: ConstructorParameters<typeof PackedDataset>) => new PackedDataset(...args).get(0),
      [Uint32Array.of(1, 2, 3), Uint32Array.of(4, 5)],
      { contextLength: 4, strategy: 'bestFit', objective: tokenmill.nextToken(), paddingId: 0 },
    ],
    'PackedDataset.get': [packed.get.bind(packed), 0, { epoch: 0 }],
    'PackedDataset.batch': [packed.batch.bind(packed), Float64Array.of(0, 0), { epoch: 0, out }],
    MixedDataset: [
      (...args: ConstructorParameters<typeof MixedDataset>) => new MixedDataset(...args).get(0),
      [{ dataset: windows, weight: 1 }],
      { length: 10, seed: 1 },
    ],
    'MixedDataset.get': [mixed.get.bind(mixed), 0, { epoch: 0 }],
    'MixedDataset.batch': [mixed.batch.bind(mixed), Float64Array.of(0, 1), { epoch: 0, out }],
    'MixedDataset.placeOf': [mixed.placeOf.bind(mixed), 0, 0],
    DataLoader: [
      (...args: ConstructorParameters<typeof DataLoader>) => [...new DataLoader(...args)],
      windows,
      { batchSize: 2, shuffle: true, seed: 1, dropLast: true, epoch: 0, rank: 0, worldSize: 1, prefetch: 1 },
    ],
    'DataLoader.batches': [loader.batches.bind(loader), { out }],
    'DataLoader.load': [loader.load.bind(loader), { ...loader.state() }],
    ExampleDataset: [
      (...args: ConstructorParameters<typeof ExampleDataset>) => new ExampleDataset(...args).get(0),
      records,
      { ...examples, objective: tokenmill.completion() },
    ],
    'ExampleDataset.get': [
      new ExampleDataset(records, { tokenizer, maxLength: 16, objective: tokenmill.completion() }).get.bind(
        new ExampleDataset(records, { tokenizer, maxLength: 16, objective: tokenmill.completion() }),
      ),
      0,
    ],
    completion: [
      (...args: Parameters<typeof tokenmill.completion>) =>
        new ExampleDataset(records, { tokenizer, maxLength: 16, objective: tokenmill.completion(...args) }).get(0),
      { prompt: 'prompt', completion: 'completion', endId: 0 },
    ],
    classification: [
      (...args: Parameters<typeof tokenmill.classification>) =>
        new ExampleDataset(records, { tokenizer, maxLength: 16, objective: tokenmill.classification(...args) }).get(0),
      { labels: ['yes', 'no'], text: 'text', label: 'label', addSpecialTokens: true },
    ],
    chat: [
      (...args: Parameters<typeof tokenmill.chat>) =>
        new ExampleDataset([{ messages: [{ role: 'user', content: 'Hello there' }] }], {
          tokenizer,
          maxLength: 16,
          objective: tokenmill.chat(...args),
        }).get(0),
      {
        template: '{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}',
        messages: 'messages',
        render: { variables: { x: 1 } },
      },
    ],
  })
})

test('files of ids', async (t) => {
  const path = inFolder('text.txt', text.repeat(20))
  const outDir = join(folder, 'prepared')
  const options = {
    inputs: [path],
    tokenizer,
    allowedSpecial: ['<|endoftext|>'],
    outDir,
    inputFormat: 'text',
    field: 'text',
    format: ['raw', 'npy'],
    split: { validation: 0.5, seed: 1 },
    separator: 50256,
    separatorPosition: 'after',
    shardTokens: 1000,
    deduplicate: true,
    memoryLimit: 2 ** 28,
    maxDocumentBytes: 10_000,
    onMalformed: 'skip',
    onInvalidUtf8: 'skip',
    onTooLarge: 'skip',
    concurrency: 1,
    resume: false,
    checkpointSeconds: 10,
    onProgress: () => undefined,
    onSkipped: () => undefined,
    signal: new AbortController().signal,
  }
  const prepare = async (given?: tokenmill.PrepareOptions) => {
    rmSync(outDir, { recursive: true, force: true })
    return tokenmill.prepare(given as tokenmill.PrepareOptions)
  }
  const { outDir: _, ...others } = options
  await prepare({ ...others, outDir, split: undefined } as unknown as tokenmill.PrepareOptions)
  const kept = join(folder, 'kept')
  await tokenmill.prepare({ inputs: [path], tokenizer, outDir: kept })
  const store = await tokenmill.TokenStore.open(kept)
  await holds(t, {
    prepare: [
      (given?: Omit<tokenmill.PrepareOptions, 'outDir'>) =>
        prepare(
          (typeof given === 'object' && given !== null && !types.isProxy(given)
            ? { outDir, ...given }
            : given) as tokenmill.PrepareOptions,
        ),
      others,
    ],
    'TokenStore.open': [
      tokenmill.TokenStore.open.bind(tokenmill.TokenStore),
      kept,
      { split: 'train', tokenizer, mode: 'read' },
    ],
    'TokenStore.at': [store.at.bind(store), 3],
    'TokenStore.slice': [store.slice.bind(store), 1, 4],
    'TokenStore.gather': [store.gather.bind(store), Float64Array.of(0, 2), 2, new Uint32Array(4)],
    'TokenStore.gatherAsync': [store.gatherAsync.bind(store), Float64Array.of(0, 2), 2],
    'TokenStore.readAhead': [store.readAhead.bind(store), Float64Array.of(0, 2), 2],
    'TokenStore.windows': [
      store.windows.bind(store),
      Float64Array.of(0, 2),
      2,
      { inputs: new Uint32Array(4), targets: new Int32Array(4) },
    ],
    'TokenStore.verify': [
      store.verify.bind(store),
      { signal: new AbortController().signal, onProgress: () => undefined },
    ],
    'documents.start': [store.documents!.start.bind(store.documents), 0],
    'documents.starts': [store.documents!.starts.bind(store.documents), 0, 1],
    'documents.at': [store.documents!.at.bind(store.documents), 0],
  })
  store.close()
})

test('embeddings', async (t) => {
  const { Embedding, InputEmbedding, Optimizer } = tokenmill
  const embedding = Embedding.create({ count: 8, dimensions: 2, seed: 1 })
  const input = InputEmbedding.create({ vocabSize: 8, contextLength: 4, dimensions: 2, tokenTypes: 2, seed: 1 })
  const output = embedding.forward([1, 2])
  const outputOfInput = input.forward([1, 2])
  const tokenizer = { name: 'mine', fingerprint: 'a' }
  const size = { count: 8, dimensions: 2, paddingId: 0, trainable: true, device: 'cpu', dtype: 'f32', tokenizer }
  const inputSize = {
    vocabSize: 8,
    contextLength: 4,
    dimensions: 2,
    position: 'learned',
    scale: 2,
    tokenTypes: 2,
    layerNorm: { epsilon: 1e-5 },
    dropout: 0.1,
    paddingId: 0,
    seed: 1,
    device: 'cpu',
    dtype: 'f32',
  }
  const table = join(folder, 'table.safetensors')
  const weights = join(folder, 'input.safetensors')
  await embedding.save(table, 'weight')
  await input.save(weights)
  const parameter = embedding.parameters()[0]!
  const adamW = Optimizer.adamW(embedding.parameters(), { learningRate: 0.1 })
  await holds(t, {
    'Embedding.create': [Embedding.create.bind(Embedding), { ...size, init: { std: 0.1 }, seed: 1 }],
    'Embedding.createAsync': [Embedding.createAsync.bind(Embedding), { ...size, init: 'zeros' }],
    'Embedding.fromArray': [Embedding.fromArray.bind(Embedding), Array.from({ length: 16 }, () => 1), size],
    'Embedding.load': [
      Embedding.load.bind(Embedding),
      table,
      'weight',
      { dtype: 'f32', device: 'cpu', paddingId: 0, trainable: true, tokenizer },
    ],
    'Embedding.forward': [embedding.forward.bind(embedding), [1, 2], { shape: [1, 2] }],
    'Embedding.forward into': [
      embedding.forward.bind(embedding),
      { inputs: Uint32Array.of(1, 2), shape: [1, 2] },
      { out: new Float32Array(4) },
    ],
    'Embedding.forwardAsync': [embedding.forwardAsync.bind(embedding), [1, 2], { shape: [1, 2] }],
    'Embedding.backward': [
      (of: tokenmill.Tensor, grad: Float32Array) =>
        embedding.backward(of === output ? embedding.forward([1, 2]) : of, grad),
      output,
      new Float32Array(4),
    ],
    'Embedding.save': [
      (path: unknown, key?: string) => embedding.save(within(path), key),
      'saved.safetensors',
      'weight',
    ],
    'InputEmbedding.save': [
      (path: unknown, options?: tokenmill.SaveOptions) => input.save(within(path), options),
      'saved.safetensors',
      { names: 'gpt2' },
    ],
    'Optimizer.save': [(path: unknown) => adamW.save(within(path)), 'adamw.safetensors'],
    'Optimizer.loadFile': [(path: unknown) => adamW.loadFile(within(path)), 'adamw.safetensors'],
    'Parameter.set': [parameter.set.bind(parameter), new Float32Array(16)],
    'Parameter.trainable': [(value: boolean) => (parameter.trainable = value), true],
    'Optimizer.adamW': [
      Optimizer.adamW.bind(Optimizer),
      [parameter],
      { learningRate: 0.1, dense: true, betas: [0.9, 0.99], epsilon: 1e-8, weightDecay: 0.1 },
    ],
    'Optimizer.sgd': [
      Optimizer.sgd.bind(Optimizer),
      [parameter],
      { learningRate: 0.1, dense: true, momentum: 0.9, weightDecay: 0.1, nesterov: true },
    ],
    'Optimizer.clipGradNorm': [adamW.clipGradNorm.bind(adamW), 1],
    'Optimizer.clipGradNormAsync': [adamW.clipGradNormAsync.bind(adamW), 1],
    'Optimizer.learningRate': [(value: number) => (adamW.learningRate = value), 0.1],
    'Optimizer.load': [
      adamW.load.bind(adamW),
      { ...adamW.state(), parameters: adamW.state().parameters.map((p) => ({ ...p })) },
    ],
    'InputEmbedding.create': [InputEmbedding.create.bind(InputEmbedding), inputSize],
    'InputEmbedding.createAsync': [InputEmbedding.createAsync.bind(InputEmbedding), inputSize],
    'InputEmbedding.load': [InputEmbedding.load.bind(InputEmbedding), weights, { dtype: 'f32', device: 'cpu' }],
    'InputEmbedding.forward': [
      input.forward.bind(input),
      [1, 2],
      { shape: [1, 2], positionOffset: 0, typeIds: Uint32Array.of(0, 1), training: false },
    ],
    'InputEmbedding.forward of positions': [
      input.forward.bind(input),
      { inputs: Uint32Array.of(1, 2), shape: [1, 2] },
      { positionIds: Uint32Array.of(0, 1), out: new Float32Array(4) },
    ],
    'InputEmbedding.forwardAsync': [input.forwardAsync.bind(input), [1, 2], { shape: [1, 2] }],
    'InputEmbedding.backward': [
      (of: tokenmill.Tensor, grad: Float32Array) =>
        input.backward(of === outputOfInput ? input.forward([1, 2]) : of, grad),
      outputOfInput,
      new Float32Array(4),
    ],
    'InputEmbedding.resize': [
      (vocabSize: number, options?: tokenmill.ResizeOptions) =>
        InputEmbedding.create({ vocabSize: 8, contextLength: 4, dimensions: 2 }).resize(vocabSize, options),
      9,
      { seed: 1 },
    ],
    alibiSlopes: [tokenmill.alibiSlopes, 8],
    ropeTable: [
      tokenmill.ropeTable,
      {
        contextLength: 4,
        headDimensions: 4,
        base: 10_000,
        positionOffset: 0,
        scaling: {
          type: 'yarn',
          factor: 2,
          betaFast: 32,
          betaSlow: 1,
          originalContextLength: 4,
          truncate: false,
          attentionFactor: 1,
        },
      },
    ],
    'ropeTable of llama 3': [
      tokenmill.ropeTable,
      {
        contextLength: 4,
        headDimensions: 4,
        scaling: { type: 'llama3', factor: 8, lowFrequency: 1, highFrequency: 4, originalContextLength: 4 },
      },
    ],
  })
})

test('word vectors, and training of embeddings', async (t) => {
  const vectors = tokenmill.WordVectors.fromArray(['a', 'b'], [1, 0, 0, 1], { dimensions: 2 })
  const path = join(folder, 'vectors.txt')
  await vectors.save(path)
  const dataset = new tokenmill.WindowDataset([1, 2, 3, 4, 5, 6], { contextLength: 2 })
  // Epochs without end are what was asked for: the signal ends them.
  const stop = new Error('over')
  const trainForAMoment = async (given: tokenmill.Dataset, options: tokenmill.TrainEmbeddingOptions) => {
    const controller = new AbortController()
    const timer = setTimeout(() => controller.abort(stop), 500)
    const signal = !types.isProxy(options) && 'epochs' in Object(options) ? { signal: controller.signal } : undefined
    try {
      await tokenmill.trainEmbedding(given, signal ? { ...options, ...signal } : options)
    } catch (error) {
      if (error !== stop) throw error
    } finally {
      clearTimeout(timer)
    }
  }
  await holds(t, {
    'WordVectors.fromArray': [
      tokenmill.WordVectors.fromArray.bind(tokenmill.WordVectors),
      ['a', 'b'],
      [1, 0, 0, 1],
      { dimensions: 2 },
    ],
    'WordVectors.load': [
      tokenmill.WordVectors.load.bind(tokenmill.WordVectors),
      path,
      { limit: 1, signal: new AbortController().signal },
    ],
    'WordVectors.save': [(path: unknown) => vectors.save(within(path)), 'saved.txt'],
    'WordVectors.has': [vectors.has.bind(vectors), 'a'],
    'WordVectors.indexOf': [vectors.indexOf.bind(vectors), 'a'],
    'WordVectors.get': [vectors.get.bind(vectors), 'a'],
    'WordVectors.similarity': [vectors.similarity.bind(vectors), 'a', 'b'],
    'WordVectors.nearest': [vectors.nearest.bind(vectors), [1, 0], 1],
    'WordVectors.nearestAsync': [vectors.nearestAsync.bind(vectors), 'a', 1],
    'WordVectors.analogy': [vectors.analogy.bind(vectors), 'a', 'b', 'a', 1],
    'WordVectors.analogyAsync': [vectors.analogyAsync.bind(vectors), 'a', 'b', 'a', 1],
    trainWordVectors: [
      tokenmill.trainWordVectors,
      { texts: ['the mill stood where the river bent '.repeat(3)] },
      {
        dimensions: 2,
        window: 2,
        negatives: 1,
        objective: 'skipgram',
        subsample: 0,
        epochs: 1,
        learningRate: 0.1,
        minLearningRate: 0.01,
        minFrequency: 1,
        threads: 1,
        seed: 1,
        split: 'words',
        lowerCase: true,
        utf8: 'strict',
        onProgress: () => undefined,
      },
    ],
    trainEmbedding: [
      trainForAMoment,
      dataset,
      {
        objective: 'nextToken',
        vocabSize: 8,
        dimensions: 2,
        contextLength: 2,
        position: 'learned',
        dropout: 0.1,
        neighbours: 1,
        candidates: 'all',
        batchSize: 2,
        epochs: 1,
        learningRate: 0.1,
        weightDecay: 0.1,
        validation: dataset,
        validateEverySteps: 10,
        seed: 1,
        onProgress: () => undefined,
      },
    ],
  })
})

test('the errors themselves, and threads', async (t) => {
  await holds(t, {
    TokenmillError: [
      (...args: ConstructorParameters<typeof tokenmill.TokenmillError>) => void args,
      'ERR_LIMIT',
      'a message',
    ],
    setThreads: [tokenmill.setThreads, 2],
    setCacheBytes: [tokenmill.setCacheBytes, 2 ** 26],
  })
})

/** What takes nothing, and what is not for callers. */
const withoutArguments =
  /^(devices|nextToken|of|nativeOf|callsOf|engine|withEngine|chunkEncoder|normalizedOffsets|nativeOffsetsLater|windowsAhead|data|dataSync|toFloat32|grad|parameters|step|stepAsync|zeroGrad|state|dispose|close|entries)$/

test.after('every function of the package is above', (t) => {
  const missing: string[] = []
  for (const [name, value] of Object.entries(tokenmill)) {
    if (typeof value !== 'function') continue
    const all = [...tried]
    const isTried = (wanted: string) => all.some((each) => each === wanted || each.startsWith(`${wanted} `))
    if (value.prototype === undefined) {
      if (!isTried(name) && !withoutArguments.test(name)) missing.push(name)
      continue
    }
    const isTokenizer = value === tokenmill.WordTokenizer || value === tokenmill.BpeTokenizer
    for (const [holder, has] of [
      [value, 'static'],
      [value.prototype, 'method'],
    ] as const)
      for (const [key, { value: method }] of Object.entries(Object.getOwnPropertyDescriptors(holder))) {
        if (typeof method !== 'function' || key === 'constructor' || withoutArguments.test(key)) continue
        if (!isTried(`${name}.${key}`) && !(isTokenizer && has === 'method' && isTried(key)))
          missing.push(`${name}.${key}`)
      }
  }
  t.deepEqual(missing, [])
})
