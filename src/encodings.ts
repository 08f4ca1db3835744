/*
 * `tokenmill/encodings`: the published encodings without the rest of the library, for programs that start, tokenize and end. Node reads a
 * third of the code for it. The objects are those of `tokenmill`; the types are in encodings.d.cts.
 */
export { TokenmillError } from './errors.ts'
export { TokenBatch } from './tokenizer/tokenizer.ts'
export { encodingNames, getEncoding } from './tokenizer/encodings.ts'
export { encodingForModel, modelNames } from './tokenizer/models.ts'
