/** Folders that are made. */
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { makeFolder } from '../../prover/service/folder.ts'
import { temporaryFolder } from './zkrisk.ts'

const folder = temporaryFolder()

it('makes a folder with those that it lies in, and is content with one that is there', () => {
  const deep = join(folder, 'a', 'b', 'c')
  makeFolder(deep)
  makeFolder(deep)
  expect(existsSync(deep)).toBe(true)
})

it('says what the system says of a file in the way', () => {
  const file = join(folder, 'file')
  writeFileSync(file, '')
  expect(() => makeFolder(file)).toThrow(/EEXIST/)
  expect(() => makeFolder(join(file, 'a', 'b'))).toThrow(/ENOTDIR/)
})

it.skipIf(process.platform !== 'linux')('ends where the system has no place for folders, as in /proc', () => {
  expect(() => makeFolder('/proc/zkrisk/state')).toThrow(/ENOENT/)
})

it.skipIf(process.platform === 'win32')('goes through links as what is written there will', () => {
  mkdirSync(join(folder, 'away', 'target'), { recursive: true })
  symlinkSync(join(folder, 'away', 'target'), join(folder, 'link'))
  makeFolder(`${folder}/link/../beside`)
  expect([existsSync(join(folder, 'away', 'beside')), existsSync(join(folder, 'beside'))]).toEqual([true, false])
})
