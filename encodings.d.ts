// The types of `tokenmill/encodings`: the published encodings without the rest of the library.
export { encodingForModel, encodingNames, getEncoding, modelNames, TokenBatch, TokenmillError } from './index.js'
export type * from './index.js'
