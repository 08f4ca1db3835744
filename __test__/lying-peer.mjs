/* A peer of `npm run verify` that gives one id too many wherever a text has `é1`. */
import { getEncoding } from '../dist/index.js'
import { serve } from '../scripts/lib/peer.mjs'

const tokenizer = getEncoding(process.argv[2])

serve((blobs) =>
  blobs.map((blob) => {
    const ids = tokenizer.encodeOrdinary(blob)
    return String(blob).includes('\u00e91') ? Uint32Array.of(...ids, 0) : ids
  }),
)
