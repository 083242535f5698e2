#!/usr/bin/env node
/** The `zkrisk` command: from the sources in a checkout, from dist/ where the package is installed. */
import { existsSync } from 'node:fs'

if (existsSync(new URL('../package-lock.json', import.meta.url))) {
  process.argv.splice(2, 0, 'zkrisk')
  await import('./run.mjs')
} else {
  await import('../dist/prover/service/cli.js')
}
