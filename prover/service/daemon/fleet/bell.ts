/**
 * Wakes processes that wait at one database, by its LISTEN and NOTIFY. Only a hint: a ring may be lost whenever a session is, so
 * whoever waits looks by itself now and then, and whenever the bell is heard again.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import type { DatabaseAddress } from '../stores/databaseAddress.ts'

const CONNECT_MS = 10_000
/** A session that does not answer for so long is made anew. */
const SILENCE_MS = 10_000
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 10_000

export class Bell {
  private readonly address: DatabaseAddress
  private readonly application: string
  private readonly heard: (words: string | undefined) => void
  private readonly ended = new AbortController()
  private client: Client | undefined
  private listening: Promise<void> | undefined

  /** @param heard - what was rung, or undefined: something may have been */
  constructor(address: DatabaseAddress, application: string, heard: (words: string | undefined) => void) {
    this.address = address
    this.application = application
    this.heard = heard
  }

  /** Name of the channel: one a schema. */
  static channelOf({ schema }: DatabaseAddress): string {
    return `${schema}_bell`
  }

  start(): void {
    this.listening ??= this.listen()
  }

  async close(): Promise<void> {
    this.ended.abort()
    destroy(this.client)
    await this.listening
  }

  private async listen(): Promise<void> {
    const { signal } = this.ended
    let pause = FIRST_PAUSE_MS
    while (!signal.aborted) {
      const began = performance.now()
      await this.session().catch(() => undefined)
      pause = performance.now() - began > LONGEST_PAUSE_MS ? FIRST_PAUSE_MS : Math.min(2 * pause, LONGEST_PAUSE_MS)
      await sleep(pause, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Until it is lost. */
  private async session(): Promise<void> {
    const client = new Client({
      connectionString: this.address.connectionString,
      application_name: this.application,
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: SILENCE_MS,
      keepAlive: true,
    })
    const lost = new Promise<void>((resolve) => {
      client.on('error', () => resolve())
      client.on('end', () => resolve())
    })
    client.on('notification', ({ payload }) => this.heard(payload))
    this.client = client
    try {
      await client.connect()
      await client.query(`LISTEN ${Bell.channelOf(this.address)}`)
      this.heard(undefined)
      while (!this.ended.signal.aborted) {
        const isLost = await Promise.race([
          lost.then(() => true),
          sleep(SILENCE_MS, false, { signal: this.ended.signal }),
        ])
        if (isLost) return
        await client.query('SELECT 1')
      }
    } finally {
      destroy(client)
    }
  }
}

/** At once, whether or not the server answers. */
function destroy(client: Client | undefined): void {
  if (client === undefined) return
  const { stream } = Reflect.get(client, 'connection') as { readonly stream: { destroy(): void } }
  stream.destroy()
}
