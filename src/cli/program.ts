import { Command, InvalidArgumentError, Option } from 'commander'
import { version } from '../version.ts'
import { givenFlags, integer, shared } from './options.ts'

/** The command line. A command's code is loaded when the command is run. */
export const program = (): Command => {
  const tokenmill = new Command('tokenmill')
    .description('From raw text to language model inputs: tokens, ids, windows, embeddings.')
    .version(version, '-V, --version', 'print the version')
    .option('--color', 'colour even when the output is not a terminal')
    .option('--no-color', 'no colour (as does the environment variable NO_COLOR)')
    .configureHelp({ showGlobalOptions: true })
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ outputError: (text, writeTo) => writeTo(text.replace(/^error: /, 'tokenmill: ERR_USAGE: ')) })
    .showHelpAfterError('(--help says more)')
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.\n')
  run(tokenmill)
  encode(tokenmill)
  decode(tokenmill)
  count(tokenmill)
  prepare(tokenmill)
  inspect(tokenmill)
  windows(tokenmill)
  train(tokenmill)
  embed(tokenmill)
  doctor(tokenmill)
  help(tokenmill)
  return tokenmill
}

const run = (tokenmill: Command) =>
  tokenmill
    .command('run')
    .summary('run the whole pipeline, showing each stage')
    .description(
      'Takes a text through every stage, from bytes to input embeddings, and shows the input and output of each.',
    )
    .argument('[file]', 'the text, - for stdin (default: a story that comes with Tokenmill)')
    .addOption(shared.encoding())
    .addOption(shared.model())
    .addOption(
      new Option(
        '--tokenizer <kind>',
        'the tokenizer of the later stages: byte-pair encoding, or a vocabulary of the words of the text',
      )
        .choices(['bpe', 'word'])
        .default('bpe'),
    )
    .option('-c, --context-length <tokens>', 'tokens per window', integer(1), 16)
    .option(
      '-s, --stride <tokens>',
      'tokens from one window start to the next (default: the context length)',
      integer(1),
    )
    .option('-b, --batch-size <windows>', 'windows per batch', integer(1), 8)
    .option('-d, --dimensions <n>', 'embedding dimensions', integer(1), 64)
    .option('--seed <n>', 'random seed of the initial weights', integer(0), 1)
    .addOption(shared.special('text'))
    .addOption(shared.utf8('replace'))
    .addOption(shared.json())
    .addHelpText(
      'after',
      examples(
        'tokenmill run',
        'tokenmill run --encoding gpt2 --context-length 4 story.txt',
        'cat notes.md | tokenmill run --tokenizer word -',
      ),
    )
    .action(async (file, _, command) => (await import('./commands/run.ts')).run(file, command.optsWithGlobals()))

const encode = (tokenmill: Command) =>
  tokenmill
    .command('encode')
    .summary('encode a text to token ids')
    .description(
      'Prints the token ids of a text on one line. The text is taken byte for byte: a line end at its end counts.',
    )
    .argument('[file]', 'the text, - for stdin (default: stdin)')
    .addOption(shared.text())
    .addOption(shared.encoding())
    .addOption(shared.model())
    .addOption(shared.tokenizer())
    .addOption(shared.pattern())
    .addOption(shared.special('throw'))
    .addOption(shared.utf8('replace'))
    .option('--show', 'show the tokens themselves, coloured, instead of their ids')
    .option(
      '--offsets',
      'print a line for each token: its id, and where it starts and ends (in bytes; of --text, in UTF-16 code units)',
    )
    .addOption(shared.json())
    .addHelpText(
      'after',
      examples(
        "tokenmill encode --text 'Hello, world!'",
        "tokenmill encode --tokenizer tokenizer.json --show --text 'the mill on the hill'",
        'tokenmill encode --model gpt-4 --special parse chat.txt',
        'tokenmill encode --show README.md',
      ),
    )
    .action(async (file, _, command) => (await import('./commands/encode.ts')).encode(file, command.optsWithGlobals()))

const decode = (tokenmill: Command) =>
  tokenmill
    .command('decode')
    .summary('decode token ids to text')
    .description(
      'Prints the bytes of token ids and nothing else. Ids are separated by white space or commas, or are JSON: an array, or the output of `encode --json`.',
    )
    .argument('[file]', 'the ids, - for stdin (default: stdin)')
    .option('-i, --ids <ids>', 'the ids themselves, instead of a file')
    .addOption(shared.encoding())
    .addOption(shared.model())
    .addOption(shared.tokenizer())
    .addOption(shared.pattern())
    .option('--skip-special', 'omit special tokens')
    .addOption(shared.utf8('replace'))
    .addOption(shared.json())
    .addHelpText(
      'after',
      examples(
        "tokenmill decode --ids '13225 11 2375 0'",
        'tokenmill encode story.txt | tokenmill decode | cmp - story.txt',
      ),
    )
    .action(async (file, _, command) => (await import('./commands/decode.ts')).decode(file, command.optsWithGlobals()))

const count = (tokenmill: Command) =>
  tokenmill
    .command('count')
    .summary('count the tokens of texts')
    .description('Prints the number of tokens of each text, and the total when there are several.')
    .argument('[files...]', 'the texts, - for stdin (default: stdin)')
    .addOption(shared.text())
    .addOption(shared.encoding())
    .addOption(shared.model())
    .addOption(shared.tokenizer())
    .addOption(shared.pattern())
    .addOption(shared.special('text'))
    .addOption(shared.utf8('replace'))
    .addOption(shared.json())
    .option('--chat <file>', 'count the messages of a chat as the model bills them: a JSON file, - for stdin')
    .addHelpText(
      'after',
      examples(
        'tokenmill count src/*.ts',
        'git diff | tokenmill count --model gpt-4o',
        'tokenmill count --model gpt-4o --chat messages.json',
      ),
    )
    .action(async (files, _, command) => (await import('./commands/count.ts')).count(files, command.optsWithGlobals()))

const prepare = (tokenmill: Command) =>
  tokenmill
    .command('prepare')
    .summary('tokenize documents into shards of token ids')
    .description(
      'Reads documents, encodes them on all cores and writes a dataset that any trainer reads. After an interruption, the same command resumes, with the same result.',
    )
    .argument(
      '<inputs...>',
      'files and globs: .txt, .jsonl, .parquet, also with .gz or .zst; - for stdin. A file that is named twice is read once',
    )
    .requiredOption('-o, --out <folder>', 'the folder of the dataset (required)')
    .addOption(shared.encoding())
    .addOption(shared.model())
    .addOption(shared.tokenizer())
    .addOption(shared.pattern())
    .addOption(
      new Option('--input-format <format>', 'format of the input files (default: by their names)').choices([
        'text',
        'lines',
        'jsonl',
        'parquet',
      ]),
    )
    .option('--document-separator <text>', 'the text that separates the documents of a file')
    .option('--field <name>', 'the JSON field or Parquet column that holds the text', 'text')
    .addOption(
      new Option('--format <formats>', 'output formats, separated by commas: raw, nanogpt, llmc, megatron, npy')
        .argParser(list)
        .default(['raw'], 'raw'),
    )
    .option('--validation <share>', 'fraction of the documents for the validation split, as in 0.01', share)
    .option('--seed <n>', 'random seed of that split (default: 0)', integer(0))
    .option(
      '--separator <id>',
      'the separator token id between documents, or none (default: that of <|endoftext|>)',
      separator,
    )
    .addOption(
      new Option('--separator-position <where>', 'where the separator goes')
        .choices(['before', 'after'])
        .default('after'),
    )
    .option('--shard-tokens <n>', 'tokens per shard', integer(1), 100_000_000)
    .option('--deduplicate', 'drop duplicate documents')
    .option('--max-document-bytes <n>', 'maximum size of a document (default: 268435456)', integer(1))
    .option('--skip-malformed', 'skip malformed lines instead of failing')
    .option('--skip-too-large', 'skip documents that are too large instead of failing')
    .addOption(
      new Option('--utf8 <how>', 'invalid UTF-8: replace by U+FFFD, fail, or skip the document')
        .choices(['replace', 'strict', 'skip'])
        .default('strict'),
    )
    .addOption(shared.special('text'))
    .option('--threads <n>', 'number of threads (default: all cores)', integer(1))
    .option('--no-resume', 'start over instead of resuming')
    .option('--checkpoint-seconds <n>', 'seconds between checkpoints', seconds, 5)
    .addOption(shared.json())
    .addHelpText(
      'after',
      examples(
        "tokenmill prepare --out data --encoding gpt2 --validation 0.01 'corpus/*.jsonl.zst'",
        "tokenmill prepare --out data --document-separator '<|endoftext|>' stories.txt",
      ),
    )
    .action(async (inputs, _, command) =>
      (await import('./commands/prepare.ts')).prepare(inputs, command.optsWithGlobals()),
    )

const inspect = (tokenmill: Command) =>
  tokenmill
    .command('inspect')
    .summary('describe a dataset, tokenizer or weights file')
    .description(
      'Shows what a dataset of `prepare` holds, what a tokenizer file is, or which tensors a safetensors file has. Exit code 1 when it is invalid.',
    )
    .argument(
      '<path>',
      'the folder of a dataset, a tokenizer.json, .tiktoken or vocabulary.json, or a .safetensors file',
    )
    .option('--verify', 'verify the checksum of every file of the dataset')
    .addOption(shared.pattern())
    .addOption(shared.json())
    .addHelpText(
      'after',
      examples(
        'tokenmill inspect --verify data',
        'tokenmill inspect tokenizer.json',
        'tokenmill inspect model.safetensors',
      ),
    )
    .action(async (path, _, command) =>
      (await import('./commands/inspect.ts')).inspect(path, command.optsWithGlobals()),
    )

const windows = (tokenmill: Command) =>
  tokenmill
    .command('windows')
    .summary('show training windows of a text or dataset')
    .description('Shows the windows that a model trains on: inputs, and the same tokens shifted by one as targets.')
    .argument('[path]', 'the text, - for stdin, or the folder of a dataset of `prepare` (default: stdin)')
    .addOption(shared.text())
    .addOption(shared.encoding())
    .addOption(shared.model())
    .addOption(shared.tokenizer())
    .addOption(shared.pattern())
    .addOption(new Option('--split <name>', 'the split of a dataset (default: train)').choices(['train', 'val']))
    .option('-c, --context-length <tokens>', 'input tokens per window', integer(1), 16)
    .option(
      '-s, --stride <tokens>',
      'tokens from one window start to the next (default: the context length)',
      integer(1),
    )
    .option('--within', 'no window crosses the end of a document')
    .option('--tails', 'keep the rest as a shorter window')
    .option('--first <index>', 'index of the first window to show', integer(0), 0)
    .option('--limit <n>', 'number of windows to show', integer(1), 3)
    .addOption(shared.special('text'))
    .addOption(shared.utf8('replace'))
    .addOption(shared.json())
    .addHelpText(
      'after',
      examples(
        'tokenmill windows -c 8 -s 4 story.txt',
        'tokenmill windows -c 1024 --split val --first 100 --json data',
      ),
    )
    .action(async (path, _, command) =>
      (await import('./commands/windows.ts')).windows(path, command.optsWithGlobals(), givenFlags(command)),
    )

const train = (tokenmill: Command) =>
  tokenmill
    .command('train')
    .summary('train a BPE tokenizer on your files')
    .description(
      "Trains a byte-level BPE tokenizer on files, on all cores, with the merges of Hugging Face's trainer. A .txt file is one text, a .jsonl line or a Parquet row is one; each may be packed by gzip or Zstandard.",
    )
    .argument('<inputs...>', 'files and globs; - for stdin, with --input-format')
    .requiredOption(
      '-n, --vocab-size <tokens>',
      'vocabulary size: special tokens, the 256 bytes and merges (required)',
      integer(256),
    )
    .requiredOption('-o, --output <file>', 'a tokenizer.json or a .tiktoken file, by its ending (required)')
    .option(
      '-p, --pattern <pattern>',
      'pre-tokenization pattern: a name, as in gpt2, cl100k, o200k, or a regular expression',
      'gpt2',
    )
    .addOption(
      new Option('--special <token>', 'a special token; repeat the option for several. They get the first ids')
        .argParser(each)
        .default([], 'none'),
    )
    .option('--min-frequency <n>', 'minimum frequency of a pair to be merged', integer(0), 1)
    .option('--max-token-length <bytes>', 'maximum length of merged tokens', integer(0))
    .addOption(
      new Option('--input-format <format>', 'format of the input files')
        .choices(['auto', 'text', 'lines', 'jsonl', 'parquet'])
        .default('auto'),
    )
    .option('--field <name>', 'the JSON field or Parquet column that holds the text', 'text')
    .addOption(shared.utf8('strict'))
    .option('--memory <MiB>', 'memory limit, beyond which temporary files are used (default: 1024)', integer(1))
    .addOption(shared.json())
    .addHelpText(
      'after',
      examples(
        "tokenmill train books/*.txt --vocab-size 32000 --special '<|endoftext|>' --output tokenizer.json",
        "tokenmill train 'web/**/*.jsonl.zst' -n 50257 -p o200k -o web.tiktoken",
      ),
    )
    .action(async (inputs, _, command) =>
      (await import('./commands/train.ts')).train(inputs, command.optsWithGlobals()),
    )

const embed = (tokenmill: Command) =>
  tokenmill
    .command('embed')
    .summary('print or train token embeddings')
    .description(
      'Prints the embedding of each token of a text: its id and its values on one line. With --train, trains an embedding on a text or a dataset of `prepare`, by predicting tokens from their neighbours.',
    )
    .argument('[file]', 'the text, - for stdin (default: stdin); with --train also the folder of a dataset')
    .addOption(shared.text())
    .option(
      '-w, --weights <file>',
      'the embedding: a safetensors file, the index of a sharded one, or a folder with one of these',
    )
    .addOption(shared.encoding())
    .addOption(shared.model())
    .addOption(shared.tokenizer())
    .addOption(shared.pattern())
    .option('-o, --output <file>', 'output file: a .npy file of the rows; with --train, a .safetensors file')
    .option('--train', 'train an embedding')
    .addOption(
      new Option('--objective <what>', 'training objective: predict the next token, or masked tokens')
        .choices(['nextToken', 'masked'])
        .default('nextToken'),
    )
    .option('-d, --dimensions <n>', 'embedding dimensions', integer(1), 64)
    .option('-c, --context-length <tokens>', 'tokens per window', integer(1), 64)
    .option(
      '--neighbours <n>',
      'context tokens on each side (default: 8, or the context length where that is less)',
      integer(1),
    )
    .option(
      '--candidates <n>',
      'candidates per sampled-softmax step (default: the whole vocabulary up to 8192, else 4096)',
      integer(1),
    )
    .option('-b, --batch-size <windows>', 'windows per step', integer(1), 32)
    .option('--epochs <n>', 'passes over the text', integer(1), 1)
    .option('--learning-rate <x>', 'peak learning rate', positive, 0.003)
    .option('--dropout <share>', 'dropout rate (default: 0)', shareOrNone)
    .option('--seed <n>', 'random seed of the initial weights and the order', integer(0), 0)
    .option('--checkpoint <file>', 'checkpoint file, to resume after an interruption')
    .option('--checkpoint-steps <n>', 'steps between checkpoints', integer(1), 1000)
    .addOption(shared.special('text'))
    .addOption(shared.utf8('replace'))
    .addOption(shared.json())
    .addHelpText(
      'after',
      examples(
        'tokenmill embed --train story.txt --encoding gpt2 --epochs 4 --output story.safetensors',
        'tokenmill embed --train data --objective masked --checkpoint run.safetensors --output data.safetensors',
        "tokenmill embed --weights story.safetensors --encoding gpt2 --text 'the mill'",
      ),
    )
    .action(async (file, _, command) =>
      (await import('./commands/embed.ts')).embed(file, command.optsWithGlobals(), givenFlags(command)),
    )

const doctor = (tokenmill: Command) =>
  tokenmill
    .command('doctor')
    .summary('check the installation on this machine')
    .description(
      'Checks the native addon, the processor, the encodings and the devices. Exit code 1 when something required does not work.',
    )
    .addOption(shared.json())
    .addHelpText('after', examples('tokenmill doctor', 'tokenmill doctor --json'))
    .action(async (_, command) => (await import('./commands/doctor.ts')).doctor(command.optsWithGlobals()))

/* Commander's own shows the help of all commands for a name that is none, and does not say so. */
const help = (tokenmill: Command) =>
  tokenmill
    .command('help')
    .summary('show the help of a command')
    .argument('[command]')
    .action((name?: string) => {
      const command = name === undefined ? tokenmill : tokenmill.commands.find((each) => each.name() === name)
      if (command === undefined) tokenmill.error(`error: unknown command '${name}'`)
      command.help()
    })

const examples = (...lines: readonly string[]) =>
  `\n${lines.length > 1 ? 'Examples' : 'Example'}:\n${lines.map((line) => `  $ ${line}\n`).join('')}`

/** Names with commas between them. */
const list = (value: string): string[] => value.split(',').map((name) => name.trim())

const share = (value: string): number => {
  const number = Number(value)
  if (!(number > 0 && number < 1)) throw new InvalidArgumentError('Expected a number above 0 and below 1.')
  return number
}

/** {@link share}, or 0. */
const shareOrNone = (value: string): number => (/^0+(\.0*)?$/.test(value) ? 0 : share(value))

const positive = (value: string): number => {
  const number = Number(value)
  if (!(number > 0 && number < Infinity)) throw new InvalidArgumentError('Expected a number above 0.')
  return number
}

const seconds = (value: string): number => {
  const number = Number(value)
  if (value.trim() === '' || !(number >= 0 && number < Infinity))
    throw new InvalidArgumentError('Expected a number of at least 0.')
  return number
}

/* Not null for none: Commander makes an empty string of that. */
const separator = (value: string): number | 'none' => {
  if (value === 'none') return value
  if (!/^\d+$/.test(value)) throw new InvalidArgumentError('Expected the id of a token, or none.')
  return integer(0)(value)
}

/** An option that may be given several times: its values in their order. */
const each = (value: string, before: readonly string[]): string[] => [...before, value]
