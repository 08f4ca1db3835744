// The types of `tokenmill/encodings`: the published encodings without the rest of the library.
export { encodingForModel, encodingNames, getEncoding, modelNames, TokenBatch, TokenmillError } from './index.cjs'
export type * from './index.cjs'
