#!/usr/bin/env node
/** The `zkrisk` command: from the sources in a checkout, from dist/ where the package is installed. On any Node that reads this. */
import { existsSync, readFileSync } from 'node:fs'

const root = new URL('../', import.meta.url)

if (existsSync(new URL('package-lock.json', root))) {
  process.argv.splice(2, 0, 'zkrisk')
  await import('./run.mjs')
} else if (!['dist/prover/service/cli.js', 'shipped/manifest.json'].every((file) => existsSync(new URL(file, root)))) {
  fail(
    'This package was packed before it was built. In the clone: npm run build, then npm pack. (service.packed-unbuilt)',
  )
} else if (builtVersion() !== readManifest().version) {
  fail(
    `This package of version ${readManifest().version} was packed with what version ${builtVersion()} had built. In the clone: npm run build, then npm pack. (service.packed-stale)`,
  )
} else if (satisfies(process.versions.node)) {
  await import('../dist/prover/service/cli.js')
} else {
  const wanted = readManifest()
    .engines.node.replace(/\^?(\d+)\.(\d+)\.\d+/g, '$1.$2')
    .replace(' || >=', ' or from ')
  fail(
    `zkrisk runs on Node ${wanted}; this is ${process.versions.node}. Use a newer one, or let npm fetch one: npx -y -p node@24 -c "zkrisk …" (service.old-node)`,
  )
}

function fail(words) {
  console.error(words)
  process.exitCode = 1
}

/** Whether a Node version lies in `engines`, written as `^A.B.C || >=A.B.C`. */
function satisfies(version) {
  const [major, minor] = version.split('.').map(Number)
  return readManifest()
    .engines.node.split('||')
    .some((range) => {
      const [, operator, wantedMajor, wantedMinor] = range.trim().match(/^(\^|>=)(\d+)\.(\d+)/)
      if (operator === '^' && major !== Number(wantedMajor)) return false
      return major > Number(wantedMajor) || (major === Number(wantedMajor) && minor >= Number(wantedMinor))
    })
}

/** Of the package when its built part was gathered. */
function builtVersion() {
  return JSON.parse(readFileSync(new URL('shipped/manifest.json', root), 'utf8')).package
}

function readManifest() {
  return JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
}
