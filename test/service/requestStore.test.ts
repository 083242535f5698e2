import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { IdempotencyKeyReusedError } from '../../prover/service/daemon/requestStore.ts'
import { SqliteRequestStore } from '../../prover/service/daemon/stores/sqliteRequestStore.ts'
import { temporaryFolder } from './zkrisk.ts'

const folder = temporaryFolder()

describe('requests of people', () => {
  const once = { key: 'one', by: 'ops', question: 'q' }

  it('outlive the process: a pause, what waits, and answers by their keys', async () => {
    const file = join(folder, 'requests.sqlite')
    const first = await SqliteRequestStore.open(file)
    await first.setPaused('ops')
    const asked = await first.once(once, (writes) => writes.ask(['BTC-USD'], 'ops'))
    await first.close()
    const second = await SqliteRequestStore.open(file)
    expect((await second.pause())?.by).toBe('ops')
    expect(await second.wanted()).toEqual(['BTC-USD'])
    expect(await second.once(once, (writes) => writes.ask(['BTC-USD'], 'ops'))).toEqual(asked)
    await expect(second.once({ ...once, question: 'other' }, async () => 0)).rejects.toThrow(IdempotencyKeyReusedError)
    await second.begun(['ETH-USD'], 'job')
    expect((await second.request(asked.id))?.status).toBe('waiting')
    await second.begun(['BTC-USD', 'ETH-USD'], 'job')
    expect(await second.request(asked.id)).toMatchObject({ status: 'begun', job: 'job' })
    await second.resume()
    expect(await second.isPaused()).toBe(false)
    await second.close()
  })

  it('are one, however many ask at once with one key', async () => {
    const store = await SqliteRequestStore.open(join(folder, 'together.sqlite'))
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => store.once(once, (writes) => writes.ask(['BTC-USD'], 'ops'))),
    )
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1)
    expect(await store.waiting()).toHaveLength(1)
    await store.close()
  })

  it('end after ten minutes, and a hundred may wait', async () => {
    let now = 1_000_000_000_000
    const store = await SqliteRequestStore.open(join(folder, 'many.sqlite'), () => now)
    const ids: string[] = []
    for (let i = 0; i < 100; i++) ids.push((await store.ask(['BTC-USD'], 'ops')).id)
    await expect(store.ask(['BTC-USD'], 'ops')).rejects.toMatchObject({ code: 'http.too-many-waiting' })
    now += 600_000
    expect(await store.waiting()).toHaveLength(100)
    now += 1
    expect(await store.waiting()).toEqual([])
    expect((await store.request(ids[0] ?? ''))?.status).toBe('expired')
    expect((await store.ask(['BTC-USD'], 'ops')).status).toBe('waiting')
    await store.close()
  })

  it('that failed are no answer: they may be asked again under the same key', async () => {
    const store = await SqliteRequestStore.open(join(folder, 'failed.sqlite'))
    const failing = store.once(once, async (writes) => {
      await writes.setPaused('ops')
      throw new Error('in between')
    })
    await expect(failing).rejects.toThrow('in between')
    expect(await store.isPaused()).toBe(false)
    expect(await store.once(once, async () => 'done')).toBe('done')
    await store.close()
  })
})
