/** `zkrisk verify` of a margin bundle: keys at hand, the verdict, and what it rests on. */
import { getAddress } from 'ethers'
import {
  checkMarginBundle,
  claimName,
  MARGIN_BUNDLE_FORMAT,
  type MarginBundle,
  type MarginPin,
  type MarginVerdict,
  readMarginBundle,
} from '../../audit/index.ts'
import { amount } from '../../portfolio/amount.ts'
import type { KeyKind, VerifyingKeys } from '../../proof/index.ts'
import { formatOf, readAtMost } from '../../registry/sealedFile.ts'
import { keyHashOf } from '../daemon/proving.ts'
import { isoTime } from '../text/figures.ts'
import { verdictLine } from '../text/verdictLine.ts'
import { loadVerifyingKeys } from '../workspace.ts'
import { brought } from './auditing.ts'
import { UsageError } from '../text/usageError.ts'

const MOST_BYTES = 8 << 20

/** Whether a file is a margin bundle rather than a batch's. */
export async function isMarginBundle(file: string): Promise<boolean> {
  return formatOf(await readAtMost(file, MOST_BYTES), MOST_BYTES, file) === MARGIN_BUNDLE_FORMAT
}

/** What the caller brings. */
export type MarginVerifying = {
  readonly keys?: string | undefined
  readonly unpinned?: boolean | undefined
  readonly chainId?: string | undefined
  readonly registry?: string | undefined
  readonly account?: string | undefined
  readonly round?: string | undefined
}

/** A verdict, whose margin it is of, and what the keys are worth that it rests on. */
export type MarginFileVerdict = MarginVerdict & {
  readonly key: KeyKind | 'unpinned'
  readonly context: MarginBundle['context'] & { readonly asOf: bigint }
}

/** @throws {@link AddressOptionError}, and what reading the bundle and the keys throws */
export async function verifyMarginFile(file: string, options: MarginVerifying): Promise<MarginFileVerdict> {
  const bundle = await readMarginBundle(file)
  const keys = options.unpinned === true ? undefined : await keysOf(bundle, options.keys)
  const kinds = keys?.map(({ manifest }) => manifest.kind) ?? []
  const key = keys === undefined ? 'unpinned' : kinds.includes('development') ? 'development' : 'production'
  const { chainId, registry, account, round } = options
  const verdict = await checkMarginBundle(bundle, {
    ...(keys === undefined ? {} : { verificationKeyHashes: new Map(keys.map((own) => [own.circuit, keyHashOf(own)])) }),
    ...(key === 'unpinned' ? {} : { keyKind: key }),
    ...(chainId === undefined ? {} : { chainId: BigInt(chainId) }),
    ...(registry === undefined ? {} : { registry: addressOption('registry', registry) }),
    ...(account === undefined ? {} : { account: addressOption('account', account) }),
    ...(round === undefined ? {} : { roundId: round.toLowerCase() }),
  })
  return { ...verdict, key, context: { ...bundle.context, asOf: bundle.round.asOf } }
}

const keysOf = ({ models }: MarginBundle, folder: string | undefined): Promise<readonly VerifyingKeys[]> =>
  brought(folder, () => Promise.all(models.map(({ build }) => loadVerifyingKeys(build, folder))))

function addressOption(option: string, text: string): string {
  try {
    return getAddress(text)
  } catch {
    throw new AddressOptionError(option, text)
  }
}

/** What pins each, for whoever wants to know more than the bundle says. */
const FLAGS: Readonly<Record<MarginPin, string>> = {
  keys: 'keys (leave out --unpinned)',
  chain: 'chain (--chain-id)',
  registry: 'registry (--registry)',
  account: 'account (--account)',
  round: 'round (--round)',
}

/** The verdict as the JSON answer has it. */
export function marginVerdictJson({ context, margin, ...verdict }: MarginFileVerdict): object {
  const { chainId, asOf, sequence, ...others } = context
  return {
    kind: 'margin',
    ...verdict,
    context: { ...others, chainId: Number(chainId), sequence: Number(sequence), asOf: Number(asOf) },
    ...(margin === undefined
      ? {}
      : {
          margin: {
            equity: Number(margin.equityE8) / 1e8,
            im: Number(margin.initialE8) / 1e8,
            mm: Number(margin.maintenanceE8) / 1e8,
            worstScenario: margin.worstScenario,
          },
        }),
  }
}

/** The verdict as people read it. */
export function formatMarginVerdict({
  valid,
  consistent,
  pinned,
  unpinned,
  claims,
  failure,
  key,
  context,
  margin,
}: MarginFileVerdict) {
  const held = claims.filter(({ holds }) => holds).map(({ claim }) => claim)
  const { market, account, asOf, sequence, registry, chainId } = context
  const lines = [
    `Margin of ${account}, report ${sequence}, in the ${market} round of ${isoTime(asOf)}, at ${registry} on chain ${chainId}`,
  ]
  if (margin !== undefined && failure === undefined) {
    const [initial, maintenance] = [margin.initialE8, margin.maintenanceE8].map((value) => amount(Number(value) / 1e8))
    lines.push(`left above initial margin ${initial}, above maintenance margin ${maintenance}`)
  }
  lines.push(`claims that hold: ${[...new Set(held)].join(' ')}`)
  if (failure !== undefined) {
    const { claim, field, expected, found } = failure
    lines.push(
      `claim ${claimName(claim)} fails at ${field}: ${expected === undefined ? '' : `expected ${expected}, `}found ${found}`,
    )
  }
  lines.push(
    `pinned: ${pinned.length === 0 ? 'nothing' : pinned.join(', ')}`,
    ...(unpinned.length === 0 ? [] : [`only the bundle says: ${unpinned.map((pin) => FLAGS[pin]).join(', ')}`]),
    'That the round was signed, the policy in force and the positions reported, only the registry knows: `zkrisk audit`.',
  )
  if (key === 'development') {
    lines.push('The keys are development keys: whoever made them can forge. They hold on development chains only.')
  }
  return [...lines, verdictLine({ valid, consistent }, pinned.length === 0)].join('\n')
}

/** An option wants an address. */
export class AddressOptionError extends UsageError {
  readonly code = 'service.address-option'
  readonly option: string
  readonly value: string

  constructor(option: string, value: string) {
    super(`Expected --${option} as an address, 0x and 40 hexadecimal digits with a right checksum, got "${value}".`)
    this.option = option
    this.value = value
  }
}
