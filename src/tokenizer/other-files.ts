import { encodingNames } from './encodings.ts'
import { modelNames } from './models.ts'

/** What is often passed where a tokenizer file is expected, and what to pass instead; told from how it starts. */
const others: readonly (readonly [start: RegExp, hint: string])[] = [
  [/^version https:\/\/git-lfs/, 'a pointer of Git LFS: `git lfs pull` fetches the file itself'],
  [/^\s*<(!doctype|html)/i, 'a web page: download the file itself'],
  [/^GGUF/, 'a GGUF model: pass the tokenizer.json of the model that it was made from'],
  [/^#version/, 'a merges.txt: pass the tokenizer.json that transformers writes with save_pretrained'],
  [/^\[PAD\]\r?\n/, 'a vocab.txt: pass the tokenizer.json that transformers writes with save_pretrained'],
  [
    /^.{0,3}\n?.?\u0005<unk>/s,
    'a model of SentencePiece: pass the tokenizer.json that transformers writes with save_pretrained',
  ],
  [/^\{\s*"config"\s*:/, 'a tekken.json: pass the tokenizer.json of the model'],
  [
    /^\{\s*"(add_bos_token|add_prefix_space|added_tokens_decoder|backend)"/,
    'a tokenizer_config.json: pass the tokenizer.json beside it',
  ],
  [/^\{\s*"[^"]+"\s*:\s*\d/, 'a vocab.json: pass the tokenizer.json that transformers writes with save_pretrained'],
]

/** What a file that starts so is, if that is known, else `undefined`. */
export const otherFile = (start: string): string | undefined => others.find(([known]) => known.test(start))?.[1]

/** What somebody who passed `path`, where nothing is, may have meant; `''` when that is not known. */
export const otherThanPath = (path: string): string => {
  if ((encodingNames as readonly string[]).includes(path))
    return `; for the encoding of that name, call getEncoding('${path}')`
  if (modelNames.includes(path)) return `; for the model of that name, call encodingForModel('${path}')`
  const isOfHub = /^(https?:\/\/|[\w.-]+(\/[\w.-]+)?$)/.test(path) && !/\.(json|tiktoken|model|txt)$/.test(path)
  return isOfHub ? '; nothing is downloaded: pass the path of a tokenizer.json or of the folder that holds one' : ''
}
