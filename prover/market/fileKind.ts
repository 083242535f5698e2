/** What kind of file of ours some JSON is, for whoever gives one command the file of another. */

type Entries = Readonly<Record<string, unknown>>

/** What it is called, what takes it, and how it is told: by its format, or by entries that no other kind has together. */
const kinds = {
  audit: { words: 'an audit bundle, which `zkrisk audit --bundle` judges', format: 'zk-risk-engine/audit' },
  portfolioAudit: {
    words: 'an audit bundle of margins, which `zkrisk audit --bundle` judges',
    format: 'zk-risk-engine/portfolio-audit',
  },
  crossAudit: {
    words: 'an audit bundle of margins over several markets, which `zkrisk audit --bundle` judges',
    format: 'zk-risk-engine/cross-audit',
  },
  receipt: {
    words: 'a liquidation’s receipt, which `zkrisk receipt --file` explains',
    format: 'zk-risk-engine/receipt',
  },
  bundle: {
    words: 'a proof bundle, which `zkrisk verify` checks and `zkrisk submit` sends',
    format: 'zk-risk-engine/bundle',
  },
  margin: { words: 'a margin bundle, which `zkrisk verify` checks', format: 'zk-risk-engine/margin' },
  deployment: {
    words: 'a deployment, which commands take as `--deployment`',
    format: 'zk-risk-engine/deployment',
  },
  round: { words: 'a round’s words, which `zkrisk serve --rounds` finds', format: 'zk-risk-engine/round' },
  portfolio: { words: 'a portfolio, which `zkrisk margin` takes', entries: ['account', ['market', 'markets']] },
  deriveCase: { words: 'a case of Derive’s tests, which `zkrisk margin --derive-case` takes', entries: ['Scenario'] },
  policy: {
    words: 'a policy, which commands take as `--policy`',
    entries: [['engine', 'volatilityModel'], '!account'],
  },
  feeds: { words: 'a file of feeds, which `zkrisk feed live --feeds` takes', entries: ['feeds'] },
  deployConfig: { words: 'a configuration, which `zkrisk deploy` takes', entries: ['council', 'sources', '!format'] },
  batch: { words: 'a batch, which `zkrisk prove` takes', entries: ['model', 'markets', '!council'] },
  apiKeys: { words: 'a file of keys of the HTTP interface, which `zkrisk serve --api-keys` takes', entries: ['keys'] },
  keystore: {
    words: 'an encrypted key, which commands take as `--key-file`',
    entries: [['crypto', 'Crypto'], 'version'],
  },
} as const satisfies Readonly<
  Record<
    string,
    { readonly words: string } & (
      | { readonly format: string }
      | { readonly entries: readonly (string | readonly string[])[] }
    )
  >
>

export type FileKind = keyof typeof kinds

function isOf(kind: FileKind, file: Entries): boolean {
  const told = kinds[kind]
  if ('format' in told) return file.format === told.format
  const has = (name: string): boolean => (name.startsWith('!') ? !(name.slice(1) in file) : name in file)
  return told.entries.every((names) => [names].flat().some(has))
}

/** The kind that says so of itself. */
export const kindOfFormat = (format: unknown): FileKind | undefined =>
  (Object.keys(kinds) as FileKind[]).find((kind) => 'format' in kinds[kind] && isOf(kind, { format }))

/**
 * What a file is that was to be of another kind, in words that say what takes it; undefined if it is of no kind that is known, or
 * of the one that was expected.
 *
 * @example otherKindThan('portfolio', { feeds: [] }) // 'a file of feeds, which `zkrisk feed live --feeds` takes'
 */
export function otherKindThan(expected: FileKind | undefined, json: unknown): string | undefined {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined
  const file = json as Entries
  if (expected !== undefined && isOf(expected, file)) return undefined
  const found = (Object.keys(kinds) as FileKind[]).find((kind) => isOf(kind, file))
  return found === undefined ? undefined : kinds[found].words
}
