/** `zkrisk margin --report`: what a margin rests on is put in force, and its proof left to a service. */
import { join } from 'node:path'
import { writeFileAtomic } from '../../registry/atomicFile.ts'
import { roundFileName, roundFileOf } from '../daemon/accounts/roundBook.ts'
import { putInForce } from '../daemon/portfolios/putInForce.ts'
import { isoTime } from '../text/figures.ts'
import { requireReportable, roundAt } from './marginProof.ts'
import type { MarginAnswer } from './margins.ts'
import { type ExistingRegistry, existingSite, marketNameFor } from './marginSite.ts'
import { makeFolder } from '../../folder.ts'

export type MarginReported = {
  readonly registry: string
  readonly account: string
  /** How often the venue has reported it. */
  readonly report: number
  readonly round: string
  /** With the round's words. */
  readonly file: string
}

/**
 * Publishes the round, reports the account, and writes the round's words where a service finds them; the words first, so that the
 * service has them when it sees the round.
 *
 * @param folder - that `zkrisk serve --rounds` names
 * @throws what {@link existingSite} and {@link putInForce} throw
 */
export async function reportMargin(
  answer: MarginAnswer,
  existing: ExistingRegistry,
  folder: string,
  say: (line: string) => void,
): Promise<MarginReported> {
  requireReportable(answer.provable.positions)
  const market = marketNameFor(answer.portfolio)
  const site = await existingSite({}, existing, market)
  try {
    const { client, account, hands } = site
    const round = roundAt(site, answer)
    const words = roundFileOf(market, round)
    const file = join(folder, roundFileName(words))
    makeFolder(folder)
    await writeFileAtomic(file, `${JSON.stringify(words)}\n`)
    await putInForce(client, hands, { account, provable: answer.provable, round }, say)
    const { sequence } = await client.account(account)
    return { registry: client.registry, account, report: Number(sequence), round: isoTime(round.asOf), file }
  } finally {
    await site.close()
  }
}

/** As people read it. */
export const formatReported = ({ registry, account, report, round, file }: MarginReported): string =>
  [
    `Reported: ${account} to ${registry}, report ${report}; the round of ${round} is published, its words are in ${file}.`,
    'A service that was started with --rounds and that folder proves its margins.',
  ].join('\n')
