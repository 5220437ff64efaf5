import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const own = join(here, '../../../spec/vectors')

/** The folder of the published vectors: PACKETSEC_VECTORS, or shared/vectors in a folder above. */
function published () {
  if (process.env.PACKETSEC_VECTORS) return process.env.PACKETSEC_VECTORS
  for (let folder = here; folder !== dirname(folder); folder = dirname(folder)) {
    const candidate = join(folder, 'shared/vectors')
    if (existsSync(candidate)) return candidate
  }
  return null
}

const read = path => JSON.parse(readFileSync(path, 'utf8'))
export const ownVectors = name => read(join(own, name))

const shared = published()
const required = (process.env.PACKETSEC_REQUIRE ?? '').split(',').includes('vectors')
if (required && shared === null) throw new Error('PACKETSEC_REQUIRE names vectors, but there is no shared/vectors')

/** For tests of the published vectors: a reason to skip, or false. */
export const noPublished = shared === null && 'no shared/vectors: set PACKETSEC_VECTORS'
export const publishedVectors = name => read(join(shared, name))
