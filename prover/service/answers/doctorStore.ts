/** What `zkrisk doctor` finds of the store of a service. */
import { existsSync } from 'node:fs'
import { ProverError } from '../../errors.ts'
import { StoreEarlierError, StoreEmptyError, StoreInUseError } from '../daemon/jobStore.ts'
import { type ExistingPlace, openExisting, requireRights } from '../daemon/stores/existing.ts'
import { describeError } from '../text/terminal.ts'
import { faultOf, type Finding } from './findings.ts'

export async function examineStore(place: ExistingPlace): Promise<Finding> {
  const check = 'database' in place ? 'database' : 'store'
  try {
    await requireRights(place)
    const { store, chainId, registry, name, users } = await openExisting(place)
    try {
      await store.requireWritable()
      const counts = await store.counts()
      const jobs = Object.entries(counts).map(([status, count]) => `${count} ${status}`)
      const of = registry === undefined ? 'of no registry yet' : `of ${registry} on chain ${chainId}`
      const by = users.length === 0 ? '' : `; open for ${users.join(', ')}`
      return { check, status: 'ok', found: `${name}: of this version, ${of}; batches: ${jobs.join(', ')}${by}` }
    } finally {
      await store.close()
    }
  } catch (error) {
    if (error instanceof StoreInUseError) return { check, status: 'ok', found: `${error.file}: a service has it open` }
    if (!(error instanceof ProverError)) throw error
    if (error instanceof StoreEarlierError) return { check, status: 'warning', found: error.message }
    const isThere = !('store' in place) || existsSync(place.store)
    const status = !isThere || error instanceof StoreEmptyError ? 'missing' : faultOf(error)
    return { check, status, found: describeError(error).message }
  }
}
