import { type ErrorCode, TokenmillError } from 'tokenmill'
import { equal } from './equal.js'

const error = new TokenmillError('ERR_LIMIT', 'too large', { cause: new Error('x') })
const asError: Error = error
equal<typeof error.code, ErrorCode>()
equal<typeof error.cause, unknown>()

// @ts-expect-error a code that does not exist
new TokenmillError('ERR_NO_SUCH_CODE', 'x')
// @ts-expect-error a message is needed
new TokenmillError('ERR_LIMIT')
// @ts-expect-error the code cannot be changed
error.code = 'ERR_DEVICE'
// @ts-expect-error what is internal is not exported
import { callNative } from 'tokenmill'
