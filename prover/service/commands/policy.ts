/** `zkrisk policy`: what-if policies printed, explained, checked and compared. */
import type { Command } from 'commander'
import { action, addCommand } from './command.ts'
import { addPolicyOptions, entriesOfFlags, flagsOf, type PolicyFlags } from './policyOptions.ts'
import { addPriceOptions, type PriceFlags, priceOptions } from './priceOptions.ts'

export function addPolicyCommand(program: Command): void {
  const policy = addCommand(
    program,
    'policy',
    'risk appetite: the default policy, what its entries mean, a file checked, two compared on a history',
    [
      'policy --json > policy.json',
      'policy --alpha 1% --horizon 2h --json > faster.json',
      'policy explain breachProbability',
      'policy check policy.json',
      'policy compare default policy.json btc-hourly.csv',
    ],
  )
  addPolicyOptions(policy).action(
    action<PolicyFlags, []>(async (terminal, options) => {
      const [{ policyAsked, policyJson }, { formatPolicy }] = await texts()
      const asked = policyAsked({ ...options, entries: entriesOfFlags(options) })
      terminal.result(policyJson(asked), formatPolicy(asked))
    }),
  )
  addExplainCommand(policy)
  addCheckCommand(policy)
  addCompareCommand(policy)
}

const texts = () => Promise.all([import('../answers/policies.ts'), import('../text/policyTable.ts')])

function addExplainCommand(policy: Command): void {
  addCommand(policy, 'explain [entries...]', 'what entries mean, their units and ranges, what raising them does', [
    'policy explain',
    'policy explain initialMarginBuffer tightenPerHour',
  ]).action(
    action<object, [string[]]>(async (terminal, _, names) => {
      const [{ entriesNamed, entryJson }, { formatEntries }] = await texts()
      const entries = entriesNamed(names).map((entry) => ({ ...entry, flags: flagsOf(entry) }))
      terminal.result(entries.map(entryJson), formatEntries(entries))
    }),
  )
}

function addCheckCommand(policy: Command): void {
  addCommand(policy, 'check <policy>', 'whether a policy file is in order, and what it turns', [
    'policy check policy.json',
  ]).action(
    action<object, [string]>(async (terminal, _, file) => {
      const [{ checkPolicy, policyJson }, { formatCheck }] = await texts()
      const checked = checkPolicy(file)
      const { policy, remarks } = checked
      terminal.result({ file, policy: policyJson(policy), remarks }, formatCheck(file, checked))
    }),
  )
}

function addCompareCommand(policy: Command): void {
  const compare = addCommand(
    policy,
    'compare <a> <b> <prices>',
    'two policies on a price history: coverage, scores, margins, worst horizons; "default" stands for the default one',
    [
      'policy compare default policy.json btc-hourly.csv',
      'policy compare a.json b.json btc-hourly.csv.gz --bar-seconds 3600 --json',
    ],
  ).option('--model, --volatility-model <name>', 'for both, instead of the ones that they name')
  addPriceOptions(compare).action(
    action<PriceFlags & Pick<PolicyFlags, 'volatilityModel'>, [string, string, string]>(
      async (terminal, options, a, b, prices) => {
        const [{ comparePolicies, comparisonJson }, { formatComparison }] = await texts()
        const compared = comparePolicies(
          [a, b],
          prices,
          { ...priceOptions(options), say: terminal.say },
          options.volatilityModel,
        )
        terminal.result(comparisonJson(compared), formatComparison(compared))
      },
    ),
  )
}
