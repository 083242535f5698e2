import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FileWriteError, writeWholeFile } from '../../prover/service/wholeFile.ts'

describe('writeWholeFile', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'whole-file-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('makes the folder and replaces what was there', () => {
    const file = join(folder, 'new', 'report.html')
    writeWholeFile(file, 'first')
    writeWholeFile(file, 'second')
    expect(readFileSync(file, 'utf8')).toBe('second')
    expect(readdirSync(join(folder, 'new'))).toEqual(['report.html'])
  })

  it('leaves no fragment where the last step fails', () => {
    const file = join(folder, 'taken')
    mkdirSync(file)
    const write = () => writeWholeFile(file, 'text')
    expect(write).toThrowError(FileWriteError)
    expect(write).toThrowError(expect.objectContaining({ code: 'service.file-write', file }))
    expect(readdirSync(folder)).toEqual(['taken'])
  })

  it('refuses a folder that is a file, and leaves it as it was', () => {
    writeFileSync(join(folder, 'file'), 'kept')
    expect(() => writeWholeFile(join(folder, 'file', 'report.html'), 'text')).toThrowError(FileWriteError)
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('kept')
  })
})
