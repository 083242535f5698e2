import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { run } from '../service/zkrisk.ts'

const root = join(import.meta.dirname, '..', '..')
const isPresent = existsSync(join(root, '..', 'shared', 'data', 'options', 'deribit-2026'))
if (!isPresent) console.log('skipped: no recorded chains in ../shared')

it.skipIf(!isPresent)(
  'the campaign through a whole chain proves and lands every array it is asked for, at CI size',
  async () => {
    const script = join(root, 'scripts', 'campaignShards.ts')
    const { code, stdout } = await run(process.execPath, [script, '--limit', '2', '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ arrays: 2, accepted: 2, refused: [] })
  },
  600_000,
)
