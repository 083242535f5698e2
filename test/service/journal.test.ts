import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { DeployJournal } from '../../prover/service/deploying/journal.ts'
import { run, temporaryFolder } from './zkrisk.ts'

const folder = temporaryFolder()
const header = { chainId: '1', genesis: '0x01', deployer: '0x02' }
const module = join(import.meta.dirname, '../../prover/service/deploying/journal.ts')

it('a lock that a dead process left is taken by one of many that ask at once', async () => {
  const file = join(folder, 'journal')
  DeployJournal.open(file, header).close()
  writeFileSync(`${file}.lock`, `${2 ** 22 + 1}`)
  const start = Date.now() + 4000
  const program = `
    const { DeployJournal } = await import(${JSON.stringify(module)})
    while (Date.now() < ${start}) {}
    try {
      DeployJournal.open(${JSON.stringify(file)}, ${JSON.stringify(header)})
      console.log('held')
      setTimeout(() => {}, 3000)
    } catch (error) {
      console.log(error.code)
    }`
  const ended = await Promise.all(
    Array.from({ length: 6 }, () => run(process.execPath, ['--input-type=module', '-e', program])),
  )
  const said = ended.map(({ stdout }) => stdout.trim()).toSorted()
  expect(said).toEqual(['held', ...Array.from({ length: 5 }, () => 'service.deploy-busy')])
})
